"""The fleet and the sites in memory, over the desk in memory: wards scope every answer, keys make asking twice safe."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Any

from ancu.models.errors import UsageError
from ancu.models.ids import band_name
from ancu.server.desk.fleet import sorted_rows
from ancu.server.fleet import faults_of
from ancu.server.people.kits import read_band, read_kit
from ancu.server.ports import DeviceRow, NotFound, PersonDetail, Role, Viewer
from ancu.server.ports.exchange import Refused
from ancu.server.ports.site import (
    BandLog,
    DeviceDetail,
    FleetPage,
    FleetPort,
    FleetRow,
    Kit,
    LogLine,
    SitePort,
    SiteRow,
    SwapReason,
    SwapState,
    Worn,
)


class FakeFleet(FleetPort):
    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.spares = {"wb-00000042", "wb-00000043"}
        self.revoked: set[str] = set()
        self.log: dict[str, list[LogLine]] = {}
        self.since: dict[str, datetime] = {}
        self.box_knows: bool | None = False
        self.heard: datetime | None = None
        self.keys: dict[str, str] = {}
        self.recorded: dict[str, BandLog] = {}

    async def fleet(
        self,
        viewer: Viewer,
        *,
        kind: str | None = None,
        fault: str | None = None,
        text: str = "",
        sort: str = "faults",
        offset: int = 0,
        limit: int = 100,
    ) -> FleetPage:
        rows = [self._row(row) for row in self._seen(viewer) if text in row.id]
        of_kind = [row for row in rows if kind in (None, row.device.kind)]
        shown = sorted_rows([row for row in of_kind if fault is None or fault in row.faults], sort)
        kinds = Counter(row.device.kind for row in rows if fault is None or fault in row.faults)
        faults = Counter(code for row in of_kind for code in row.faults)
        return FleetPage(shown[offset : offset + limit], len(shown), kinds, faults)

    async def device(self, viewer: Viewer, kind: str, device: str) -> DeviceDetail:
        row = next((row for row in self._seen(viewer) if (row.kind, row.id) == (kind, device)), None)
        if row is None:
            raise NotFound
        behind = [self._row(one) for one in self._seen(viewer) if one.kind == "camera" and one.serves == device]
        told = True if kind == "edge" else None
        return DeviceDetail(self._row(row), self.log.get(device, []), behind, told, self.recorded.get(device))

    async def worn(self, viewer: Viewer, band: str) -> Worn:
        person = self._wearer(viewer, self._name(band))
        return Worn(person.band or "", person.id, person.label, person.order, person.edge, 14, person.last_heard_at)

    async def spare(self, viewer: Viewer, band: str) -> str:
        name = self._name(band)
        wearer = next((one for one in self.desk.persons.values() if one.band == name), None)
        if wearer is not None:
            self._wearer(viewer, name)
            raise Refused("in_use", "worn")
        if name in self.revoked:
            raise Refused("revoked", "revoked")
        if name not in self.spares:
            raise NotFound
        return name

    async def swap(self, viewer: Viewer, old: str, new: str, reason: SwapReason, *, key: str) -> SwapState:
        if key in self.keys:
            return await self.swap_state(viewer, self.keys[key])
        person, fresh = self._wearer(viewer, self._name(old)), await self.spare(viewer, new)
        self.desk.persons[person.id] = replace(person, band=fresh)
        self.log[old] = [LogLine(self.desk.clock.now(), viewer.id, "swap_band", {"new": fresh, "reason": reason})]
        self.since[person.id] = self.desk.clock.now()
        self.spares.discard(fresh)
        if reason == "lost":
            self.revoked.add(old)
        self.keys[key] = person.id
        return await self.swap_state(viewer, person.id)

    async def swap_state(self, viewer: Viewer, person: str) -> SwapState:
        detail = await self.desk.person(viewer, person)
        since = self.since.get(person, self.desk.clock.now())
        return SwapState(person, detail.label, detail.band, detail.edge, since, self.box_knows, self.heard)

    async def kit(self, viewer: Viewer, text: str) -> Kit:
        edge, band = read_kit(text)
        if not any(row.kind == "edge" and row.id == edge for row in self._seen(viewer)):
            raise NotFound
        near = [one.label for one in self.desk.persons.values() if one.edge == edge]
        return Kit(edge, None if band is None else await self.spare(viewer, band_name(band)), None, near)

    async def hand_over(self, viewer: Viewer, person: str, kit: Kit, *, key: str) -> SwapState:
        detail = await self.desk.person(viewer, person)
        self.desk.persons[person] = replace(detail, band=kit.band or detail.band, edge=kit.edge)
        return await self.swap_state(viewer, person)

    async def revoke(self, viewer: Viewer, kind: str, device: str, reason: str, *, key: str) -> None:
        if viewer.role not in (Role.PROVINCE, Role.OPERATOR):
            raise NotFound
        await self.device(viewer, kind, device)
        self.desk.rows_of_devices = [
            replace(row, state="revoked") if row.id == device else row for row in self.desk.rows_of_devices
        ]

    def _seen(self, viewer: Viewer) -> list[DeviceRow]:
        return [row for row in self.desk.rows_of_devices if viewer.wards is None or row.ward in viewer.wards]

    def _row(self, row: DeviceRow) -> FleetRow:
        served = self.desk.persons.get(row.serves or "")
        faults = faults_of(row.kind, row.state, row.battery_percent, row.values)
        return FleetRow(row, faults, served.label if served else None)

    def _name(self, text: str) -> str:
        try:
            return band_name(read_band(text))
        except UsageError:
            raise NotFound from None

    def _wearer(self, viewer: Viewer, band: str) -> PersonDetail:
        for person in self.desk.persons.values():
            if person.band == band and (viewer.wards is None or person.ward in viewer.wards):
                return person
        raise NotFound


class FakeSites(SitePort):
    """There are none here; the tests of sites are over the real ones."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk

    async def sites(self, viewer: Viewer) -> list[SiteRow]:
        return []

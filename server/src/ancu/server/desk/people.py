"""The register and memory as the desk shows them: people, bands, edges, gateways, cameras. Pure, ward-scoped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from ancu.models.clock import from_ms
from ancu.models.frame import Status
from ancu.models.ids import BandNumber, band_name
from ancu.server.fleet import band_figures
from ancu.server.ingest.latest import BandLatest, Latest
from ancu.server.people.records import BandRecord, OrderRecord, Snapshot
from ancu.server.ports import DeviceRow, NotFound, Viewer
from ancu.server.scope import sees

__all__ = ["Directory", "battery_of", "status_names"]

_QUIET_MS = 60_000  # several heartbeats: nothing is claimed of what said nothing for so long
_SILENT_MS = 600_000


@dataclass(frozen=True)
class Directory:
    """One version of the register with its ways back: from person to order to band."""

    register: Snapshot

    @cached_property
    def order_of(self) -> dict[str, OrderRecord]:
        """By person: the order in force, else the one that began last."""
        best: dict[str, OrderRecord] = {}
        for order in self.register.orders.values():
            held = best.get(order.person)
            if held is None or (order.ended_at is None, order.starts_at) > (held.ended_at is None, held.starts_at):
                best[order.person] = order
        return best

    @cached_property
    def person_at(self) -> dict[str, str]:
        """By edge of a home: the person who serves an order there, or served one last."""
        return {order.edge: person for person, order in self.order_of.items() if order.edge is not None}

    @cached_property
    def band_of(self) -> dict[str, BandRecord]:
        """By order."""
        return {band.order: band for band in self.register.bands.values() if band.order is not None}

    def person(self, viewer: Viewer, person: str) -> OrderRecord:
        """The order by which a person is known; raises NotFound."""
        order = self.order_of.get(person)
        if order is None or not sees(viewer, order.ward, person):
            raise NotFound(f"no person {person!r}")
        return order

    def persons(self, viewer: Viewer) -> list[str]:
        """Ids of the people that a viewer may see, in order."""
        return sorted(person for person, order in self.order_of.items() if sees(viewer, order.ward, person))

    def band(self, viewer: Viewer, number: BandNumber) -> OrderRecord:
        """The order that a band serves or served last; raises NotFound."""
        band = self.register.bands.get(number)
        order = None if band is None or band.order is None else self.register.orders.get(band.order)
        if order is None or not sees(viewer, order.ward, order.person):
            raise NotFound(f"no band {band_name(number)}")
        return order

    def said_by(self, order: OrderRecord, latest: Latest) -> BandLatest | None:
        """The newest reading of the band of an order; what it said under another order is someone else's."""
        band = self.band_of.get(order.id)
        newest = None if band is None else latest.band(band.number)
        return newest if newest is not None and from_ms(newest.heard_ms) >= order.starts_at else None

    def devices(self, viewer: Viewer, latest: Latest, now: datetime, kind: str | None) -> list[DeviceRow]:
        """Every device that a viewer may see, ordered by kind and id."""
        rows: list[DeviceRow] = []
        for name, make in (
            ("band", self._bands),
            ("camera", self._cameras),
            ("edge", self._edges),
            ("gateway", self._gateways),
        ):
            if kind in (None, name):
                rows += make(viewer, latest, round(now.timestamp() * 1000))
        return sorted(rows, key=lambda row: (row.kind, row.id))

    def _bands(self, viewer: Viewer, latest: Latest, now_ms: int) -> Iterator[DeviceRow]:
        for number, band in self.register.bands.items():
            order = None if band.order is None else self.register.orders.get(band.order)
            ward = order.ward if order else ""
            if not sees(viewer, ward, order.person if order else None):
                continue
            newest = latest.band(number)
            values: dict[str, Any] = {}
            if newest is not None:
                values = {"rssi_dbm": newest.rssi_dbm, "edge": newest.edge, "status": status_names(newest.status)}
                values |= band_figures(newest) | ({"reduced": True} if newest.reduced else {})
            yield DeviceRow(
                id=band_name(number),
                kind="band",
                ward=ward,
                state="revoked" if band.revoked else _state(newest.heard_ms if newest else None, now_ms),
                last_seen_at=None if newest is None else from_ms(newest.heard_ms),
                battery_percent=None if newest is None else battery_of(newest),
                firmware=None,
                serves=order.person if order else None,
                values=values,
            )

    def _edges(self, viewer: Viewer, latest: Latest, now_ms: int) -> Iterator[DeviceRow]:
        for edge, record in self.register.edges.items():
            if not sees(viewer, record.ward, None):
                continue
            newest = latest.edge(edge)
            state = "revoked" if record.revoked else _state(newest.seen_ms if newest else None, now_ms)
            values: dict[str, Any] = {"site": record.site, "gateway": record.gateway}
            if newest is not None:
                values |= {
                    "mains": newest.mains,
                    "radio_ok": newest.radio_ok,
                    "clock_synced": newest.clock_synced,
                    "waiting": newest.waiting,
                    "dropped": newest.dropped,
                    "uptime_s": newest.uptime_s,
                }
                if state == "ok" and not newest.radio_ok and edge in self.person_at:  # a camera's box has no radio
                    state = "fault"
            seen = None if newest is None or not newest.seen_ms else from_ms(newest.seen_ms)
            firmware = None if newest is None else newest.version or None
            serves = None if record.site else self.person_at.get(edge)
            yield DeviceRow(edge, "edge", record.ward, state, seen, None, firmware, serves, values)

    def _gateways(self, viewer: Viewer, latest: Latest, now_ms: int) -> Iterator[DeviceRow]:
        for gateway, record in self.register.gateways.items():
            wards = sorted(record.wards)
            seen_wards = [ward for ward in wards if sees(viewer, ward, None)]
            if not seen_wards:
                continue
            newest = latest.gateway(gateway)
            state = "revoked" if record.revoked else _state(newest.seen_ms if newest else None, now_ms)
            values: dict[str, Any] = {"wards": seen_wards}
            if newest is not None:
                values |= {"spooled": newest.spooled, "dropped": newest.dropped, "edges": len(newest.edges)}
            yield DeviceRow(
                id=gateway,
                kind="gateway",
                ward=seen_wards[0],
                state=state,
                last_seen_at=None if newest is None else from_ms(newest.seen_ms),
                battery_percent=None,
                firmware=None if newest is None else newest.version or None,
                serves=None,
                values=values,
            )

    def _cameras(self, viewer: Viewer, latest: Latest, now_ms: int) -> Iterator[DeviceRow]:
        for (edge, camera), record in self.register.cameras.items():
            box = self.register.edges.get(edge)
            if box is None or not sees(viewer, box.ward, None):
                continue
            newest, behind = latest.camera(edge, camera), latest.edge(edge)
            state = "revoked" if record.revoked else _state(behind.seen_ms if behind else None, now_ms)
            if state == "ok" and newest is not None and newest.state != "ok":
                state = "fault"
            yield DeviceRow(
                id=f"{edge}/{camera}",
                kind="camera",
                ward=box.ward,
                state=state,
                last_seen_at=None if newest is None or not newest.at_ms else from_ms(newest.at_ms),
                battery_percent=None,
                firmware=None,
                serves=edge,
                values={"label": record.label, "condition": newest.state if newest else None},
            )


def battery_of(newest: BandLatest) -> int | None:
    """None: an ordinary band that does not tell."""
    return None if newest.reduced and not newest.battery_percent else newest.battery_percent


def status_names(bits: int) -> list[str]:
    """Names of the set status bits, as the API spells them."""
    return [flag.name.lower() for flag in Status if bits & flag and flag.name]


def _state(seen_ms: int | None, now_ms: int) -> str:
    if not seen_ms:
        return "new"
    quiet = now_ms - seen_ms
    return "ok" if quiet < _QUIET_MS else "unknown" if quiet < _SILENT_MS else "silent"

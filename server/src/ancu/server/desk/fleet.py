"""The desk of the fleet: what is wrong with which device, and devices given, exchanged and shut out."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from ancu.models.clock import from_ms, to_ms
from ancu.models.commands import BANDS, bands_mark
from ancu.models.errors import UsageError
from ancu.models.ids import BandNumber, EdgeId, band_name, band_number
from ancu.server.commanding import bands_of_edges
from ancu.server.core import Transaction
from ancu.server.desk.people import Directory
from ancu.server.desk.rows import label_of
from ancu.server.desk.site_base import Grounds, may_change
from ancu.server.fleet import FAULTS, faults_of
from ancu.server.history.standing import log_of
from ancu.server.people.devices import Devices
from ancu.server.people.errors import Absent, OrderRefused, Revoked
from ancu.server.people.kits import Kits, read_band, read_kit
from ancu.server.people.provision import DEVICES_FILE, publish_devices
from ancu.server.people.records import OrderRecord
from ancu.server.ports import DeviceRow, NotFound, Role, Viewer
from ancu.server.ports.exchange import Refused
from ancu.server.ports.site import (
    DeviceDetail,
    FleetPage,
    FleetPort,
    FleetRow,
    Kit,
    LogLine,
    SwapReason,
    SwapState,
    Worn,
)
from ancu.server.scope import Scope, sees

__all__ = ["FleetDesk", "fleet_row", "sorted_rows"]

_LOG_LINES: Final = 20
_NEVER: Final = 1e9  # sorts what is not known behind what is


class FleetDesk(FleetPort):
    """Over the register and the newest word of each device."""

    def __init__(self, grounds: Grounds) -> None:
        self._grounds = grounds

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
        rows = [fleet_row(row) for row in self._rows(viewer, None)]
        wanted = text.strip().lower()
        if wanted:
            rows = [row for row in rows if wanted in row.device.id or wanted in (row.device.serves or "")]
        of_kind = [row for row in rows if kind in (None, row.device.kind)]
        shown = sorted_rows([row for row in of_kind if fault is None or fault in row.faults], sort)
        page = shown[offset : offset + limit]
        labelled = await self._grounds.read(lambda db: [self._labelled(db, Scope.of(viewer), row) for row in page])
        return FleetPage(
            labelled,
            len(shown),
            Counter(row.device.kind for row in rows if fault is None or fault in row.faults),
            Counter(fault for row in of_kind for fault in row.faults),
        )

    async def device(self, viewer: Viewer, kind: str, device: str) -> DeviceDetail:
        rows = self._rows(viewer, None)
        found = next((row for row in rows if (row.kind, row.id) == (kind, device)), None)
        if found is None:
            raise NotFound(f"no {kind} {device!r}")
        behind = [fleet_row(row) for row in rows if _belongs(row, found, self._grounds.directory())]
        told = self._knows_bands(EdgeId(device)) if kind == "edge" else None

        scope = Scope.of(viewer)

        def read(db: sqlite3.Connection) -> DeviceDetail:
            recorded = log_of(db, _band_of(device)) if kind == "band" else None
            row = self._labelled(db, scope, fleet_row(found))
            return DeviceDetail(
                row, _log(db, device), [self._labelled(db, scope, one) for one in behind], told, recorded
            )

        return await self._grounds.read(read)

    async def worn(self, viewer: Viewer, band: str) -> Worn:
        number = _band_of(band)
        order = self._order_of(viewer, number)
        newest = self._grounds.directory().said_by(order, self._grounds.memory.latest)
        label = await self._grounds.read(lambda db: label_of(db, Scope.of(viewer), order.person))
        return Worn(
            band_name(number),
            order.person,
            label,
            order.id,
            order.edge,
            None if newest is None else newest.battery_percent,
            None if newest is None else from_ms(newest.heard_ms),
        )

    async def spare(self, viewer: Viewer, band: str) -> str:
        may_change(viewer)
        number = _band_of(band)

        def read(db: sqlite3.Connection) -> str:
            with _plainly():
                self._kits(db, viewer).spare(number)
            return band_name(number)

        self._may_know(viewer, number)
        return await self._grounds.read(read)

    async def swap(self, viewer: Viewer, old: str, new: str, reason: SwapReason, *, key: str) -> SwapState:
        may_change(viewer)
        before, after = _band_of(old), _band_of(new)
        if before == after:
            self._order_of(viewer, before)
            raise Refused("same", f"{band_name(after)} is the old band itself")

        def run(tx: Transaction) -> str:
            # The order as the transaction sees it: a colleague may have been quicker.
            kits = self._kits(tx.store.connection, viewer)
            order = kits.serves(before)
            record = None if order is None else self._grounds.directory().register.orders.get(order)
            if record is None or not sees(viewer, record.ward, record.person):
                raise NotFound(f"no band {old!r} in use")
            self._may_know(viewer, after)
            with _plainly():
                kits.swap(before, after, record.id, reason)
            return record.person

        person = await self._grounds.once(viewer, key, f"swap {before} {after} {reason}", run)
        return await self.swap_state(viewer, person)

    async def swap_state(self, viewer: Viewer, person: str) -> SwapState:
        order = self._grounds.directory().person(viewer, person)
        scope = Scope.of(viewer)
        row, label = await self._grounds.read(
            lambda db: (
                db.execute(
                    f"SELECT band, from_ms FROM {scope.view('assignments')}"  # noqa: S608 - our own words; values are bound
                    " WHERE quarantine_order = :id AND until_ms IS NULL",
                    scope.values | {"id": order.id},
                ).fetchone(),
                label_of(db, scope, person),
            )
        )
        if row is None:
            raise NotFound(f"{person!r} has no band")
        newest = self._grounds.memory.latest.band(row["band"])
        heard = newest is not None and newest.heard_ms >= row["from_ms"]
        return SwapState(
            person,
            label,
            band_name(BandNumber(row["band"])),
            order.edge,
            from_ms(row["from_ms"]),
            None if order.edge is None else self._knows_bands(order.edge, BandNumber(row["band"])),
            from_ms(newest.heard_ms) if newest is not None and heard else None,
        )

    async def kit(self, viewer: Viewer, text: str) -> Kit:
        may_change(viewer)
        edge, band = read_kit(text)
        record = self._grounds.directory().register.edges.get(edge)
        if record is None or not sees(viewer, record.ward, None):
            raise NotFound(f"no box {edge!r}")
        if record.revoked:
            raise Refused("revoked", f"box {edge} was revoked")
        spare = None if band is None else await self.spare(viewer, band_name(band))
        near = await self._grounds.read(
            lambda db: [label_of(db, Scope.of(viewer), person) for person in self._kits(db, viewer).neighbours(edge)]
        )
        return Kit(edge, spare, record.site, near)

    async def hand_over(self, viewer: Viewer, person: str, kit: Kit, *, key: str) -> SwapState:
        may_change(viewer)
        order = self._grounds.directory().person(viewer, person)
        edge, band = EdgeId(kit.edge), None if kit.band is None else _band_of(kit.band)
        if band is not None:
            self._may_know(viewer, band)

        def run(tx: Transaction) -> str:
            with _plainly():
                kits = self._kits(tx.store.connection, viewer)
                if band is None and not kits.has_band(order.id):
                    raise Refused("no_band", "a kit without a band, for somebody who has none")
                kits.hand_over(order.id, edge, band)
            return person

        await self._grounds.once(viewer, key, f"kit {person} {edge} {band}", run)
        return await self.swap_state(viewer, person)

    async def revoke(self, viewer: Viewer, kind: str, device: str, reason: str, *, key: str) -> None:
        may_change(viewer, Role.PROVINCE, Role.OPERATOR)
        await self.device(viewer, kind, device)

        def run(tx: Transaction) -> str:
            ledger = self._grounds.ledger(tx, viewer)
            devices = Devices(ledger, self._grounds.vault())
            with _plainly(), ledger.together():
                with ledger.change("revoke_why", device, reason=reason[:200]):
                    pass
                if kind == "band":
                    devices.revoke_band(band_number(device))
                elif kind == "camera":
                    edge, _, camera = device.partition("/")
                    devices.revoke_camera(EdgeId(edge), camera)
                else:
                    devices.revoke_device("edge" if kind == "edge" else "gateway", device)
            return device

        await self._grounds.once(viewer, key, f"revoke {kind} {device}", run)
        if kind in ("edge", "gateway"):
            await self._grounds.read(lambda db: self._publish(db, viewer))

    # --- inside ---

    def _rows(self, viewer: Viewer, kind: str | None) -> list[DeviceRow]:
        return self._grounds.directory().devices(viewer, self._grounds.memory.latest, self._grounds.clock.now(), kind)

    def _labelled(self, db: sqlite3.Connection, scope: Scope, row: FleetRow) -> FleetRow:
        directory = self._grounds.directory()
        device, label = row.device, row.label
        if device.kind == "camera":
            label = str(device.values.get("label") or "") or None
        elif device.kind == "edge" and device.values.get("site"):
            label = str(device.values["site"])
        elif device.serves in directory.order_of:
            label = label_of(db, scope, device.serves)
        return FleetRow(device, row.faults, label)

    def _order_of(self, viewer: Viewer, number: BandNumber) -> OrderRecord:
        directory = self._grounds.directory()
        order = directory.band(viewer, number)
        if not order.in_force(self._grounds.clock.now()):
            raise NotFound(f"nobody wears {band_name(number)}")
        return order

    def _may_know(self, viewer: Viewer, number: BandNumber) -> None:
        """A spare band is anybody's who holds it; one that serves elsewhere is not there for him."""
        directory = self._grounds.directory()
        band = directory.register.bands.get(number)
        order = None if band is None or band.order is None else directory.register.orders.get(band.order)
        if band is None:
            raise NotFound(f"no band {band_name(number)}")
        serves = order is not None and order.in_force(self._grounds.clock.now())
        if order is not None and serves and not sees(viewer, order.ward, order.person):
            raise NotFound(f"no band {band_name(number)}")

    def _knows_bands(self, edge: EdgeId, band: BandNumber | None = None) -> bool | None:
        said = self._grounds.memory.latest.edge(edge)
        register = self._grounds.directory().register
        if said is None or BANDS not in said.applied:
            return None
        wanted = bands_of_edges(register).get(edge, {})
        return (band is None or band in wanted) and said.applied[BANDS] == bands_mark(wanted)

    def _kits(self, db: sqlite3.Connection, viewer: Viewer) -> Kits:
        ledger = self._grounds.ledger_of(db, viewer)
        return Kits(ledger, Devices(ledger, self._grounds.vault()))

    def _publish(self, db: sqlite3.Connection, viewer: Viewer) -> None:
        devices = Devices(self._grounds.ledger_of(db, viewer), self._grounds.vault())
        publish_devices(devices, self._grounds.data / DEVICES_FILE)


def sorted_rows(rows: Iterable[FleetRow], sort: str) -> list[FleetRow]:
    """In one of the orders of the port."""
    return sorted(rows, key=_ORDERS.get(sort, _by_faults))


def fleet_row(row: DeviceRow) -> FleetRow:
    return FleetRow(row, faults_of(row.kind, row.state, row.battery_percent, row.values), None)


def _by_faults(row: FleetRow) -> tuple[object, ...]:
    worst = FAULTS.index(row.faults[0]) if row.faults else len(FAULTS)
    return (row.device.state == "revoked", worst, -len(row.faults), row.device.kind, row.device.id)


def _by_battery(row: FleetRow) -> tuple[object, ...]:
    days, percent = row.device.values.get("battery_days"), row.device.battery_percent
    return (percent is None, _NEVER if days is None else days, percent or 0, row.device.id)


def _by_link(row: FleetRow) -> tuple[object, ...]:
    mean = row.device.values.get("rssi_mean_dbm")
    return (mean is None, mean or 0, row.device.id)


def _by_seen(row: FleetRow) -> tuple[object, ...]:
    seen = row.device.last_seen_at
    return (seen is None, 0 if seen is None else to_ms(seen), row.device.id)


def _by_name(row: FleetRow) -> tuple[object, ...]:
    return (row.device.kind, row.device.id)


_ORDERS: Final[dict[str, Callable[[FleetRow], tuple[object, ...]]]] = {
    "faults": _by_faults,
    "battery": _by_battery,
    "link": _by_link,
    "seen": _by_seen,
    "name": _by_name,
}


def _belongs(row: DeviceRow, to: DeviceRow, directory: Directory) -> bool:
    if to.kind == "gateway":
        return row.kind == "edge" and row.values.get("gateway") == to.id
    if to.kind != "edge":
        return False
    if row.kind == "camera":
        return row.serves == to.id
    order = directory.order_of.get(row.serves or "") if row.kind == "band" else None
    return order is not None and order.edge == to.id and order.ended_at is None


def _log(db: sqlite3.Connection, device: str) -> Sequence[LogLine]:
    rows: Iterable[sqlite3.Row] = db.execute(
        "SELECT * FROM admin_log WHERE subject = ? AND action <> 'certify' ORDER BY position DESC LIMIT ?",
        (device, _LOG_LINES),
    )
    return [LogLine(from_ms(r["at_ms"]), r["actor"], r["action"], json.loads(r["detail"])) for r in rows]


def _band_of(text: str) -> BandNumber:
    try:
        return read_band(text)
    except UsageError:
        raise NotFound(f"no band {text[:40]!r}") from None


@contextmanager
def _plainly() -> Iterator[None]:
    """The register's errors in the words of the port."""
    try:
        yield
    except Absent as error:
        raise NotFound(str(error)) from None
    except Revoked as error:
        raise Refused("revoked", str(error)) from None
    except OrderRefused as error:
        raise Refused("in_use", str(error)) from None

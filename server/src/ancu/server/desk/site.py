"""The desk of sites: who should be there and what cameras make of it, plans and beds, pictures and wall screens."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from ancu.models.clock import from_ms, to_ms
from ancu.models.commands import Command, Door, TakeStill, Zone, zones_of
from ancu.models.ids import EdgeId
from ancu.server.commanding import Commander
from ancu.server.core import Transaction
from ancu.server.desk.fleet import fleet_row
from ancu.server.desk.rows import label_of
from ancu.server.desk.site_base import Grounds, may_change
from ancu.server.optional import moment
from ancu.server.people import walls
from ancu.server.people.errors import Absent, Exists, Revoked
from ancu.server.people.orders import new_id
from ancu.server.people.records import OrderRecord
from ancu.server.people.sites import Site, assign_bed, beds_of, count_people, counted, note_count, sites_of
from ancu.server.people.sites_drawing import draw, newest_drawing
from ancu.server.people.sites_plan import Room, read_plan, save
from ancu.server.people.sites_seen import STILL_MS, sweep
from ancu.server.ports import NotFound, Role, Viewer
from ancu.server.ports.exchange import Refused
from ancu.server.ports.site import (
    BedRow,
    Board,
    CameraView,
    FleetRow,
    Passing,
    Resident,
    SitePort,
    SiteRow,
    Still,
    WallRow,
)
from ancu.server.scope import Scope, sees
from ancu.server.web.words import VIETNAM

__all__ = ["SiteDesk"]

_SEES_STILLS: Final = (Role.SITE, Role.OFFICER)  # whoever stands at the site's gate or its ward's
_PASSINGS: Final = 20
_LATE_MS: Final = 120_000
_MOST: Final = 10_000  # of a head count
_WALL_VIEWER: Final = "wall"


class SiteDesk(SitePort):
    """Over the register, the judge's presence and what cameras told."""

    def __init__(self, grounds: Grounds, commander: Commander | None = None) -> None:
        self._grounds, self._commander = grounds, commander

    async def sites(self, viewer: Viewer) -> list[SiteRow]:
        return [self._row(viewer, site) for site in self._seen(viewer)]

    async def board(self, viewer: Viewer, site: str) -> Board:
        found = self._site(viewer, site)
        return await self._grounds.read(lambda db: self._board(db, viewer, found))

    async def residents(self, viewer: Viewer, site: str) -> list[Resident]:
        found, now = self._site(viewer, site), self._grounds.clock.now()
        directory = self._grounds.directory()
        orders, scope = self._orders(found), Scope.of(viewer)

        def read(db: sqlite3.Connection) -> list[Resident]:
            beds = {person: bed for bed, person in beds_of(db, found.id).items()}
            absences = _absences(db, scope, [order.person for order in orders], to_ms(now))
            rows = []
            for order in orders:
                presence, since = self._grounds.memory.judging.presence(order.person, now)
                band = directory.band_of.get(order.id)
                rows.append(
                    Resident(
                        order.person,
                        label_of(db, scope, order.person),
                        None if band is None else f"wb-{band.number:08d}",
                        beds.get(order.person),
                        presence,
                        since,
                        absences.get(order.person),
                        order.until,
                    )
                )
            return sorted(rows, key=lambda row: (row.bed is not None, row.label))

        return await self._grounds.read(read)

    async def save_plan(self, viewer: Viewer, site: str, rooms: Sequence[Room], *, after: int, key: str) -> int:
        may_change(viewer)
        found = self._site(viewer, site)

        def run(tx: Transaction) -> str:
            db = tx.store.connection
            taken = self._taken(db, found)
            return str(save(self._grounds.ledger(tx, viewer), found.id, rooms, after=after, taken=taken))

        return int(await self._grounds.once(viewer, key, f"plan {site} {after} {rooms!r}", run))

    async def assign_bed(self, viewer: Viewer, site: str, person: str, bed: str | None, *, key: str) -> None:
        may_change(viewer)
        found = self._site(viewer, site)
        order = self._grounds.directory().person(viewer, person)
        if bed is not None and not found.serves(order):
            raise NotFound(f"{person!r} is not at {site!r}")

        def run(tx: Transaction) -> str:
            db = tx.store.connection
            if bed is not None and bed not in read_plan(db, found.id).beds:
                raise NotFound(f"no bed {bed!r}")
            self._free_beds(tx, viewer, found)
            with _plainly():
                assign_bed(self._grounds.ledger(tx, viewer), found.id, person, bed)
            return person

        await self._grounds.once(viewer, key, f"bed {site} {person} {bed}", run)

    async def count(self, viewer: Viewer, site: str, people: int, *, key: str) -> None:
        may_change(viewer)
        found = self._site(viewer, site)
        if not 0 <= people <= _MOST:
            raise Refused("count", f"a head count is 0 to {_MOST}")

        def run(tx: Transaction) -> str:
            note_count(self._grounds.ledger(tx, viewer), found.id, people)
            return found.id

        await self._grounds.once(viewer, key, f"count {site} {people}", run)

    async def camera(self, viewer: Viewer, edge: str, camera: str) -> CameraView:
        site, row = self._camera(viewer, edge, camera)
        said = self._grounds.memory.latest.edge(edge)

        def read(db: sqlite3.Connection) -> CameraView:
            drawing = newest_drawing(db, edge, camera)
            return CameraView(
                self._row(viewer, site),
                row,
                drawing.version if drawing else 0,
                drawing.at if drawing else None,
                drawing.by if drawing else None,
                drawing.doors if drawing else (),
                drawing.zones if drawing else (),
                said.applied.get(zones_of(camera)) if said else None,
                self._still(db, viewer, edge, camera),
            )

        return await self._grounds.read(read)

    async def save_drawing(
        self,
        viewer: Viewer,
        edge: str,
        camera: str,
        doors: Sequence[Door],
        zones: Sequence[Zone],
        *,
        after: int,
        key: str,
    ) -> int:
        may_change(viewer)
        self._camera(viewer, edge, camera)

        def run(tx: Transaction) -> str:
            ledger = self._grounds.ledger(tx, viewer)
            with _plainly():
                return str(draw(ledger, EdgeId(edge), camera, doors, zones, after=after))

        return int(await self._grounds.once(viewer, key, f"draw {edge} {camera} {after} {doors!r} {zones!r}", run))

    async def ask_still(self, viewer: Viewer, edge: str, camera: str, *, key: str) -> None:
        may_change(viewer, *_SEES_STILLS)
        self._camera(viewer, edge, camera)

        def run(tx: Transaction) -> str:
            ask = new_id("a")
            sweep(tx.store.connection, tx.now_ms)
            with self._grounds.ledger(tx, viewer).change("ask_still", f"{edge}/{camera}") as db:
                db.execute(
                    "INSERT OR REPLACE INTO camera_stills (edge, camera, asked_ms, asked_by, ask)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (edge, camera, tx.now_ms, viewer.id, ask),
                )
            return ask

        ask = await self._grounds.once(viewer, key, f"still {edge} {camera}", run)
        await self._tell(EdgeId(edge), TakeStill(camera, ask))

    async def still(self, viewer: Viewer, edge: str, camera: str) -> bytes:
        may_change(viewer, *_SEES_STILLS)
        self._camera(viewer, edge, camera)
        oldest = to_ms(self._grounds.clock.now()) - STILL_MS
        row = await self._grounds.read(lambda db: _still_row(db, Scope.of(viewer), edge, camera))
        if row is None or row["picture"] is None or row["asked_ms"] <= oldest:
            raise NotFound(f"no picture of {edge}/{camera}")
        return bytes(row["picture"])

    # --- wall screens ---

    async def hang_wall(self, viewer: Viewer, site: str, label: str) -> str:
        may_change(viewer)
        found = self._site(viewer, site)
        return await self._grounds.run(lambda tx: walls.hang(self._grounds.ledger(tx, viewer), found.id, label))

    async def walls(self, viewer: Viewer, site: str) -> list[WallRow]:
        may_change(viewer)
        found, now_ms = self._site(viewer, site), to_ms(self._grounds.clock.now())
        return await self._grounds.read(lambda db: [_wall(row) for row in walls.list_walls(db, found.id, now_ms)])

    async def take_down_wall(self, viewer: Viewer, site: str, wall: str, *, key: str) -> None:
        may_change(viewer)
        found = self._site(viewer, site)

        def run(tx: Transaction) -> str:
            with _plainly():
                walls.take_down(self._grounds.ledger(tx, viewer), found.id, wall)
            return wall

        await self._grounds.once(viewer, key, f"wall {site} {wall}", run)

    async def wall(self, secret: str) -> tuple[WallRow, Board]:
        now_ms = to_ms(self._grounds.clock.now())
        row = await self._grounds.read(lambda db: walls.let_in(db, secret, now_ms))
        site = None if row is None else sites_of(self._grounds.directory().register).get(row["site"])
        if row is None or site is None:
            raise NotFound("no such screen")
        if row["seen_ms"] is None or now_ms - row["seen_ms"] > _LATE_MS:
            await self._grounds.run(lambda tx: walls.seen(tx.store.connection, row["id"], tx.now_ms))
        viewer = Viewer(_WALL_VIEWER, Role.SITE, frozenset({site.ward}))
        return _wall(row), await self._grounds.read(lambda db: self._board(db, viewer, site))

    # --- inside ---

    def _seen(self, viewer: Viewer) -> list[Site]:
        if viewer.role is Role.CITIZEN:
            return []
        register = self._grounds.directory().register
        return [site for site in sites_of(register).values() if sees(viewer, site.ward, None)]

    def _site(self, viewer: Viewer, id_: str) -> Site:
        found = next((site for site in self._seen(viewer) if site.id == id_), None)
        if found is None:
            raise NotFound(f"no site {id_!r}")
        return found

    def _camera(self, viewer: Viewer, edge: str, camera: str) -> tuple[Site, FleetRow]:
        site = next((site for site in self._seen(viewer) if edge in site.edges), None)
        row = (
            None
            if site is None
            else next((r for r in self._cameras(viewer, site) if r.device.id == f"{edge}/{camera}"), None)
        )
        if site is None or row is None or row.device.state == "revoked":
            raise NotFound(f"no camera {edge}/{camera}")
        return site, row

    def _cameras(self, viewer: Viewer, site: Site) -> list[FleetRow]:
        directory, now = self._grounds.directory(), self._grounds.clock.now()
        rows = directory.devices(viewer, self._grounds.memory.latest, now, "camera")
        return [
            FleetRow(row, fleet_row(row).faults, str(row.values.get("label") or row.id))
            for row in rows
            if row.serves in site.edges and row.state != "revoked"
        ]

    def _orders(self, site: Site) -> list[OrderRecord]:
        now = self._grounds.clock.now()
        directory = self._grounds.directory()
        return [order for order in directory.order_of.values() if site.serves(order) and order.in_force(now)]

    def _row(self, viewer: Viewer, site: Site) -> SiteRow:
        cameras = self._cameras(viewer, site)
        well = sum(not camera.faults and camera.device.state == "ok" for camera in cameras)
        return SiteRow(site.id, site.label, site.ward, len(self._orders(site)), len(cameras), well)

    def _board(self, db: sqlite3.Connection, viewer: Viewer, site: Site) -> Board:
        now, scope = self._grounds.clock.now(), Scope.of(viewer)
        orders = self._orders(site)
        presence = {o.person: self._grounds.memory.judging.presence(o.person, now)[0] for o in orders}
        absent = _absences(db, scope, list(presence), to_ms(now))
        plan, held = read_plan(db, site.id), beds_of(db, site.id)
        beds = {
            bed: BedRow(bed, held.get(bed) in presence, presence.get(held.get(bed, "")), held.get(bed) in absent)
            for bed in plan.beds
        }
        count = counted(db, site)
        midnight = now.astimezone(VIETNAM).replace(hour=0, minute=0, second=0, microsecond=0)
        passed = count_people(db, site.edges, to_ms(midnight))
        return Board(
            self._row(viewer, site),
            plan,
            beds,
            Counter("absent" if person in absent else where for person, where in presence.items()),
            len(absent),
            None if count is None else count.now,
            None if count is None else from_ms(count.at_ms),
            passed["in"],
            passed["out"],
            _passings(db, scope, site, self._labels()),
            self._cameras(viewer, site),
            _alerts(db, scope, [*presence, *site.edges, *(camera.device.id for camera in self._cameras(viewer, site))]),
        )

    def _labels(self) -> dict[str, str]:
        cameras = self._grounds.directory().register.cameras
        return {f"{edge}/{camera}": record.label for (edge, camera), record in cameras.items()}

    def _still(self, db: sqlite3.Connection, viewer: Viewer, edge: str, camera: str) -> Still:
        row = _still_row(db, Scope.of(viewer), edge, camera)
        if viewer.role not in _SEES_STILLS:
            return Still("role", None, None)
        if row is None or row["asked_ms"] < to_ms(self._grounds.clock.now()) - STILL_MS:
            return Still("none", None, None)
        if row["picture"] is not None:
            return Still("here", from_ms(row["taken_ms"]), row["ask"])
        return Still(row["refused"] or "asked", from_ms(row["asked_ms"]), row["ask"])

    def _taken(self, db: sqlite3.Connection, site: Site) -> Collection[str]:
        here = {order.person for order in self._orders(site)}
        return [bed for bed, person in beds_of(db, site.id).items() if person in here]

    def _free_beds(self, tx: Transaction, viewer: Viewer, site: Site) -> None:
        """Who left the site has no bed in it any more: the next one may lie there."""
        here = {order.person for order in self._orders(site)}
        for person in beds_of(tx.store.connection, site.id).values():
            if person not in here:
                assign_bed(self._grounds.ledger(tx, viewer), site.id, person, None)

    async def _tell(self, edge: EdgeId, command: Command) -> None:
        if self._commander is not None:
            await self._commander.tell(edge, command)


def _still_row(db: sqlite3.Connection, scope: Scope, edge: str, camera: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        f"SELECT * FROM {scope.view('camera_stills')} WHERE edge = :edge AND camera = :camera",  # noqa: S608 - our own words; values are bound
        scope.values | {"edge": edge, "camera": camera},
    ).fetchone()
    return row


def _absences(db: sqlite3.Connection, scope: Scope, persons: Sequence[str], now_ms: int) -> dict[str, datetime]:
    """Whose absence runs now, and until when."""
    rows = db.execute(
        f"SELECT person, max(until_ms) AS until_ms FROM {scope.view('absences')}"  # noqa: S608 - our own words; values are bound
        " WHERE from_ms <= :now AND until_ms > :now AND (ended_ms IS NULL OR ended_ms > :now) GROUP BY person",
        scope.values | {"now": now_ms},
    )
    wanted = set(persons)
    return {row["person"]: from_ms(row["until_ms"]) for row in rows if row["person"] in wanted}


def _passings(db: sqlite3.Connection, scope: Scope, site: Site, labels: dict[str, str]) -> list[Passing]:
    ids = {f"edge{n}": edge for n, edge in enumerate(sorted(site.edges))}
    among = ", ".join(f":{name}" for name in ids)
    rows = db.execute(
        f"SELECT * FROM {scope.view('crossings')} WHERE edge IN ({among}) ORDER BY at_ms DESC LIMIT {_PASSINGS}",  # noqa: S608 - our own words; values are bound
        scope.values | ids,
    )
    return [
        Passing(
            from_ms(row["at_ms"]),
            labels.get(f"{row['edge']}/{row['camera']}", row["camera"]),
            row["door"],
            row["direction"],
            row["received_ms"] - row["at_ms"] > _LATE_MS,
        )
        for row in rows
    ]


def _alerts(db: sqlite3.Connection, scope: Scope, subjects: Sequence[str]) -> dict[str, int]:
    wanted = set(subjects)
    query = f"SELECT severity, subject, person FROM {scope.view('alerts')} WHERE state <> 'resolved'"  # noqa: S608 - our own words; values are bound
    rows = db.execute(query, scope.values)
    return Counter(row["severity"] for row in rows if row["subject"] in wanted or row["person"] in wanted)


def _wall(row: Any) -> WallRow:
    created_at, expires_at = from_ms(row["created_ms"]), from_ms(row["expires_ms"])
    return WallRow(row["id"], row["label"], created_at, expires_at, moment(row["seen_ms"]))


@contextmanager
def _plainly() -> Iterator[None]:
    """The register's errors in the words of the port."""
    try:
        yield
    except Absent as error:
        raise NotFound(str(error)) from None
    except Exists as error:
        raise Refused("taken", str(error)) from None
    except Revoked as error:
        raise Refused("revoked", str(error)) from None

"""A site's plan: rooms and beds on a grid, in versions; the newest is in force."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec

from ancu.models.errors import UsageError
from ancu.server.people.ledger import Ledger

__all__ = ["HEIGHT", "WIDTH", "Bed", "PlanChanged", "PlanRefused", "Room", "Saved", "check_plan", "read_plan", "save"]

WIDTH, HEIGHT = 120, 80  # steps of the grid: half a metre in a hall of sixty
_LEAST = 4  # of a room's sides
_ROOMS, _BEDS = 200, 1_000
_NAME_CHARS = 24
_ID = re.compile(r"[a-z0-9]{1,16}")


class PlanRefused(UsageError):
    """A plan that cannot be; `why` is a stable code, `name` a room's or bed's."""

    code = "plan_refused"

    def __init__(self, why: str, name: str = "") -> None:
        super().__init__(f"plan refused: {why} {name}".strip())
        self.why, self.name = why, name


class PlanChanged(UsageError):
    """Somebody else saved a newer version meanwhile."""

    code = "plan_changed"

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version} was saved meanwhile")
        self.version = version


class Bed(msgspec.Struct, frozen=True):
    id: str
    name: str
    x: int
    y: int


class Room(msgspec.Struct, frozen=True):
    id: str
    name: str
    x: int
    y: int
    width: int
    height: int
    beds: tuple[Bed, ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    version: int  # 0: nobody drew one
    rooms: tuple[Room, ...] = ()

    @property
    def beds(self) -> dict[str, Bed]:
        return {bed.id: bed for room in self.rooms for bed in room.beds}


def check_plan(rooms: Sequence[Room], taken: Collection[str]) -> None:
    """Raises PlanRefused; `taken`: beds that somebody has, which must stay."""
    beds = [bed for room in rooms for bed in room.beds]
    if len(rooms) > _ROOMS or len(beds) > _BEDS:
        raise PlanRefused("too_many")
    ids = [*(room.id for room in rooms), *(bed.id for bed in beds)]
    if len(set(ids)) < len(ids) or not all(_ID.fullmatch(id_) for id_ in ids):
        raise PlanRefused("ids")
    for room in rooms:
        _check_name(room.name)
        if not (room.width >= _LEAST and room.height >= _LEAST):
            raise PlanRefused("small", room.name)
        if not (0 <= room.x <= WIDTH - room.width and 0 <= room.y <= HEIGHT - room.height):
            raise PlanRefused("outside", room.name)
        for bed in room.beds:
            _check_name(bed.name)
            if not (room.x <= bed.x <= room.x + room.width and room.y <= bed.y <= room.y + room.height):
                raise PlanRefused("bed_outside", bed.name)
    names = [bed.name for bed in beds]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise PlanRefused("twice", twice)
    if gone := set(taken) - {bed.id for bed in beds}:
        raise PlanRefused("bed_taken", min(gone))


def read_plan(connection: sqlite3.Connection, site: str) -> Saved:
    row = connection.execute(
        "SELECT version, body FROM site_plans WHERE site = ? ORDER BY version DESC LIMIT 1", (site,)
    ).fetchone()
    if row is None:
        return Saved(0)
    return Saved(row["version"], msgspec.msgpack.decode(row["body"], type=tuple[Room, ...]))


def save(ledger: Ledger, site: str, rooms: Sequence[Room], *, after: int, taken: Collection[str]) -> int:
    """The next version, drawn over version `after`. Raises PlanRefused, PlanChanged."""
    check_plan(rooms, taken)
    newest = read_plan(ledger.connection, site).version
    if newest != after:
        raise PlanChanged(newest)
    beds = sum(len(room.beds) for room in rooms)
    with ledger.change("draw_plan", site, version=newest + 1, rooms=len(rooms), beds=beds) as db:
        db.execute(
            "INSERT INTO site_plans (site, version, at_ms, by, body) VALUES (?, ?, ?, ?, ?)",
            (site, newest + 1, ledger.now_ms(), ledger.actor, msgspec.msgpack.encode(tuple(rooms))),
        )
    return newest + 1


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > _NAME_CHARS or not name.isprintable():
        raise PlanRefused("name", name[:_NAME_CHARS])

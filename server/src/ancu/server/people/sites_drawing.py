"""What is drawn on a camera's picture: doors and zones, in versions; the newest is in force."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from ancu.models.clock import from_ms
from ancu.models.commands import Door, Point, SetZones, Zone
from ancu.models.errors import UsageError
from ancu.models.ids import EdgeId
from ancu.server.people.errors import Absent, Revoked
from ancu.server.people.ledger import Ledger

__all__ = [
    "Drawing",
    "DrawingChanged",
    "DrawingRefused",
    "check_drawing",
    "draw",
    "newest_drawing",
    "newest_drawings",
]

_NAME_CHARS = 40
_SHAPES = 24  # doors and zones of one camera; a screen shows no more that anybody could tell apart
_CORNERS = 24
_LEAST = 0.01  # of the picture: a shape that is smaller was a slip of the finger


class DrawingRefused(UsageError):
    """A shape that cannot serve; `why` is a stable code, `name` the shape's."""

    code = "drawing_refused"

    def __init__(self, why: str, name: str = "") -> None:
        super().__init__(f"drawing refused: {why} {name}".strip())
        self.why, self.name = why, name


class DrawingChanged(UsageError):
    """Somebody else saved a newer version meanwhile."""

    code = "drawing_changed"

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version} was saved meanwhile")
        self.version = version


class _Body(msgspec.Struct, frozen=True):
    doors: tuple[Door, ...] = ()
    zones: tuple[Zone, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawing:
    version: int
    at: datetime
    by: str
    doors: tuple[Door, ...]
    zones: tuple[Zone, ...]


def check_drawing(doors: Sequence[Door], zones: Sequence[Zone]) -> None:
    """Refuse what an edge would refuse, or what nobody can mean; raises DrawingRefused."""
    shapes: list[Door | Zone] = [*doors, *zones]
    if len(shapes) > _SHAPES:
        raise DrawingRefused("too_many")
    names = [shape.name for shape in shapes]
    for shape in shapes:
        if names.count(shape.name) > 1:
            raise DrawingRefused("twice", shape.name)
        _check_shape(shape.name, shape.area)
    for zone in zones:
        _check_area(zone.name, zone.area)
    for door in doors:
        if len(door.area) == 2:
            if door.inside is None or not _within(door.inside) or abs(_side(door.area, door.inside)) < _LEAST**2:
                raise DrawingRefused("inside", door.name)
        elif door.inside is not None:
            raise DrawingRefused("inside", door.name)
        else:
            _check_area(door.name, door.area)


def draw(ledger: Ledger, edge: EdgeId, camera: str, doors: Sequence[Door], zones: Sequence[Zone], *, after: int) -> int:
    """Save the next version, drawn over version `after` (0: over none). Raises Absent, Revoked and errors of here."""
    check_drawing(doors, zones)
    row = ledger.connection.execute(
        "SELECT c.revoked_ms, e.revoked_ms AS gone_ms FROM cameras c JOIN edges e ON e.id = c.edge"
        " WHERE c.edge = ? AND c.camera = ?",
        (edge, camera),
    ).fetchone()
    if row is None:
        raise Absent("camera", f"{edge}/{camera}")
    if row["revoked_ms"] is not None or row["gone_ms"] is not None:
        raise Revoked("camera", f"{edge}/{camera}")
    held = newest_drawing(ledger.connection, edge, camera)
    newest = held.version if held else 0
    if newest != after:
        raise DrawingChanged(newest)
    body = msgspec.msgpack.encode(_Body(tuple(doors), tuple(zones)))
    with ledger.change("draw", f"{edge}/{camera}", version=newest + 1, doors=len(doors), zones=len(zones)) as db:
        db.execute(
            "INSERT INTO camera_drawings (edge, camera, version, at_ms, by, body) VALUES (?, ?, ?, ?, ?, ?)",
            (edge, camera, newest + 1, ledger.now_ms(), ledger.actor, body),
        )
    return newest + 1


def newest_drawing(connection: sqlite3.Connection, edge: str, camera: str) -> Drawing | None:
    row = connection.execute(
        "SELECT * FROM camera_drawings WHERE edge = ? AND camera = ? ORDER BY version DESC LIMIT 1", (edge, camera)
    ).fetchone()
    if row is None:
        return None
    body = _read(row)
    return Drawing(row["version"], from_ms(row["at_ms"]), row["by"], body.doors, body.zones)


def newest_drawings(connection: sqlite3.Connection) -> dict[EdgeId, dict[str, SetZones]]:
    """What each edge's cameras are to use."""
    found: dict[EdgeId, dict[str, SetZones]] = {}
    for row in connection.execute(
        "SELECT d.edge, d.camera, d.version, d.body FROM camera_drawings d JOIN (SELECT edge, camera, max(version) AS v"
        " FROM camera_drawings GROUP BY edge, camera) n ON n.edge = d.edge AND n.camera = d.camera AND n.v = d.version"
    ):
        body = _read(row)
        zones = SetZones(row["camera"], row["version"], body.doors, body.zones)
        found.setdefault(EdgeId(row["edge"]), {})[row["camera"]] = zones
    return found


def _read(row: sqlite3.Row) -> _Body:
    return msgspec.msgpack.decode(row["body"], type=_Body)


def _check_shape(name: str, area: Sequence[Point]) -> None:
    if not name.strip() or len(name) > _NAME_CHARS or not name.isprintable():
        raise DrawingRefused("name", name[:_NAME_CHARS])
    if not 2 <= len(area) <= _CORNERS or not all(_within(point) for point in area):
        raise DrawingRefused("points", name)
    if _extent(area) < _LEAST:
        raise DrawingRefused("small", name)


def _check_area(name: str, area: Sequence[Point]) -> None:
    if len(area) < 3:
        raise DrawingRefused("points", name)
    sides = list(zip(area, [*area[1:], area[0]], strict=True))
    for i, (a, b) in enumerate(sides):
        for c, d in sides[i + 1 :]:
            if a not in (c, d) and b not in (c, d) and _cross(a, b, c, d):
                raise DrawingRefused("crosses", name)


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _side((a, b), c) * _side((a, b), d) < 0 and _side((c, d), a) * _side((c, d), b) < 0


def _side(line: Sequence[Point], point: Point) -> float:
    (ax, ay), (bx, by) = line[0], line[1]
    return (bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax)


def _within(point: Point) -> bool:
    return all(0 <= value <= 1 for value in point)


def _extent(area: Sequence[Point]) -> float:
    return max(max(p[i] for p in area) - min(p[i] for p in area) for i in (0, 1))

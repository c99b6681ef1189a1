"""Doors: who came through, who went out through them.

At an **area** a passing is a birth or a death: whoever is first seen at the door and then clear of it came through it;
whoever was clear of it and is last seen there went out. A **line** is passed by walking across it. Both look a
little before a track's first place and beyond its last one, because a fast person is never seen at the door itself.
Where no door is drawn, the **view** is one: whoever appears and moves came in, whoever disappears went out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import hypot
from typing import Final, Protocol

from ancu.edge.camera.config import WHOLE_VIEW, DoorZone, Point
from ancu.edge.camera.facts import Crossing, Direction
from ancu.edge.camera.tracks import Look, Place, Track, velocity

BEYOND_S: Final = 0.5  # a track's ends are prolonged by this
PATIENCE_S: Final = 1.0  # unseen at a door for so long: gone; the detector misses a person for less
PATIENCE_AMID_S: Final = 2.5  # unseen amid the view: more often behind something than gone
START: Final = 3  # places at a track's end that tell where it goes; the box of half a person jumps
MISSED: Final = 2  # looks that did not find the person, in any case
STEPS: Final = 5  # in which a prolonged end is searched for a door
CLEAR_LOOKS: Final = 2  # in a row, before somebody counts as clear of a door
CLEAR_MARGIN: Final = 0.03  # of the picture: a box trembles by less
BORDER: Final = 0.03  # of the picture: a box so near its edge is leaving or entering it
MOVED: Final = 0.05  # of the picture: what never moves so far is furniture, not a visitor
LINE_MARGIN: Final = 0.01  # of the picture, on either side of a line
LINE_LONGER: Final = 0.1  # of a line's length, at both ends


def stand(place: Place) -> Point:
    """Where a person stands: above the lower edge of the box, which may be cut off by the picture's."""
    return (place.left + place.right) / 2, place.bottom - 0.05 * place.height


def before(track: Track) -> Point:
    """Where a person was shortly before the first look."""
    return _along(stand(track.first), velocity(track.start[:START]), -BEYOND_S)


def beyond(track: Track) -> Point:
    """Where a person was going when last seen."""
    return _along(stand(track.last), velocity(track.end[-START:]), BEYOND_S)


def _along(start: Point, way: tuple[float, float], seconds: float) -> Point:
    return start[0] + way[0] * seconds, start[1] + way[1] * seconds


class Portal(Protocol):
    """A door at which people appear and disappear."""

    def appeared(self, track: Track) -> bool:
        """The track began at the door."""

    def clear(self, track: Track) -> bool:
        """The person is away from the door now."""

    def disappearing(self, track: Track) -> bool:
        """When last seen, the person was at the door or going there."""

    def patience_s(self, track: Track) -> float:
        """How long unseen means gone."""


@dataclass(frozen=True, slots=True)
class Area:
    """A door drawn as an area."""

    corners: Sequence[Point]

    def appeared(self, track: Track) -> bool:
        return self._met(stand(track.first), before(track))

    def clear(self, track: Track) -> bool:
        return not self._near(stand(track.last), CLEAR_MARGIN)

    def disappearing(self, track: Track) -> bool:
        return self._met(stand(track.last), beyond(track))

    def patience_s(self, _track: Track) -> float:
        return PATIENCE_S

    def _met(self, start: Point, end: Point) -> bool:
        """Whether the door is anywhere on the way from start to end."""
        way = (end[0] - start[0], end[1] - start[1])
        return any(self._near(_along(start, way, step / STEPS)) for step in range(STEPS + 1))

    def _near(self, point: Point, margin: float = 0.0) -> bool:
        sides = list(zip(self.corners, [*self.corners[1:], self.corners[0]], strict=True))
        return inside(point, sides) or any(_distance(point, a, b) <= margin for a, b in sides)


@dataclass(frozen=True, slots=True)
class View:
    """The whole picture as one door."""

    def appeared(self, _track: Track) -> bool:
        return True

    def clear(self, track: Track) -> bool:
        x0, y0 = track.first.centre
        return any(hypot(p.centre[0] - x0, p.centre[1] - y0) >= MOVED for p in (*track.start, *track.end))

    def disappearing(self, _track: Track) -> bool:
        return True

    def patience_s(self, track: Track) -> float:
        last, (x, y) = track.last, beyond(track)
        at_edge = min(last.left, last.top, 1 - last.right, 1 - last.bottom) <= BORDER
        return PATIENCE_S if at_edge or not (0 < x < 1 and 0 < y < 1) else PATIENCE_AMID_S


@dataclass(frozen=True, slots=True)
class Passage:
    """How one person stands to one portal. `since` is when the person was first seen at the door."""

    since: datetime | None = None
    clear: int = 0
    inside: bool = False  # on the camera's side, clear of the door


@dataclass(slots=True)
class PortalWatch:
    """Births and deaths at one portal."""

    portal: Portal
    born: Direction
    died: Direction
    _passages: dict[int, Passage] = field(default_factory=dict)

    def seen(self, track: Track) -> tuple[Direction, datetime] | None:
        passage = self._passages.get(track.id)
        if passage is None:
            appeared = self.portal.appeared(track)
            passage = Passage(since=track.first.at) if appeared else Passage(inside=True)
        clear = passage.clear + 1 if self.portal.clear(track) else 0
        came = not passage.inside and clear >= CLEAR_LOOKS
        self._passages[track.id] = replace(passage, clear=clear, inside=passage.inside or came)
        return (self.born, passage.since or track.first.at) if came else None

    def unseen(self, track: Track, at: datetime | None) -> tuple[Direction, datetime] | None:
        """`at` None: nobody will look again."""
        passage = self._passages.get(track.id)
        if passage is None or not passage.inside or not self.portal.disappearing(track):
            return None
        if at is not None and (at - track.last.at).total_seconds() < self.portal.patience_s(track):
            return None
        return self.died, track.last.at

    def forget(self, track: Track) -> None:
        self._passages.pop(track.id, None)


@dataclass(slots=True)
class LineWatch:
    """People who walk across one line."""

    a: Point
    b: Point
    inside: Point
    _settled: dict[int, Point] = field(default_factory=dict)

    def seen(self, track: Track) -> tuple[Direction, datetime] | None:
        point = stand(track.last)
        if abs(self._side(point)) < LINE_MARGIN or track.frames < START:
            return None
        earlier = self._settled.get(track.id, before(track))
        self._settled[track.id] = point
        return self._crossed(earlier, point, track.last.at)

    def unseen(self, track: Track, at: datetime | None) -> tuple[Direction, datetime] | None:
        if at is not None and (at - track.last.at).total_seconds() < PATIENCE_S:
            return None
        return self._crossed(self._settled.get(track.id, before(track)), beyond(track), track.last.at)

    def forget(self, track: Track) -> None:
        self._settled.pop(track.id, None)

    def _crossed(self, start: Point, end: Point, at: datetime) -> tuple[Direction, datetime] | None:
        here, there = self._side(start), self._side(end)
        if here * there >= 0:
            return None
        share = here / (here - there)
        x, y = start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
        along = self._share((x, y))
        if not -LINE_LONGER <= along <= 1 + LINE_LONGER:
            return None
        return ("in" if there * self._side(self.inside) > 0 else "out"), at

    def _side(self, point: Point) -> float:
        """Distance from the line, its sign the side."""
        (ax, ay), (bx, by) = self.a, self.b
        return ((bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax)) / hypot(bx - ax, by - ay)

    def _share(self, point: Point) -> float:
        (ax, ay), (bx, by) = self.a, self.b
        return ((point[0] - ax) * (bx - ax) + (point[1] - ay) * (by - ay)) / hypot(bx - ax, by - ay) ** 2


Watch = PortalWatch | LineWatch


class Doors:
    """All doors of one camera."""

    def __init__(self, camera: str, zones: Sequence[DoorZone]) -> None:
        self._camera = camera
        self._watches: dict[str, Watch] = {zone.name: _watch(zone) for zone in zones} or {
            WHOLE_VIEW: PortalWatch(View(), born="in", died="out")
        }

    def look(self, at: datetime, look: Look) -> tuple[list[Crossing], set[int]]:
        """What the tracks did at the doors by this time, and which of them went out of view through one."""
        crossings: list[Crossing] = []
        departed: set[int] = set()
        for track in (*look.tracks, *look.gone):
            passed = self._passed(track, at)
            crossings += passed
            departed |= {track.id for _ in passed if track.missed}
        for track in (*look.gone, *(t for t in look.tracks if t.id in departed)):
            self._forget(track)
        return crossings, departed

    def end(self, tracks: Sequence[Track]) -> list[Crossing]:
        """The picture ends here: those unseen by now are not waited for, those in view are let go."""
        crossings: list[Crossing] = []
        for track in tracks:
            if track.missed:
                crossings += self._passed(track, None)
            self._forget(track)
        return crossings

    def _passed(self, track: Track, at: datetime | None) -> list[Crossing]:
        if not track.confirmed or (at is not None and 0 < track.missed < MISSED):
            return []
        crossings = []
        for door, watch in self._watches.items():
            passed = watch.unseen(track, at) if track.missed else watch.seen(track)
            if passed is not None:
                direction, when = passed
                confidence = round(track.confidence, 3)
                crossings.append(Crossing(when, self._camera, door, direction, track.id, confidence, track.frames))
        return crossings

    def _forget(self, track: Track) -> None:
        for watch in self._watches.values():
            watch.forget(track)


def _watch(zone: DoorZone) -> Watch:
    if zone.inside is not None:
        return LineWatch(zone.area[0], zone.area[1], zone.inside)
    if zone.camera_side == "inside":
        return PortalWatch(Area(zone.area), born="in", died="out")
    return PortalWatch(Area(zone.area), born="out", died="in")


def inside(point: Point, sides: Sequence[tuple[Point, Point]]) -> bool:
    """Even-odd rule."""
    x, y = point
    odd = False
    for (ax, ay), (bx, by) in sides:
        if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
            odd = not odd
    return odd


def _distance(point: Point, a: Point, b: Point) -> float:
    """From a point to a side."""
    (x, y), (ax, ay), (bx, by) = point, a, b
    length = (bx - ax) ** 2 + (by - ay) ** 2
    share = 0.0 if length == 0 else min(1.0, max(0.0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length))
    return hypot(x - ax - share * (bx - ax), y - ay - share * (by - ay))

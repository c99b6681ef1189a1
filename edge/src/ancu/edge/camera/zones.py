"""Zones: how many people stand in a marked part of the picture. What that means is for the server to judge.

A count is stated when it has stayed for a moment, with the time since which it has; who is hidden for a look or two is
still there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ancu.edge.camera.config import WatchZone
from ancu.edge.camera.doors import inside, stand
from ancu.edge.camera.facts import ZoneCount
from ancu.edge.camera.tracks import Track

STEADY_S: Final = 1.0  # a count that changes sooner was somebody in passing, or a box that trembled


@dataclass(slots=True)
class _Count:
    zone: WatchZone
    stated: int = 0
    seen: int = 0
    since: datetime | None = None  # when `seen` began
    sides: list[tuple[tuple[float, float], tuple[float, float]]] = field(default_factory=list)


class Zones:
    """All zones of one camera."""

    def __init__(self, camera: str, zones: Sequence[WatchZone]) -> None:
        self._camera = camera
        self._counts = [
            _Count(zone, sides=list(zip(zone.area, [*zone.area[1:], zone.area[0]], strict=True))) for zone in zones
        ]

    def look(self, at: datetime, tracks: Sequence[Track]) -> list[ZoneCount]:
        """What a look at the picture changed."""
        places = [stand(track.last) for track in tracks if track.confirmed]
        facts = []
        for count in self._counts:
            people = sum(inside(place, count.sides) for place in places)
            if people != count.seen or count.since is None:
                count.seen, count.since = people, at
            if people != count.stated and (at - count.since).total_seconds() >= STEADY_S:
                count.stated = people
                facts.append(ZoneCount(at, self._camera, count.zone.name, count.zone.watch, people, count.since))
        return facts

    def end(self, at: datetime) -> list[ZoneCount]:
        """The picture ends here: nobody is known to be anywhere."""
        facts = []
        for count in self._counts:
            if count.stated:
                facts.append(ZoneCount(at, self._camera, count.zone.name, count.zone.watch, 0, at))
            count.stated, count.seen, count.since = 0, 0, None
        return facts

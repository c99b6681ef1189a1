"""One camera's judgement, picture by picture: when to look for people, and what to state."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from ancu.edge.camera.config import CameraConfig, DoorZone, WatchZone
from ancu.edge.camera.detect import Detections
from ancu.edge.camera.doors import Doors
from ancu.edge.camera.facts import CameraHealth, Fact, State
from ancu.edge.camera.gate import Grey, MotionGate
from ancu.edge.camera.tamper import TamperWatch
from ancu.edge.camera.tracks import Tracker
from ancu.edge.camera.zones import Zones

DEAD_S: Final = 4.0  # no picture for so long: stated within 5 s
BACK_S: Final = 1.0  # pictures for so long make a dead stream alive: a decoder that gives up may let go a last one
RECHECK_S: Final = 1.0  # somebody in view who stands still
RECHECK_MISSING_S: Final = 0.3  # somebody who was just in view
RECHECK_EMPTY_S: Final = 10.0  # nobody in view and nothing moves: in case the gate is blind
TORN_S: Final = 3.0  # a gap after which nobody in view can be told to be the same


class Pipeline:
    """Feed it pictures by `picture`, detections where that asks for them by `people`, and the time by `tick`."""

    def __init__(self, config: CameraConfig, started: datetime) -> None:
        self._camera = config.id
        self._gate = MotionGate()
        self._tamper = TamperWatch()
        self._tracker = Tracker(config.detector.begin)
        self._doors = Doors(config.id, config.doors)
        self._zones = Zones(config.id, config.zones)
        self._alive = started
        self._looked: datetime | None = None
        self._back: datetime | None = None  # first picture of a stream that is stated dead
        self._stated: State | None = None

    def picture(self, at: datetime, grey: Grey) -> tuple[list[Fact], bool]:
        """A small grey picture was taken: facts, and whether the detector should look at the full one."""
        facts: list[Fact] = []
        if (at - self._alive).total_seconds() > TORN_S:
            facts += self.cut()
        self._alive = at
        changed = self._tamper.look(at, grey)
        if self._stated == "dead":
            self._back = self._back or at
            if (at - self._back).total_seconds() >= BACK_S:
                facts += self._health(at, self._tamper.state, self._back)
        elif changed:
            facts += self._health(at, self._tamper.state, self._tamper.since or at)
        moves = self._gate.moves(grey)
        return facts, moves or self._due(at)

    def people(self, at: datetime, found: Detections) -> Sequence[Fact]:
        """What the detector found at this time."""
        self._looked = at
        look = self._tracker.look(at, found)
        crossings, departed = self._doors.look(at, look)
        self._tracker.retire(departed)
        return [*crossings, *self._zones.look(at, [track for track in look.tracks if track.id not in departed])]

    def tick(self, at: datetime) -> list[Fact]:
        """No picture came until now."""
        if (at - self._alive).total_seconds() < DEAD_S:
            return []
        return self.dead(at)

    def dead(self, at: datetime) -> list[Fact]:
        """The source says itself that it gives nothing."""
        self._back = None
        return self._health(at, "dead", min(self._alive, at))

    def idle(self, at: datetime) -> None:
        """The source rests, as it was told to."""
        self._alive = max(self._alive, at)

    def cut(self) -> list[Fact]:
        """What comes next has nothing to do with what was: the stream was away, or a recording begins anew."""
        facts: list[Fact] = [*self._doors.end(self._tracker.tracks), *self._zones.end(self._alive)]
        self._tracker.forget()
        self._tamper.resume()
        return facts

    def redraw(self, doors: Sequence[DoorZone], zones: Sequence[WatchZone]) -> list[Fact]:
        """Other doors and zones from the next look on; whoever is in view is seen anew."""
        facts = self.cut()
        self._doors, self._zones = Doors(self._camera, doors), Zones(self._camera, zones)
        return facts

    def _due(self, at: datetime) -> bool:
        if self._looked is None:
            return True
        tracks = self._tracker.tracks
        wait = RECHECK_EMPTY_S
        if tracks:
            wait = RECHECK_MISSING_S if any(track.missed for track in tracks) else RECHECK_S
        return at - self._looked >= timedelta(seconds=wait)

    def _health(self, at: datetime, state: State, since: datetime) -> list[Fact]:
        if state == self._stated:
            return []
        self._stated = state
        return [CameraHealth(at, self._camera, state, since)]

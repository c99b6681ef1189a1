"""Who is who from picture to picture, after ByteTrack: sure detections first, unsure ones only for who is known.

A person walks across much of the picture between two looks at 5 a second, so boxes that no longer overlap are
matched by distance in body heights, and a track outlives the looks that missed it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ancu.edge.camera.boxes import Boxes, overlaps
from ancu.edge.camera.detect import Detections

FORGET_S: Final = 3.0  # a person behind a cupboard comes back within this
CONFIRM_S: Final = 3.0  # two detections within this make a track (breach rule 11)
COAST_S: Final = 0.6  # how far ahead a track's velocity is believed
SURE_OVERLAP: Final = 0.2
UNSURE_OVERLAP: Final = 0.35  # an unsure box must fit better
REACH_HEIGHTS: Final = 0.5  # a body moves this many of its heights at once (the box itself jumps),
REACH_HEIGHTS_S: Final = 1.5  # and this many a second
MOST_RESIZED: Final = 3.0  # of two heights of one person, half of whom is out of the picture
PATH: Final = 12  # places kept of a track's end


@dataclass(frozen=True, slots=True)
class Place:
    """Where a track was: its box, in 0..1 of the picture."""

    at: datetime
    left: float
    top: float
    right: float
    bottom: float

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Track:
    """One person while in view. `start` and `end` are the first and the last places, at most PATH of each."""

    id: int
    start: tuple[Place, ...]
    end: tuple[Place, ...]
    frames: int
    confidence: float  # mean of its detections'
    confirmed: bool
    missed: int = 0  # looks since it was last seen

    @property
    def last(self) -> Place:
        return self.end[-1]

    @property
    def first(self) -> Place:
        return self.start[0]

    def seen(self, place: Place, score: float) -> "Track":
        return replace(
            self,
            start=self.start if len(self.start) == PATH else (*self.start, place),
            end=(*self.end[1 - PATH :], place),
            frames=self.frames + 1,
            confidence=self.confidence + (score - self.confidence) / (self.frames + 1),
            confirmed=self.confirmed or (place.at - self.last.at).total_seconds() <= CONFIRM_S,
            missed=0,
        )

    def expected(self, at: datetime) -> tuple[float, float, float, float]:
        """The box at this time, if the person goes on."""
        dx, dy = velocity(self.end[-3:])
        ahead = min((at - self.last.at).total_seconds(), COAST_S)
        last = self.last
        return last.left + dx * ahead, last.top + dy * ahead, last.right + dx * ahead, last.bottom + dy * ahead


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the picture left: the tracks that go on, seen now or not, and those given up."""

    tracks: tuple[Track, ...]
    gone: tuple[Track, ...]


def velocity(places: tuple[Place, ...]) -> tuple[float, float]:
    """Widths and heights of the picture a second, from the first to the last of these places; 0 where unknown."""
    if len(places) < 2:
        return 0.0, 0.0
    seconds = (places[-1].at - places[0].at).total_seconds()
    if seconds <= 0:
        return 0.0, 0.0
    (x0, y0), (x1, y1) = places[0].centre, places[-1].centre
    return (x1 - x0) / seconds, (y1 - y0) / seconds


class Tracker:
    """Follows people. Times never go back; a jump is the caller's to `forget`."""

    def __init__(self, begin: float) -> None:
        self._begin = begin
        self._next = 1
        self._tracks: tuple[Track, ...] = ()

    @property
    def tracks(self) -> tuple[Track, ...]:
        return self._tracks

    def forget(self) -> None:
        self._tracks = ()

    def retire(self, ids: set[int]) -> None:
        """These people went: whoever comes next is another."""
        self._tracks = tuple(track for track in self._tracks if track.id not in ids)

    def look(self, at: datetime, found: Detections) -> Look:
        """Take in what the detector found at this time."""
        sure = [i for i, score in enumerate(found.scores) if score >= self._begin]
        unsure = [i for i, score in enumerate(found.scores) if score < self._begin]
        tracks = dict(enumerate(self._tracks))
        seen: list[Track] = []

        def settle(candidates: list[int], affinity: Callable[[Track, int], float]) -> list[int]:
            matched = _greedy(list(tracks), candidates, lambda t, d: affinity(tracks[t], d))
            for track, detection in matched:
                seen.append(tracks.pop(track).seen(_place(at, found, detection), float(found.scores[detection])))
            taken = {detection for _, detection in matched}
            return [c for c in candidates if c not in taken]

        shared = _shared(self._tracks, at, found.boxes)
        row = {track.id: i for i, track in enumerate(self._tracks)}
        rest = settle(sure, lambda t, d: _over(float(shared[row[t.id], d]), SURE_OVERLAP))
        settle(unsure, lambda t, d: _over(float(shared[row[t.id], d]), UNSURE_OVERLAP) if t.confirmed else 0)
        rest = settle(rest, lambda t, d: _nearness(t, _place(at, found, d)))
        for detection in rest:
            place = _place(at, found, detection)
            seen.append(Track(self._next, (place,), (place,), 1, float(found.scores[detection]), confirmed=False))
            self._next += 1

        missed = [replace(track, missed=track.missed + 1) for track in tracks.values()]
        gone = tuple(t for t in missed if (at - t.last.at).total_seconds() > (FORGET_S if t.confirmed else CONFIRM_S))
        self._tracks = (*seen, *(t for t in missed if t not in gone))
        return Look(self._tracks, gone)


def _shared(tracks: tuple[Track, ...], at: datetime, boxes: Boxes) -> NDArray[np.float32]:
    expected = np.array([track.expected(at) for track in tracks], np.float32).reshape(-1, 4)
    return overlaps(expected, boxes)


def _place(at: datetime, found: Detections, detection: int) -> Place:
    return Place(at, *(float(value) for value in found.boxes[detection]))


def _over(value: float, least: float) -> float:
    return value if value >= least else 0.0


def _nearness(track: Track, place: Place) -> float:
    """1 at the expected place, 0 out of a person's reach."""
    heights = sorted((track.last.height, place.height))
    if heights[0] <= 0 or heights[1] > MOST_RESIZED * heights[0]:
        return 0.0
    left, top, right, bottom = track.expected(place.at)
    x, y = place.centre
    distance = float(np.hypot((left + right) / 2 - x, (top + bottom) / 2 - y))
    gap = (place.at - track.last.at).total_seconds()
    reach = heights[1] * (REACH_HEIGHTS + REACH_HEIGHTS_S * min(gap, 1.0))
    return max(0.0, 1 - distance / reach)


def _greedy(rows: list[int], columns: list[int], value: Callable[[int, int], float]) -> list[tuple[int, int]]:
    """Pairs with a value over 0, best first, each row and each column once."""
    pairs = sorted(((value(r, c), r, c) for r in rows for c in columns), key=lambda pair: -pair[0])
    taken: list[tuple[int, int]] = []
    used_rows: set[int] = set()
    used_columns: set[int] = set()
    for worth, r, c in pairs:
        if worth > 0 and r not in used_rows and c not in used_columns:
            taken.append((r, c))
            used_rows.add(r)
            used_columns.add(c)
    return taken

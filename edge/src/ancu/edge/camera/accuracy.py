"""How good detections and crossings are against a truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ancu.edge.camera.boxes import Boxes, Scores, overlaps
from ancu.edge.camera.facts import Direction

HIT: Final = 0.5  # overlap of a detection with a person: the 50 of AP50
RECALLS: Final = 101  # points at which precision is averaged, as COCO does


@dataclass(frozen=True, slots=True)
class Judged:
    """One picture: boxes found, their scores, and the boxes of the people who are there, all in pixels."""

    boxes: Boxes
    scores: Scores
    people: Boxes


def average_precision(pictures: Sequence[Judged], least_height: float = 0) -> float | None:
    """AP50. People lower than `least_height` pixels are not asked for, and finding one is no error; None: nobody."""
    marks: list[tuple[float, bool]] = []
    asked = 0
    for picture in pictures:
        small = picture.people[:, 3] - picture.people[:, 1] < least_height
        asked += int(np.count_nonzero(~small))
        marks += _marks(picture, small, least_height)
    if not asked:
        return None
    if not marks:
        return 0.0
    hits = np.array([hit for _, hit in sorted(marks, key=lambda mark: -mark[0])])
    found = np.cumsum(hits)
    recall = found / asked
    precision = np.maximum.accumulate((found / np.arange(1, len(hits) + 1))[::-1])[::-1]
    places = np.searchsorted(recall, np.linspace(0, 1, RECALLS))
    return float(np.append(precision, 0)[np.minimum(places, len(hits))].mean())


def _marks(picture: Judged, small: NDArray[np.bool_], least_height: float) -> list[tuple[float, bool]]:
    """Each detection's score and whether it is a hit; those of people who are not asked for are left out."""
    shared = overlaps(picture.boxes, picture.people)
    free = np.ones(len(picture.people), bool)
    marks = []
    for i in np.argsort(-picture.scores, kind="stable"):
        candidates = np.where(free, shared[i], 0)
        best = int(candidates.argmax()) if candidates.size else -1
        if best >= 0 and candidates[best] >= HIT:
            free[best] = False
            if not small[best]:
                marks.append((float(picture.scores[i]), True))
        elif picture.boxes[i, 3] - picture.boxes[i, 1] >= least_height:
            marks.append((float(picture.scores[i]), False))
    return marks


@dataclass(frozen=True, slots=True)
class Passing:
    """One person through one door; `door` None: any."""

    at_s: float
    direction: Direction
    door: str | None = None


def matches(found: Sequence[Passing], truth: Sequence[Passing], tolerance_s: float) -> int:
    """How many of the true passings were found: same way, same door, nearest in time first, each once."""
    pairs = sorted(
        (abs(f.at_s - t.at_s), i, j)
        for i, f in enumerate(found)
        for j, t in enumerate(truth)
        if f.direction == t.direction and t.door in {None, f.door} and abs(f.at_s - t.at_s) <= tolerance_s
    )
    used_found: set[int] = set()
    used_truth: set[int] = set()
    for _, i, j in pairs:
        if i not in used_found and j not in used_truth:
            used_found.add(i)
            used_truth.add(j)
    return len(used_truth)

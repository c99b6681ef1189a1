"""A walk through a home, made into thresholds. Pure.

Somebody wears the band, stands in each room for a while, and then outside the door. A room's level at a receiver is the
median of its slots. What a room needs is room to fade: a body in the way takes 15 dB, and still must not look like
absence. A room that no receiver hears so well is said by name, so that a receiver can be moved or added.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ancu.edge.presence import SILENT_DBM, Thresholds, level_of

__all__ = ["Calibration", "Place", "calibrate"]

BODY_DB = 15.0  # what a person between band and receiver takes (Strzoda 2022: crowding moves it by up to 16.5 dB)
SPREAD_DB = 10.0  # and what shadows move for minutes, beside what the level of a short stand may be off
HEARD_DB = 7.0  # over the floor, with a body in the way: enough adverts still come through
GAP_DB = 8.0  # between the thresholds: within 6 to 10, wide against flapping, narrow against being stuck
FLOOR_DBM = -97.0  # weaker than this no receiver hears reliably
OUTSIDE_DB = 3.0  # a room's threshold should lie so far above what is heard from outside the door


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody stood, and the slots that each receiver heard meanwhile."""

    name: str
    slots: Mapping[str, Sequence[float]]  # by receiver: the loudest advert of each slot, SILENT_DBM for none


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a walk gave."""

    thresholds: Mapping[str, Thresholds]  # by receiver; those alone that are the best one of some covered room
    covered: tuple[str, ...]
    uncovered: tuple[str, ...]  # rooms where a body in the way would look like an absence
    outside_like: tuple[str, ...]  # receivers to which outside the door sounds like the weakest of its rooms

    @property
    def proven(self) -> bool:
        """Whether every room that was walked is covered."""
        return bool(self.covered) and not self.uncovered


def calibrate(rooms: Sequence[Place], outside: Place | None) -> Calibration:
    """Thresholds from a walk. Every room counts for the receiver that hears it best.

    The far threshold lies a body and a spread under the weakest room that counts for a receiver. What is heard from
    outside never moves it up: where the two overlap, a departure is seen later, and nobody who is at home is accused.
    """
    weakest: dict[str, float] = {}
    covered: list[str] = []
    uncovered: list[str] = []
    for room in rooms:
        levels = {receiver: level_of(list(slots)) for receiver, slots in room.slots.items() if slots}
        best = max(levels, key=lambda receiver: levels[receiver], default=None)
        if best is None or levels[best] - BODY_DB < FLOOR_DBM + HEARD_DB:
            uncovered.append(room.name)
            continue
        covered.append(room.name)
        weakest[best] = min(weakest.get(best, math.inf), levels[best])
    thresholds = {receiver: _thresholds(level) for receiver, level in sorted(weakest.items())}
    alike = [
        receiver
        for receiver, limits in thresholds.items()
        if outside is not None and _outside_level(outside, receiver) + OUTSIDE_DB > limits.far_dbm
    ]
    return Calibration(thresholds, tuple(covered), tuple(uncovered), tuple(alike))


def _thresholds(weakest_dbm: float) -> Thresholds:
    far = weakest_dbm - BODY_DB - SPREAD_DB
    return Thresholds(near_dbm=round(far + GAP_DB, 1), far_dbm=round(far, 1))


def _outside_level(outside: Place, receiver: str) -> float:
    slots = outside.slots.get(receiver)
    return level_of(list(slots)) if slots else SILENT_DBM

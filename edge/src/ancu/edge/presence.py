"""Whether a band is near this receiver, by how loud it is. Pure: time is an argument.

Single adverts say little: fading moves them by 6 dB, four of ten are lost, and a body in the way takes 15 dB for
minutes. So adverts are put into slots, a slot counts by its loudest, an empty one as silence, and the level is the
median of the last five slots. Near and far have thresholds of their own, 8 dB apart and from the home's own walk
(`calibration`), and far has to last.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median

__all__ = ["SILENT_DBM", "SLOT_S", "Nearness", "Thresholds", "level_of"]

SLOT_S = 10.0  # five adverts: with four of ten lost, one slot in a hundred is empty by chance
SLOTS = 5  # of a level: a median that follows within half a minute
FAR_S = 220.0  # a level that low lasts so long before it counts: with the median, half a minute under five
NEAR_SLOTS = 2  # slots in a row that are loud enough: who comes home is at home at once
SILENT_DBM = -math.inf  # of a slot without an advert


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Of one receiver in one home, for levels (not for single adverts)."""

    near_dbm: float  # at least this loud is near
    far_dbm: float  # less is far; between the two nothing changes


class Nearness:
    """What one receiver makes of one band. `near` is True, False, or None while it cannot tell."""

    def __init__(self, thresholds: Thresholds, mono_s: float) -> None:
        self.near: bool | None = None
        self._thresholds = thresholds
        self._slots: deque[float] = deque(maxlen=SLOTS)
        self._slot_s, self._loudest = mono_s, SILENT_DBM
        self._far_since_s: float | None = None

    @property
    def level_dbm(self) -> float | None:
        """Of the last slots, SILENT_DBM for silence; None before there are enough."""
        return level_of(self._slots) if len(self._slots) == SLOTS else None

    def heard(self, rssi_dbm: float, mono_s: float) -> None:
        """An advert, or the loudest of several, came in."""
        self.tick(mono_s)
        self._loudest = max(self._loudest, rssi_dbm)

    def tick(self, mono_s: float) -> None:
        """Time passed; call about once a second."""
        while mono_s - self._slot_s >= SLOT_S:
            self._slots.append(self._loudest)
            self._slot_s += SLOT_S
            self._loudest = SILENT_DBM
            self._judge(self._slot_s)

    def deaf(self, mono_s: float) -> None:
        """The radio did not listen: what was not heard says nothing, and what is not known is not told."""
        self.near = None
        self._slots.clear()
        self._slot_s, self._loudest = mono_s, SILENT_DBM
        self._far_since_s = None

    def _judge(self, mono_s: float) -> None:
        if self._is_loud():
            self.near, self._far_since_s = True, None
            return
        level = self.level_dbm
        if level is None:
            return
        if level >= self._thresholds.far_dbm:
            self._far_since_s = None
            return
        if self._far_since_s is None:
            self._far_since_s = mono_s
        if mono_s - self._far_since_s >= FAR_S:
            self.near = False

    def _is_loud(self) -> bool:
        last = list(self._slots)[-NEAR_SLOTS:]
        return len(last) == NEAR_SLOTS and min(last) >= self._thresholds.near_dbm


def level_of(slots: deque[float] | list[float]) -> float:
    """The median of slots, silent ones among them; SILENT_DBM when most were silent."""
    return median(slots)

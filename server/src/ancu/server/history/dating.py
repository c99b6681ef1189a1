"""When a record was made: ticks of a boot, and what is known of the time of day in that boot. Pure.

A boot whose time nobody told has no time: its records wait, undated, and are dated when a clock record of it comes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Mark", "Marks", "is_jump"]

_JUMP_S = 65.0  # a clock is set by a minute at most at a time
_DRIFT = 1e-3  # no crystal is so bad; more is no drift


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """At these ticks of its boot a band knew the time of day."""

    ticks_s: int
    unix_s: int


class Marks:
    """The marks of one boot."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        self._marks = sorted(marks)
        self._ticks = [mark.ticks_s for mark in self._marks]

    def date_ms(self, ticks_s: int) -> int | None:
        """Unix milliseconds; None if the boot's time is not known. Between two marks the drift is shared out."""
        if not self._marks:
            return None
        at = bisect_right(self._ticks, ticks_s)
        if at == 0:
            first = self._marks[0]
            return (first.unix_s - (first.ticks_s - ticks_s)) * 1000
        before = self._marks[at - 1]
        passed = ticks_s - before.ticks_s
        if at < len(self._marks):
            after = self._marks[at]
            if after.ticks_s > before.ticks_s and not is_jump(before, after):
                rate = (after.unix_s - before.unix_s) / (after.ticks_s - before.ticks_s)
                return before.unix_s * 1000 + round(passed * rate * 1000)
        return (before.unix_s + passed) * 1000


def is_jump(before: Mark, after: Mark) -> bool:
    """Whether a clock was moved by more than drift and an honest correction."""
    ticks = after.ticks_s - before.ticks_s
    return abs(after.unix_s - before.unix_s - ticks) > _JUMP_S + _DRIFT * abs(ticks)

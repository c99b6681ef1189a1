"""Home, away or unknown, from what each receiver of a home makes of a band. Pure.

A receiver says near or far for itself, by thresholds from a walk through its home; this puts them together. One that is
dead or deaf says nothing, and its silence is nobody's absence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Receiver", "State", "presence"]

State = Literal["home", "away", "unknown"]


@dataclass(frozen=True, slots=True)
class Receiver:
    """One receiver's word about a band."""

    alive: bool  # it lives and its radio scans
    near: bool | None  # None: it cannot tell, or was never calibrated


def presence(receivers: Iterable[Receiver]) -> State:
    """Home if any receiver that lives says near; away only if every receiver of the home lives and says far.

    With one of two dead its rooms are out of sight: far from the other one is then no absence.
    """
    seen = list(receivers)
    if any(one.alive and one.near for one in seen):
        return "home"
    if seen and all(one.alive and one.near is False for one in seen):
        return "away"
    return "unknown"

"""Clock: the only way to the time of day. Decision code never holds one; it is told the time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "SystemClock", "from_ms", "to_ms"]


class Clock(Protocol):
    """What a part may ask about time."""

    def now(self) -> datetime:
        """The time of day, UTC-aware."""

    def monotonic(self) -> float:
        """Seconds that only grow, from an arbitrary start."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def to_ms(at: datetime) -> int:
    """Unix milliseconds of an aware time."""
    return round(at.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """The aware UTC time of unix milliseconds."""
    return datetime.fromtimestamp(ms / 1000, UTC)

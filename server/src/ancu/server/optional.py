"""Values of rows that may be null: NULL and None are the same nothing."""

from __future__ import annotations

from datetime import datetime

from ancu.models.clock import from_ms, to_ms

__all__ = ["moment", "moment_ms", "truth"]


def moment(ms: int | None) -> datetime | None:
    """The aware UTC time of unix milliseconds."""
    return None if ms is None else from_ms(ms)


def moment_ms(at: datetime | None) -> int | None:
    """Unix milliseconds of an aware time."""
    return None if at is None else to_ms(at)


def truth(value: int | None) -> bool | None:
    """SQLite keeps a truth as 0 or 1."""
    return None if value is None else bool(value)

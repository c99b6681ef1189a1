"""Small statistics: percentiles by nearest rank, shares with Wilson's interval. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Share", "Spread", "share", "spread"]

_Z = 1.959963984540054  # 95 %


@dataclass(frozen=True, slots=True)
class Share:
    """How many of those that are known were right."""

    true: int
    false: int
    share: float | None  # None: nothing is known
    low: float | None  # of Wilson's 95 % interval
    high: float | None


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds."""

    count: int
    p50_s: float | None
    p95_s: float | None


def share(true: int, false: int) -> Share:
    """A share of counts with Wilson's score interval, which is honest about few."""
    count = true + false
    if count == 0:
        return Share(0, 0, None, None, None)
    p, z2 = true / count, _Z * _Z
    middle = (p + z2 / (2 * count)) / (1 + z2 / count)
    half = _Z * math.sqrt(p * (1 - p) / count + z2 / (4 * count * count)) / (1 + z2 / count)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Share(true, false, round(p, 4), round(min(low, p), 4), round(max(high, p), 4))


def spread(seconds: Iterable[float]) -> Spread:
    """Median and 95th percentile by nearest rank: each is a value that was."""
    ordered = sorted(seconds)
    if not ordered:
        return Spread(0, None, None)
    return Spread(len(ordered), _rank(ordered, 0.5), _rank(ordered, 0.95))


def _rank(ordered: list[float], part: float) -> float:
    return round(ordered[max(0, math.ceil(part * len(ordered)) - 1)], 3)

"""How fast a band's crystal runs, from its ticks against the edges' clocks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Sample", "drift_ppm"]

_LEAST_S = 600.0  # between the first and the last sample: half a second's error is then under 1,000 ppm


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of a band's ticks, of one boot."""

    ticks_ms: int
    unix_ms: int  # the edge's clock
    error_ms: int  # half of how long the reading took


def drift_ppm(samples: Sequence[Sample]) -> float | None:
    """Parts per million by which the band's seconds are too short (its clock runs ahead); None while none can tell.

    The slope of a line through the samples, each weighted by how exactly it was read.
    """
    if len(samples) < 2 or samples[-1].unix_ms - samples[0].unix_ms < _LEAST_S * 1000:
        return None
    weights = [1.0 / (1 + sample.error_ms) ** 2 for sample in samples]
    whole = sum(weights)
    x = [sample.unix_ms - samples[0].unix_ms for sample in samples]
    y = [sample.ticks_ms - samples[0].ticks_ms for sample in samples]
    mean_x = sum(w * value for w, value in zip(weights, x, strict=True)) / whole
    mean_y = sum(w * value for w, value in zip(weights, y, strict=True)) / whole
    across = sum(w * (value - mean_x) ** 2 for w, value in zip(weights, x, strict=True))
    if across == 0:
        return None
    slope = sum(w * (a - mean_x) * (b - mean_y) for w, a, b in zip(weights, x, y, strict=True)) / across
    return (slope - 1) * 1e6

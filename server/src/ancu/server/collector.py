"""The cycle collector, told that readings are not cycles."""

from __future__ import annotations

import gc

__all__ = ["tune_collector"]

_YOUNG = 50_000  # objects; a batch makes thousands, and reference counting frees nearly all of them


def tune_collector() -> None:
    """Look for cycles seldom: a third of the cost of a reading otherwise."""
    gc.set_threshold(_YOUNG, 20, 20)

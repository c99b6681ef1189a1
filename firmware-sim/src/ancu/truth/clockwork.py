"""Virtual time: what happens next, in order. The same calls in the same order give the same run."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

__all__ = ["Clockwork"]

Act = Callable[[int], None]


class Clockwork:
    def __init__(self) -> None:
        self.now_ms = 0
        self._heap: list[tuple[int, int, Act]] = []
        self._order = count()

    def at(self, at_ms: int, act: Act) -> None:
        """Call `act` with the time then; what is past happens now."""
        heapq.heappush(self._heap, (max(at_ms, self.now_ms), next(self._order), act))

    def next_ms(self) -> int | None:
        return self._heap[0][0] if self._heap else None

    def step(self) -> None:
        """Let the next thing happen."""
        at_ms, _, act = heapq.heappop(self._heap)
        self.now_ms = at_ms
        act(at_ms)

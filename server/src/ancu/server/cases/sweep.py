"""The sweep: who has to be looked at when time passes. A cache, never the truth: looking too often changes nothing.

One entry a subject in a heap; who is looked at says when to look again. A band that speaks costs nothing here: it is
looked at once in minutes, when its entry falls due, instead of being moved with each frame.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable
from itertools import count
from typing import Generic, TypeVar

__all__ = ["Sweep"]

K = TypeVar("K", bound=Hashable)


class Sweep(Generic[K]):
    def __init__(self) -> None:
        self._heap: list[tuple[int, int, K]] = []
        self._due: dict[K, int] = {}
        self._order = count()

    def look(self, key: K, at_ms: int) -> None:
        """Look at `key` at that time, or earlier if that was asked for already."""
        due = self._due.get(key)
        if due is None or at_ms < due:
            self._due[key] = at_ms
            heapq.heappush(self._heap, (at_ms, next(self._order), key))

    def look_now(self, keys: Iterable[K]) -> None:
        for key in keys:
            self.look(key, 0)

    def take_due(self, at_ms: int) -> list[K]:
        """Those that are due, each once, in the order in which they fell due; they are planned no more."""
        taken = []
        while self._heap and self._heap[0][0] <= at_ms:
            due, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                del self._due[key]
                taken.append(key)
        return taken

    def clear(self) -> None:
        self._heap.clear()
        self._due.clear()

"""A queue between threads in which what is urgent overtakes what is not."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

__all__ = ["Lanes"]

T = TypeVar("T")


class Lanes(Generic[T]):
    """Two lanes, each in order: alarms and people's commands before state."""

    def __init__(self) -> None:
        self._lanes: tuple[deque[T], deque[T]] = (deque(), deque())
        self._filled = threading.Condition()

    def put(self, item: T, *, urgent: bool) -> None:
        with self._filled:
            self._lanes[0 if urgent else 1].append(item)
            self._filled.notify()

    def get(self, patience_s: float) -> T | None:
        """The next item; None if there is none within the time."""
        with self._filled:
            if not self._filled.wait_for(lambda: any(self._lanes), patience_s):
                return None
            return (self._lanes[0] or self._lanes[1]).popleft()

    def waiting(self) -> int:
        return len(self._lanes[0]) + len(self._lanes[1])

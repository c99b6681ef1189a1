"""The journal of a virtual box: the lanes of the real one in memory, with quiet spans as one entry of many records."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from ancu.edge.uplink import Held
from ancu.models.topics import Lane
from ancu.models.wire import Fact, Heard
from ancu.truth.span_judge import Key, Quiet

__all__ = ["Backlog", "MemoryJournal", "Part"]


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a box wrote in turn during a quiet span: one record of each source a period."""

    sources: tuple[tuple[Key, Quiet], ...]
    periods: int

    @property
    def count(self) -> int:
        return len(self.sources) * self.periods

    def last_of(self, source: int, upto: int) -> int | None:
        """The time of a source's last record among the first `upto` records."""
        periods = upto // len(self.sources) + (source < upto % len(self.sources))
        quiet = self.sources[source][1]
        return quiet.first_ms + (periods - 1) * quiet.period_ms if periods else None


@dataclass(frozen=True, slots=True)
class Part:
    """Records `start` up to, not with, `stop` of an entry."""

    entry: Heard | Fact | Backlog
    start: int
    stop: int


@dataclass(slots=True)
class _Rows:
    base: int = 1
    next: int = 1
    entries: deque[tuple[int, int, Heard | Fact | Backlog]] = field(default_factory=deque)  # first, count, what


class MemoryJournal:
    """Sequences from 1 in each lane; pruned by confirms. The cap of a real box is far beyond what a world writes."""

    def __init__(self) -> None:
        self._rows = {lane: _Rows() for lane in Lane}

    @property
    def held(self) -> Mapping[Lane, Held]:
        return {lane: Held(rows.base, rows.next) for lane, rows in self._rows.items()}

    @property
    def is_empty(self) -> bool:
        return all(rows.base == rows.next for rows in self._rows.values())

    def append(self, lane: Lane, entry: Heard | Fact | Backlog) -> None:
        rows = self._rows[lane]
        count = entry.count if isinstance(entry, Backlog) else 1
        if count:
            rows.entries.append((rows.next, count, entry))
            rows.next += count

    def read(self, lane: Lane, first: int, count: int) -> list[Part]:
        parts = []
        end = first + count
        for begins, size, entry in self._rows[lane].entries:
            if begins + size > first and begins < end:
                parts.append(Part(entry, max(0, first - begins), min(size, end - begins)))
        return parts

    def prune(self, lane: Lane, upto: int) -> None:
        rows = self._rows[lane]
        rows.base = max(rows.base, upto + 1)
        while rows.entries and rows.entries[0][0] + rows.entries[0][1] <= rows.base:
            rows.entries.popleft()

    def written(self) -> int:
        """Records since the beginning."""
        return sum(rows.next - 1 for rows in self._rows.values())

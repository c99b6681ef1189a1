"""Changes of alerts as they happen: each is read once and handed to every stream whose viewer may see it.

The newest changes are held in memory, as many as `keep`, whoever listens. A stream keeps nothing but its position: one
that reads slowly, or resumes after a long time, falls behind what is held and then reads its own changes from the
store, a page at a time. So no listener costs another one time, and none makes memory grow.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from ancu.server.ports import AlertRow, Change, Viewer
from ancu.server.scope import Scope

__all__ = ["ChangeStore", "Changes"]

_log = logging.getLogger(__name__)
_KEEP = 500  # what a whole province changes while a server restarts
_PAGE = 100  # read at once by a stream that is behind


class ChangeStore(Protocol):
    """Where changes are read from: alerts by the position of their last event."""

    async def newest(self, after: int, most: int) -> Sequence[AlertRow]:
        """Everyone's that changed after a position, the newest `most` of them, in order."""
        ...

    async def missed(self, viewer: Viewer, after: int, most: int) -> Sequence[AlertRow]:
        """The viewer's that changed after a position, the oldest `most` of them, in order."""
        ...


class Changes:
    """Belongs to one event loop."""

    def __init__(self, store: ChangeStore, *, keep: int = _KEEP) -> None:
        self._store, self._keep = store, keep
        self._held: list[Change] = []  # every change after `_floor`, up to `_head`
        self._floor, self._head = 0, -1
        self._stale, self._following = True, 0
        self._reading: asyncio.Task[None] | None = None
        self._bells: dict[Scope, _Bell] = {}

    def told(self) -> None:
        """Something changed; called on the loop. Nothing is read while nobody follows."""
        self._stale = True
        if self._following:
            self._read()

    async def position(self) -> int:
        """Where the changes stand now: what is read after this call and followed from here has no gap."""
        await self._up_to_date()
        return self._head

    async def follow(self, viewer: Viewer, after: int | None) -> AsyncIterator[Change]:
        """The viewer's changes after a position (None: from now on); ends only where the store cannot be read."""
        scope = Scope.of(viewer)
        self._following += 1
        try:
            await self._up_to_date()
            at = self._head if after is None else min(after, self._head)
            while True:
                if at < self._floor:
                    head = self._head
                    rows = await self._store.missed(viewer, at, _PAGE)
                    for row in rows:
                        at = row.position
                        yield Change(row.position, row)
                    if len(rows) < _PAGE:
                        at = max(at, head)
                elif at < self._head:
                    fresh, at = self._after(at, scope), self._head
                    for change in fresh:
                        yield change
                else:
                    bell = self._bells.setdefault(scope, _Bell())
                    await bell.rung.wait()
                    if bell.broken:
                        return
                    at = max(at, bell.seen)
        finally:
            self._following -= 1

    def close(self) -> None:
        """End every stream."""
        if self._reading is not None:
            self._reading.cancel()
        self._break()

    def _after(self, at: int, scope: Scope) -> list[Change]:
        first = len(self._held)
        while first and self._held[first - 1].position > at:
            first -= 1
        return [change for change in self._held[first:] if _is_in(scope, change.row)]

    async def _up_to_date(self) -> None:
        if self._stale or (self._reading is not None and not self._reading.done()):
            await asyncio.shield(self._read())

    def _read(self) -> asyncio.Task[None]:
        """One reading at a time, whoever asks."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_all(), name="changes")
            self._reading.add_done_callback(self._ended)
        return self._reading

    async def _read_all(self) -> None:
        while self._stale:
            self._stale = False
            rows = await self._store.newest(max(self._head, 0), self._keep)
            self._take([Change(row.position, row) for row in rows])

    def _take(self, fresh: list[Change]) -> None:
        seen, skipped = self._head, len(fresh) >= self._keep  # more changed at once than is held
        held = fresh if skipped else self._held + fresh
        if len(held) >= self._keep:
            held = held[-self._keep :]
            self._floor = held[0].position - 1
        self._held, self._head = held, fresh[-1].position if fresh else max(seen, 0)
        for scope, bell in list(self._bells.items()):
            if skipped or any(_is_in(scope, change.row) for change in fresh):
                del self._bells[scope]
                bell.seen = seen
                bell.rung.set()

    def _ended(self, reading: asyncio.Task[None]) -> None:
        if not reading.cancelled() and (error := reading.exception()) is not None:
            self._stale = True
            _log.error("changes cannot be read; their streams end", exc_info=error)
            self._break()

    def _break(self) -> None:
        bells, self._bells = self._bells, {}
        for bell in bells.values():
            bell.broken = True
            bell.rung.set()


class _Bell:
    """What the streams of one scope wait for."""

    def __init__(self) -> None:
        self.rung = asyncio.Event()
        self.seen = 0  # who waited has seen all that is his up to here
        self.broken = False


def _is_in(scope: Scope, row: AlertRow) -> bool:
    return scope.has(row.ward, row.person, row.kind)

"""The store: the spool's one thread, with group commit; memory stands in while the disk refuses.

Standing in is safe: an edge keeps everything until the server confirms it.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ancu.gateway.relay import Item, Key
from ancu.gateway.spool import Aside, Spool

__all__ = ["Store"]

log = logging.getLogger(__name__)

T = TypeVar("T")
GROUP = 500  # bodies in one commit
MEMORY_BODIES = 1000  # while the disk refuses; newest stay with their edges
ASIDE_WAITING = 20  # a flood of garbage shall not become a flood of writes


class Store:
    """`put`, `forget` and `aside` never wait; `run` writes, and tells what may be sent."""

    def __init__(self, spool: Spool, kept: Callable[[Sequence[Item]], None]) -> None:
        self.errors = 0
        self._spool = spool
        self._kept = kept
        self._bodies: list[tuple[Item, bytes]] = []
        self._gone: list[Key] = []
        self._aside: list[Aside] = []
        self._memory: dict[Key, bytes] = {}
        self._work = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._failing = False

    def put(self, item: Item, body: bytes) -> None:
        self._bodies.append((item, body))
        self._work.set()

    def forget(self, keys: Sequence[Key]) -> None:
        for key in keys:
            self._memory.pop(key, None)
        self._gone.extend(keys)
        if self._gone:
            self._work.set()

    def aside(self, refused: Aside) -> None:
        if len(self._aside) < ASIDE_WAITING:
            self._aside.append(refused)
            self._work.set()

    async def load(self) -> list[Item]:
        """What the spool holds from before."""
        return await self._try(self._spool.items, [])

    async def read(self, keys: Sequence[Key]) -> list[bytes | None]:
        """Bodies by key; None for one that is gone."""
        on_disk = [key for key in keys if key not in self._memory]
        nothing: list[bytes | None] = []
        read = await self._try(lambda: self._spool.read(on_disk), nothing)
        bodies = dict(zip(on_disk, read, strict=False))
        return [self._memory.get(key, bodies.get(key)) for key in keys]

    async def run(self) -> None:
        """Write until cancelled. What is not written then is still with its edge."""
        while True:
            await self._work.wait()
            self._work.clear()
            await self._write()

    def close(self) -> None:
        """End the thread; after everyone who reads."""
        self._thread.submit(self._spool.close)
        self._thread.shutdown(wait=False)

    async def _write(self) -> None:
        bodies, self._bodies = self._bodies[:GROUP], self._bodies[GROUP:]
        gone, self._gone = self._gone, []
        aside, self._aside = self._aside, []
        written = await self._try(lambda: self._write_now(bodies, gone, aside), otherwise=False)
        if not written:
            room = max(0, MEMORY_BODIES - len(self._memory))
            self._memory.update({item.key: body for item, body in bodies[:room]})
            self._gone[:0] = gone[-10 * MEMORY_BODIES :]
        self._kept([item for item, _ in bodies])
        if self._bodies:
            self._work.set()

    def _write_now(self, bodies: list[tuple[Item, bytes]], gone: list[Key], aside: list[Aside]) -> bool:
        self._spool.write(bodies, gone, aside)
        return True

    async def _try(self, work: Callable[[], T], otherwise: T) -> T:
        loop = asyncio.get_running_loop()
        try:
            result = await loop.run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as error:
            self.errors += 1
            if not self._failing:
                log.error("spool refused by the disk", extra={"error": str(error)})  # noqa: TRY400 - no trace needed
            self._failing = True
            try:
                await loop.run_in_executor(self._thread, self._spool.reopen)
            except (sqlite3.Error, OSError):
                self.errors += 1
            return otherwise
        if self._failing:
            self._failing = False
            log.info("spool written again", extra={"errors": self.errors})
        return result

"""The recorder: the journal's one thread. Group commit: what comes in during a commit makes the next one."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ancu.edge.journal import Journal
from ancu.models.topics import Lane

__all__ = ["Recorder"]

log = logging.getLogger(__name__)

T = TypeVar("T")
RETRY_S = 1.0  # between tries at a disk that refuses
GROUP_RECORDS = 2000  # in one commit; bounds how long an alarm waits for the one before it
QUEUE_RECORDS = 10_000  # in memory while the disk refuses: about 1 MiB


class Recorder:
    """Appends never wait and never fail; `flushed` says when they are durable. `grown` is set after each commit."""

    def __init__(self, journal: Journal, *, retry_s: float = RETRY_S, queue_records: int = QUEUE_RECORDS) -> None:
        self.journal = journal  # its properties may be read from the loop; they change only between awaits of ours
        self.grown = asyncio.Event()
        self.errors = 0  # commits and prunes that the disk refused
        self.shed = 0  # records given up in memory because the disk refused for long
        self._retry_s = retry_s
        self._queue_records = queue_records
        self._queue: list[tuple[Lane, bytes]] = []
        self._work = asyncio.Event()
        self._flushed: asyncio.Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._failing = False
        self._reserved = False

    def append(self, lane: Lane, blob: bytes) -> None:
        """Queue a record."""
        if len(self._queue) >= self._queue_records:
            self._shed()
        self._queue.append((lane, blob))
        self._work.set()

    def flushed(self) -> asyncio.Future[None]:
        """Resolves when everything appended so far is committed."""
        if self._flushed is None:
            self._flushed = asyncio.get_running_loop().create_future()
        future = self._flushed
        self._work.set()
        return future

    async def run(self) -> None:
        """Commit what is queued until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            if not await _unbroken(self._commit()):
                await asyncio.sleep(self._retry_s)
                self._work.set()

    async def close(self) -> None:
        """Commit what is left and end the thread; after everyone who reads or prunes."""
        if self._queue:
            await self._commit()
        self._thread.submit(self.journal.close)
        self._thread.shutdown(wait=False)

    async def read(self, lane: Lane, first: int, count: int) -> list[bytes]:
        """Committed records; none while the disk refuses."""
        return await self._try(lambda: self.journal.read(lane, first, count), [])

    async def prune(self, epoch: int, lane: Lane, upto: int) -> None:
        """Forget what the server confirmed; what the disk refuses is sent once more, and confirmed once more."""
        await self._try(lambda: self.journal.prune(epoch, lane, upto), None)

    async def _commit(self) -> bool:
        group = self._take_group()
        waiting, self._flushed = self._flushed, None
        before = self._ends()
        done = not group or await self._try(lambda: self._append(group), otherwise=False)
        # A commit that reports an error may yet be on the disk: the reopened journal knows.
        done = done or self._ends() != before
        if done:
            self.grown.set()
            await self._hold_room()
        else:
            self._queue[:0] = group
        if done and not self._queue:
            self._tell_written()
            _resolve(waiting)
        else:
            self._keep_waiting(waiting)
            if done and not self._failing:
                self._work.set()
        return done and not (self._failing and self._queue)

    def _take_group(self) -> list[tuple[Lane, bytes]]:
        """The next records to commit: while the disk refuses, alarms alone, for which room is held back."""
        alarms = [record for record in self._queue if record[0] is Lane.ALARM] if self._failing else []
        if alarms:
            self._queue = [record for record in self._queue if record[0] is not Lane.ALARM]
            return alarms
        group, self._queue = self._queue[:GROUP_RECORDS], self._queue[GROUP_RECORDS:]
        return group

    async def _hold_room(self) -> None:
        if self._failing or not self._reserved:
            await self._try(self.journal.reserve, None)
            self._reserved = True

    def _tell_written(self) -> None:
        if self._failing:
            self._failing = False
            log.info("journal written again", extra={"errors": self.errors})

    def _append(self, group: list[tuple[Lane, bytes]]) -> bool:
        if self._failing and group[0][0] is Lane.ALARM:
            self.journal.release()
        self.journal.append(group)
        return True

    def _ends(self) -> list[int]:
        return [rows.next for rows in self.journal.held.values()]

    def _keep_waiting(self, waiting: asyncio.Future[None] | None) -> None:
        if waiting is None:
            return
        if self._flushed is None:
            self._flushed = waiting
        else:  # someone asked meanwhile: the later promise covers the earlier
            self._flushed.add_done_callback(lambda _: _resolve(waiting))

    async def _try(self, work: Callable[[], T], otherwise: T) -> T:
        try:
            result = await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as error:
            self.errors += 1
            if not self._failing:
                log.error("journal refused by the disk", extra={"error": str(error)})  # noqa: TRY400 - no trace needed
            self._failing, self._reserved = True, False
            await self._mend()
            return otherwise
        return result

    async def _mend(self) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self.journal.reopen)
        except (sqlite3.Error, OSError):
            self.errors += 1

    def _shed(self) -> None:
        for lane in (Lane.BULK, Lane.STATE, Lane.ALARM):
            for place, (of, _) in enumerate(self._queue):
                if of == lane:
                    del self._queue[place]
                    self.shed += 1
                    return


def _resolve(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)


async def _unbroken(work: Coroutine[None, None, T]) -> T:
    """Await `work` to its end even when cancelled: a commit that runs in a thread cannot be taken back."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise

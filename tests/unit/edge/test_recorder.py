"""The recorder: appends never fail, `flushed` means durable, and a disk that refuses costs time, not facts."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ancu.edge.journal import Journal
from ancu.edge.recorder import Recorder
from ancu.edge.uplink import Held
from ancu.models.topics import Lane


class BadDisk(Journal):
    """Refuses while told to; may have written all the same."""

    refuses = False
    writes_all_the_same = False
    commits = 0

    def append(self, records: Sequence[tuple[Lane, bytes]]) -> None:
        if not self.refuses or self.writes_all_the_same:
            super().append(records)
            self.commits += 1
        if self.refuses:
            raise sqlite3.OperationalError("disk I/O error")


@pytest.fixture
def journal(tmp_path: Path) -> BadDisk:
    return BadDisk(tmp_path / "journal.db", cap_records=1000)


@asynccontextmanager
async def running(journal: Journal, *, queue_records: int = 1000) -> AsyncIterator[Recorder]:
    recorder = Recorder(journal, retry_s=0.01, queue_records=queue_records)
    task = asyncio.create_task(recorder.run())
    yield recorder
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await recorder.close()


async def test_what_was_flushed_is_on_the_disk(journal: BadDisk, tmp_path: Path):
    async with running(journal) as recorder:
        for n in range(5):
            recorder.append(Lane.STATE, b"F%d" % n)
        await recorder.flushed()
        other = Journal(tmp_path / "journal.db", cap_records=1000)
        assert other.read(Lane.STATE, 1, 10) == [b"F0", b"F1", b"F2", b"F3", b"F4"]
        other.close()


async def test_what_comes_during_a_commit_makes_the_next_one(journal: BadDisk):
    async with running(journal) as recorder:
        for n in range(200):
            recorder.append(Lane.STATE, b"F%d" % n)
            if n % 20 == 0:
                await asyncio.sleep(0)
        await recorder.flushed()
        assert journal.held[Lane.STATE] == Held(1, 201)
        assert journal.commits <= 5


async def test_a_stop_writes_what_is_left(journal: BadDisk, tmp_path: Path):
    async with running(journal) as recorder:
        recorder.append(Lane.ALARM, b"F1")
    again = Journal(tmp_path / "journal.db", cap_records=10)
    assert again.read(Lane.ALARM, 1, 1) == [b"F1"]
    again.close()


async def test_a_disk_that_refuses_is_tried_until_it_writes(journal: BadDisk):
    async with running(journal) as recorder:
        journal.refuses = True
        recorder.append(Lane.ALARM, b"F1")
        waiting = recorder.flushed()
        while recorder.errors < 2:  # noqa: ASYNC110 - the thread counts them
            await asyncio.sleep(0.01)
        assert not waiting.done()
        assert journal.held[Lane.ALARM] == Held(1, 1)
        journal.refuses = False
        await waiting
        assert journal.read(Lane.ALARM, 1, 10) == [b"F1"]


async def test_a_commit_that_reports_an_error_and_yet_wrote_is_not_written_twice(journal: BadDisk):
    async with running(journal) as recorder:
        journal.refuses = journal.writes_all_the_same = True
        recorder.append(Lane.STATE, b"F1")
        await recorder.flushed()
        journal.refuses = False
        recorder.append(Lane.STATE, b"F2")
        await recorder.flushed()
        assert journal.read(Lane.STATE, 1, 10) == [b"F1", b"F2"]


async def test_while_the_disk_refuses_memory_gives_up_bulk_before_state_before_alarms(journal: BadDisk):
    async with running(journal, queue_records=4) as recorder:
        journal.refuses = True
        for lane in (Lane.BULK, Lane.STATE, Lane.ALARM, Lane.ALARM, Lane.ALARM, Lane.ALARM):
            recorder.append(lane, b"F")
        journal.refuses = False
        await recorder.flushed()
        assert {lane: rows.next - 1 for lane, rows in journal.held.items()} == {
            Lane.ALARM: 4,
            Lane.STATE: 0,
            Lane.BULK: 0,
        }
        assert recorder.shed == 2


def test_a_file_that_is_no_journal_is_put_aside_and_a_new_epoch_begins(tmp_path: Path):
    path = tmp_path / "journal.db"
    path.write_bytes(b"\x00garbage" * 1000)
    journal = Journal(path, cap_records=10)
    assert journal.held[Lane.ALARM] == Held(1, 1)
    assert len(list(tmp_path.glob("journal.db.broken-*"))) == 1
    journal.close()


def test_each_journal_has_an_epoch_of_its_own_and_keeps_it(tmp_path: Path):
    first, second = (Journal(tmp_path / name, cap_records=10) for name in ("a.db", "b.db"))
    epoch = first.epoch
    assert 0 <= epoch < 2**63
    assert epoch != second.epoch
    first.close()
    second.close()
    again = Journal(tmp_path / "a.db", cap_records=10)
    assert again.epoch == epoch
    again.close()

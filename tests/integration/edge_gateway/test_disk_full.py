"""A full disk: the agent lives, what was durable stays, alarms still pass, and the rest is written later."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ancu.edge.journal import Journal
from ancu.edge.recorder import Recorder
from ancu.models.topics import Lane


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, check=False
    )
    if not done or done.returncode:
        pytest.skip("NOT TESTED: a small tmpfs cannot be mounted here, so nothing is known about a full disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


async def test_a_full_disk_costs_nothing_but_time_and_alarms_not_even_that(small_disk: Path):
    ballast = small_disk / "ballast"
    recorder = Recorder(Journal(small_disk / "journal.db", cap_records=100_000), retry_s=0.05)
    running = asyncio.create_task(recorder.run())
    recorder.append(Lane.ALARM, b"F-first")
    await recorder.flushed()
    assert (small_disk / "journal.db.reserve").stat().st_size > 0
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
                file.flush()
        except OSError:
            pass
    for n in range(500):
        recorder.append(Lane.STATE, b"F%04d" % n + bytes(400))
    waiting = recorder.flushed()
    await asyncio.sleep(0.5)
    assert recorder.errors > 0
    assert not waiting.done()
    assert recorder.journal.read(Lane.ALARM, 1, 1) == [b"F-first"]
    recorder.append(Lane.ALARM, b"F-strap-cut")
    async with asyncio.timeout(5):
        while recorder.journal.held[Lane.ALARM].next < 3:  # noqa: ASYNC110 - a thread of its own writes it
            await asyncio.sleep(0.02)
    assert recorder.journal.held[Lane.STATE].next == 1
    assert recorder.journal.read(Lane.ALARM, 2, 1) == [b"F-strap-cut"]
    ballast.unlink()
    await waiting
    held = recorder.journal.read(Lane.STATE, 1, 1000)
    assert [int(blob[1:5]) for blob in held] == list(range(500))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await recorder.close()

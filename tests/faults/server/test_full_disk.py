"""A disk that is full: nothing is confirmed, nothing is lost, and it goes on by itself when there is room."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ancu.models.clock import SystemClock, to_ms
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.bench.fleet import Home, fleet, register_of, relay_of
from ancu.server.core import Core, Told, verify_chain
from ancu.server.ingest.columns import reading_rows
from ancu.server.memory import Memory
from ancu.server.policies import load_policy
from ancu.server.projection import project
from ancu.server.seating import Bench

KEY = b"k" * 32
HOMES = fleet(300)


class Disk:
    """A core on a disk whose room can be taken away: SQLite itself says that it is full."""

    def __init__(self, path: Path) -> None:
        self.path, self.full = path, False
        self.told: queue.Queue[Told] = queue.Queue()
        register = register_of(HOMES)
        self.core = Core(
            open_store=self.open,
            roster=lambda store, held: None if held == register.version else register,
            project=project,
            memory=Memory(Bench(load_policy("demo"))),
            clock=SystemClock(),
            told=self.told.put,
        )

    def open(self) -> Store:
        connection = connect(self.path)
        migrate(connection)
        store = Store(connection, KEY)
        if self.full:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages + 4}")
        return store

    def confirmed(self) -> int:
        count = 0
        while not self.told.empty():
            count += len(self.told.get().confirms)
        return count


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "ancu.db")
    made.full = True
    made.core.start()
    assert made.core.wait_ready(5)
    yield made
    made.core.stop()


def until(condition: Callable[[], bool], seconds: float = 8) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def send(disk: Disk, homes: list[Home]) -> None:
    now = to_ms(datetime.now(UTC)) // 1000 * 1000
    for home in homes:
        heard = [home.bands[0].heard(now - 60_000 + 1000 * i) for i in range(60)]
        assert disk.core.deliver(*relay_of([home.batch(heard)], home.gateway))


def test_nothing_is_confirmed_on_a_full_disk_and_all_of_it_when_there_is_room(disk: Disk):
    send(disk, HOMES)
    until(lambda: disk.core.fault is not None)
    assert "full" in str(disk.core.fault)
    before = disk.confirmed()
    assert before < len(HOMES)
    disk.full = False
    until(lambda: disk.core.fault is None)
    confirmed = before
    end = time.monotonic() + 8
    while confirmed < len(HOMES) and time.monotonic() < end:
        confirmed += disk.confirmed()
        time.sleep(0.05)
    assert confirmed == len(HOMES)
    connection = connect(disk.path, read_only=True)
    rows = connection.execute("SELECT readings FROM inbox").fetchall()
    found = [(int(r["band"]), int(r["counter"])) for row in rows for r in reading_rows(row["readings"])]
    assert len(found) == len(set(found)) == 60 * len(HOMES)
    assert verify_chain(connection, KEY).broken_at is None
    connection.close()

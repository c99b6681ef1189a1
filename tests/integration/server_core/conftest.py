"""A core over a real file, without a broker and without pages."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from ancu.models.clock import SystemClock
from ancu.models.wire import Confirmation
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.adapters.store_journal import Record
from ancu.server.bench.fleet import Home, fleet, register_of
from ancu.server.cases.inputs import Input
from ancu.server.core import Core, Told
from ancu.server.ingest.columns import reading_rows
from ancu.server.judging import Judging
from ancu.server.memory import Memory
from ancu.server.people.records import Snapshot
from ancu.server.projection import project

KEY = b"k" * 32


class Quiet(Judging):
    """A judge that never decides."""

    def enrol(self, register: Snapshot) -> None:
        pass

    def observe(self, happened: Input) -> None:
        pass

    def decide(self, happened: Input) -> list[Record]:
        return []

    def evolve(self, record: Record) -> None:
        pass

    def presence(self, person: str, now: datetime) -> tuple[str, datetime | None]:
        return "unknown", None

    def snapshot(self) -> bytes:
        return b""

    def restore(self, snapshot: bytes) -> None:
        pass


class Running:
    """A core over a file, and what it told."""

    def __init__(self, data: Path, homes: list[Home], judging: Judging | None = None) -> None:
        self.path = data / "ancu.db"
        self.told: queue.Queue[Told] = queue.Queue()
        register = register_of(homes)
        self.memory = Memory(judging or Quiet())
        self.core = Core(
            open_store=self.open,
            roster=lambda store, held: None if held == register.version else register,
            project=project,
            memory=self.memory,
            clock=SystemClock(),
            told=self.told.put,
        )
        self.core.start()
        assert self.core.wait_ready(5)

    def open(self) -> Store:
        connection = connect(self.path)
        migrate(connection)
        return Store(connection, KEY)

    def confirmed(self, timeout: float = 5) -> Confirmation:
        """The next confirm."""
        while True:
            told = self.told.get(timeout=timeout)
            if told.confirms:
                return next(iter(told.confirms))

    def readings(self) -> list[tuple[int, int]]:
        """(band, counter) of every reading in the inbox, in order."""
        connection = connect(self.path, read_only=True)
        try:
            rows = connection.execute("SELECT readings FROM inbox ORDER BY position").fetchall()
            return [(int(r["band"]), int(r["counter"])) for row in rows for r in reading_rows(row["readings"])]
        finally:
            connection.close()


Run = Callable[..., Running]


@pytest.fixture
def homes() -> list[Home]:
    return fleet(2)


@pytest.fixture
def run(tmp_path: Path, homes: list[Home]) -> Iterator[Run]:
    started: list[Running] = []

    def start(judging: Judging | None = None) -> Running:
        started.append(Running(tmp_path, homes, judging))
        return started[-1]

    yield start
    for running in started:
        running.core.stop()

"""How soon the server is ready again, with much stored and the last snapshot of memory as old as it may be."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from ancu.models.clock import SystemClock, to_ms
from ancu.models.frame import Status
from ancu.models.topics import Lane
from ancu.server.adapters.series import Series
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.bench.fleet import FINE, Home, fleet, register_of
from ancu.server.core import Core
from ancu.server.ingest.columns import READING_BYTES, pack_reading
from ancu.server.ingest.rows import Row
from ancu.server.memory import Memory
from ancu.server.people.records import Snapshot
from ancu.server.policies import load_policy
from ancu.server.projection import project
from ancu.server.seating import Bench

__all__ = ["RestartFigures", "bench_restart"]

_KEY = b"bench" * 8
_BATCH = 25
_EVERY_S = 10
_UNSAVED = 50_000  # readings since the last snapshot, when the server was killed


@dataclass(frozen=True, slots=True)
class RestartFigures:
    readings: int
    ready_s: float  # from the start to taking relays, judging what came since the last snapshot anew
    series_s: float  # to make the whole series anew, beside it
    inbox_bytes_per_reading: float
    series_bytes_per_reading: float


def bench_restart(folder: Path, *, readings: int, homes: int, seed: int) -> RestartFigures:
    """Fill an inbox as `homes` edges would have, kill, start; `folder` must be empty."""
    path, people = folder / "ancu.db", fleet(homes, seed=seed)
    register = register_of(people)
    _fill(path, people, register, readings)
    core = Core(
        open_store=lambda: _store(path),
        roster=lambda _, held: None if held == register.version else register,
        project=project,
        memory=Memory(Bench(load_policy("default"))),
        clock=SystemClock(),
        told=lambda _: None,
    )
    began = time.perf_counter()
    core.start()
    core.wait_ready(600)
    ready_s = time.perf_counter() - began
    core.stop()
    began = time.perf_counter()
    series = Series(folder / "series.duckdb", path)
    count = series.catch_up()
    series_s = time.perf_counter() - began
    series.stop()
    return RestartFigures(
        readings=count,
        ready_s=ready_s,
        series_s=series_s,
        inbox_bytes_per_reading=path.stat().st_size / count,
        series_bytes_per_reading=(folder / "series.duckdb").stat().st_size / count,
    )


def _fill(path: Path, people: list[Home], register: Snapshot, readings: int) -> None:
    store, memory = _store(path), Memory(Bench(load_policy("default")))
    memory.enrol(register)
    rounds = readings // (_BATCH * len(people))
    began_ms = to_ms(SystemClock().now()) - rounds * _BATCH * _EVERY_S * 1000
    unsaved = max(1, _UNSAVED // (_BATCH * len(people)))
    for turn in range(rounds):
        with store.transaction():
            store.add_rows([_row(home, turn, began_ms) for home in people])
            store.set_marks({(h.edge, h.epoch, Lane.STATE): (turn + 1) * _BATCH for h in people}, {})
        if turn == rounds - 1 - unsaved:
            for _, row in store.rows_after(store.last_row() - len(people)):
                memory.pipeline.remember(row)
                memory.latest.take(row)
            with store.transaction():
                store.save(memory.save(store), began_ms)
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.connection.close()


def _row(home: Home, turn: int, began_ms: int) -> Row:
    band, packed = home.bands[0].number, []
    for i in range(_BATCH):
        ms = began_ms + (turn * _BATCH + i) * _EVERY_S * 1000
        heart = 60 + (turn + i) % 30
        packed.append(
            pack_reading(
                ms, band, ms // 1000, i, turn * i, i, FINE.skin_deci_c, -60, 5, 80, heart, 97, int(Status.SKIN), 0
            )
        )
    readings = b"".join(packed)
    assert len(readings) == _BATCH * READING_BYTES  # noqa: S101 - the layout that the series reads
    at_ms = began_ms + (turn + 1) * _BATCH * _EVERY_S * 1000
    first = turn * _BATCH + 1
    return Row(at_ms, home.ward, home.edge, home.gateway, Lane.STATE, home.epoch, first, _BATCH, readings, b"")


def _store(path: Path) -> Store:
    connection = connect(path)
    migrate(connection)
    return Store(connection, _KEY)

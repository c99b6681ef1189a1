"""How fast the server takes readings in: sealed batches of real frames to their commit, and on to the series."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ancu.models.clock import SystemClock, to_ms
from ancu.models.topics import Lane, Upstream
from ancu.models.wire import Relayed, decode_relay, open_batch
from ancu.server.adapters.series import Series
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.bench.fleet import Home, fleet, register_of, relay_of
from ancu.server.collector import tune_collector
from ancu.server.core import Core, Told
from ancu.server.ingest.keyring import keyring_of
from ancu.server.ingest.pipeline import read_relay
from ancu.server.ingest.verify import Receiver
from ancu.server.memory import Memory
from ancu.server.people.records import Snapshot
from ancu.server.policies import load_policy
from ancu.server.projection import project
from ancu.server.seating import Bench

__all__ = ["IngestFigures", "bench_ingest"]

_KEY = b"bench" * 8
_SPAN_S = 60  # all readings are of the last minute, so that they are judged as live


@dataclass(frozen=True, slots=True)
class IngestFigures:
    """`parts` are microseconds of processor time a reading."""

    readings: int
    batches: int
    readings_per_s: float  # through the core, to the last commit
    confirm_p50_ms: float
    confirm_p99_ms: float
    parts: dict[str, float]


def bench_ingest(folder: Path, *, homes: int, batch: int, seed: int) -> IngestFigures:
    """Send one batch of `batch` readings (at most 60) from each of `homes` edges; `folder` must be empty."""
    people = fleet(homes, seed=seed, wards=max(1, homes // 300), gateways=max(1, homes // 300))
    register = register_of(people)
    items = _items(people, min(batch, _SPAN_S))
    relays = [relay_of(group, home.gateway) for home, group in items]
    count = sum(len(group) for _, group in items) * min(batch, _SPAN_S)
    tune_collector()  # as the server does
    rate, latencies = _through_core(folder / "core.db", register, relays)
    parts = _parts(folder, register, relays)
    return IngestFigures(
        readings=count,
        batches=len(relays),
        readings_per_s=count / rate,
        confirm_p50_ms=latencies[len(latencies) // 2] * 1000,
        confirm_p99_ms=latencies[len(latencies) * 99 // 100] * 1000,
        parts={name: seconds / count * 1e6 for name, seconds in parts.items()},
    )


def _items(people: Sequence[Home], batch: int) -> list[tuple[Home, list[Relayed]]]:
    now_ms = to_ms(SystemClock().now()) // 1000 * 1000
    return [
        (
            home,
            [home.batch([home.bands[0].heard(now_ms - 1000 * back) for back in range(batch, 0, -1)], sent_ms=now_ms)],
        )
        for home in people
    ]


def _through_core(
    path: Path, register: Snapshot, relays: Sequence[tuple[Upstream, bytes]]
) -> tuple[float, list[float]]:
    done = threading.Event()
    left = len(relays)

    def told(what: Told) -> None:
        nonlocal left
        left -= len(what.confirms)
        if left <= 0:
            done.set()

    core = Core(
        open_store=lambda: _store(path),
        roster=lambda _, held: None if held == register.version else register,
        project=project,
        memory=Memory(Bench(load_policy("default"))),
        clock=SystemClock(),
        told=told,
    )
    core.start()
    core.wait_ready(10)
    began = time.perf_counter()
    for topic, body in relays:
        while not core.deliver(topic, body):
            time.sleep(0.001)
    done.wait(300)
    took = time.perf_counter() - began
    core.stop()
    return took, sorted(core.commit_s)


def _parts(folder: Path, register: Snapshot, relays: Sequence[tuple[Upstream, bytes]]) -> dict[str, float]:
    parts: dict[str, float] = {}
    keyring = keyring_of(register)
    now_ms = to_ms(SystemClock().now())
    with _timed(parts, "open"):
        batches = [
            open_batch(item.body, keyring.edges[item.edge].keys.up)
            for _, body in relays
            for item in decode_relay(body).items
        ]
    receiver = Receiver()
    with _timed(parts, "verify"):
        for one in batches:
            receiver.receive(
                one.heard, keyring.ciphers, edge=one.header.edge, lane=Lane(one.header.lane), now_ms=now_ms
            )
    memory = Memory(Bench(load_policy("default")))
    memory.enrol(register)
    with _timed(parts, "decide"):
        taken = [memory.take(topic, body, read_relay(topic, body), now_ms) for topic, body in relays]
    parts["decide"] = max(0.0, parts["decide"] - parts["open"] - parts["verify"])
    store = _store(folder / "parts.db")
    with _timed(parts, "commit"):
        for at in range(0, len(taken), 64):
            with store.transaction():
                for done, records in taken[at : at + 64]:
                    store.add_rows(done.rows)
                    store.set_marks(done.marks, done.lost)
                    store.count(done.counts)
                    store.append(records)
    store.connection.close()
    series = Series(folder / "series.duckdb", folder / "parts.db")
    with _timed(parts, "series"):
        series.catch_up()
    series.stop()
    return parts


def _store(path: Path) -> Store:
    connection = connect(path)
    migrate(connection)
    return Store(connection, _KEY)


@contextmanager
def _timed(parts: dict[str, float], name: str) -> Iterator[None]:
    began = time.thread_time()
    yield
    parts[name] = time.thread_time() - began

"""A day of a ward as the real core records it, in virtual time: relays, ticks, officers, a restart, a deaf spell."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ancu.models.clock import from_ms, to_ms
from ancu.models.frame import Reading, Status
from ancu.models.ids import BandNumber
from ancu.models.topics import Lane
from ancu.models.wire import EdgeHeartbeat, Heard, JournalHealth, MainsChanged, RadioHealth, Unseen
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.alerts import alert as lifecycle
from ancu.server.bench.fleet import FINE, Home, fleet, register_of, relay_of
from ancu.server.cases.inputs import SosTapped
from ancu.server.cases.policy import Policy
from ancu.server.core import Core, Transaction
from ancu.server.core_turn import CommandWork, Relayed, TickWork
from ancu.server.ingest.pipeline import read_relay
from ancu.server.memory import Memory
from ancu.server.people.records import Snapshot
from ancu.server.policies import load_policy
from ancu.server.ports import Outcome
from ancu.server.projection import alert_of, events_of, project, record_of
from ancu.server.review.book import Book
from ancu.server.seating import Bench

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)  # 12:00 in Ho Chi Minh City
KEY = b"k" * 32
WORN = dataclasses.replace(FINE, status=Status.SKIN | Status.MOTION)


class Time:
    """A clock that the recording moves."""

    def __init__(self) -> None:
        self.ms = to_ms(NOON)

    def now(self) -> datetime:
        return from_ms(self.ms)

    def monotonic(self) -> float:
        return self.ms / 1000


class Recording:
    """Homes that beat and speak every 10 s to a real core over a real file; its thread is this one."""

    def __init__(self, data: Path, homes: int = 4, policy: Policy | Book | None = None, wards: int = 1) -> None:
        self.path, self.clock = data / "ancu.db", Time()
        self.random = random.Random(5)
        self.homes = fleet(homes, wards=wards)
        self.register: Snapshot = register_of(self.homes, now=NOON)
        self.policy = policy or load_policy("table")
        self.says: dict[int, Reading | None] = dict.fromkeys(range(homes), WORN)
        self.alive = dict.fromkeys(range(homes), True)
        self.heard: dict[int, int] = {}
        self.testified: set[int] = set()
        self.gateway = self.listens = True
        self.core: Core
        self.store: Store
        self.start()

    def start(self) -> None:
        self.memory = Memory(Bench(self.policy))
        self.core = Core(
            open_store=self._open,
            roster=lambda _, held: None if held == self.register.version else self.register,
            project=project,
            memory=self.memory,
            clock=self.clock,
            told=lambda _: None,
            listening=lambda: self.listens,
        )
        self.store = self.core._begin()

    def stop(self) -> None:
        self.core._save(self.store)
        self.kill()

    def kill(self) -> None:
        self.store.connection.close()

    def run(self, seconds: int) -> None:
        """Time passes, not quite by whole seconds."""
        for _ in range(seconds):
            second = self.clock.ms // 1000
            if second % 10 == 0 and self.gateway:
                for i in range(len(self.homes)):
                    self._home(i)
            self.core._commit(self.store, [TickWork()])
            self.clock.ms += 1000 + self.random.randint(0, 4)

    def tell(self, home: Home, *records: Any, lane: Lane = Lane.STATE) -> None:
        topic, body = relay_of([home.batch(records, lane=lane)], home.gateway)
        self.core._commit(self.store, [Relayed(topic, body, read_relay(topic, body), self.clock.monotonic())])
        self.clock.ms += 1

    def cut(self, i: int) -> None:
        self.says[i] = dataclasses.replace(FINE, status=Status.SKIN | Status.STRAP_OPEN)
        self.tell(
            self.homes[i], self.homes[i].bands[0].heard(self.clock.ms, self.says[i], urgent=True), lane=Lane.ALARM
        )

    def forge(self, i: int) -> None:
        heard = self.homes[i].bands[0].heard(self.clock.ms)
        body = heard.body[:-1] + bytes([heard.body[-1] ^ 1])
        self.tell(self.homes[i], Heard(heard.at_ms, heard.band, heard.address, -60, 1, body), lane=Lane.ALARM)

    def mains(self, i: int, *, on: bool) -> None:
        self.tell(self.homes[i], MainsChanged(self.clock.ms, on))

    def sos(self, person: str) -> None:
        def tap(tx: Transaction) -> None:
            tx.records += tx.memory.feed(SosTapped(from_ms(tx.now_ms), person))

        self.command(tap)

    def officer(self, alert: str, command: lifecycle.Command) -> None:
        def act(tx: Transaction) -> None:
            state = alert_of(events_of(tx.store, alert))
            assert state is not None
            for event in lifecycle.decide(state, command, from_ms(tx.now_ms)):
                record = record_of(event)
                tx.memory.judging.evolve(record)
                tx.records.append(record)

        self.command(act)

    def command(self, run: Callable[[Transaction], Any]) -> None:
        future: Future[Any] = Future()
        self.core._commit(self.store, [CommandWork(run, future)])
        future.result(0)
        self.clock.ms += 1

    def registered(self, register: Snapshot) -> None:
        self.register = dataclasses.replace(register, version=self.register.version + 1)

    def end_order(self, i: int) -> None:
        order = self.register.orders[self.homes[i].bands[0].order]
        ended = dataclasses.replace(order, ended_at=self.clock.now())
        self.registered(dataclasses.replace(self.register, orders={**self.register.orders, order.id: ended}))

    def open_alerts(self, kind: str | None = None) -> list[str]:
        rows = self.store.connection.execute(
            "SELECT id FROM alerts WHERE state <> 'resolved' AND (?1 IS NULL OR kind = ?1) ORDER BY opened_ms", (kind,)
        )
        return [row["id"] for row in rows]

    def _open(self) -> Store:
        connection = connect(self.path)
        migrate(connection)
        return Store(connection, KEY)

    def _home(self, i: int) -> None:
        home, now = self.homes[i], self.clock.ms
        if not self.alive[i]:
            return
        number = home.bands[0].number
        beat = EdgeHeartbeat(now, 10, 100, True, True, RadioHealth(True, 50, 0), JournalHealth(0, 0, 0, 0), (), "1")
        reading = self.says[i]
        if reading is not None:
            self.heard[i] = now
            self.testified.discard(i)
            self.tell(home, beat, home.bands[0].heard(now, reading))
            return
        self.tell(home, beat)
        if i in self.heard and now - self.heard[i] >= 20_000 and i not in self.testified:
            self.testified.add(i)
            self.tell(home, Unseen(now, BandNumber(number), self.heard[i], 1), lane=Lane.ALARM)


def an_eventful_day(recording: Recording) -> None:
    """Two hours and a half with everything that people, boxes, officers and servers do."""
    r = recording
    r.run(120)
    r.cut(0)
    r.run(30)
    r.officer(r.open_alerts("strap_cut")[0], lifecycle.Acknowledge("lan"))
    r.says[1] = None  # leaves
    r.run(400)
    r.says[1] = WORN
    r.says[0] = WORN
    r.run(60)
    for alert in r.open_alerts():
        r.officer(alert, lifecycle.Resolve("lan", Outcome.TRUE_EXIT, "seen at the market"))
    r.sos("p-000003")
    r.forge(2)
    r.run(300)
    r.alive[2] = False
    r.run(900)
    r.alive[2] = True
    r.says[3] = dataclasses.replace(WORN, battery_percent=15)
    r.run(200)
    r.mains(3, on=False)
    r.says[2] = None  # a short walk that the default policy sees and a slower one does not
    r.run(125)
    r.says[2] = WORN
    r.run(300)
    r.stop()
    r.clock.ms += 45_000  # the server is away
    r.start()
    r.run(300)
    r.gateway = False
    r.run(900)
    r.gateway = True
    r.run(120)
    r.end_order(0)
    r.run(300)
    r.listens = False  # cut off from the broker
    r.gateway = False
    r.run(60)
    r.listens = r.gateway = True
    r.run(200)


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Recording]:
    def make(**more: Any) -> Recording:
        return Recording(tmp_path, **more)

    return make


@pytest.fixture
def recording_of() -> type[Recording]:
    return Recording


@pytest.fixture(scope="module")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    recording = Recording(tmp_path_factory.mktemp("past"))
    an_eventful_day(recording)
    return recording

"""Rehearsal: notify in virtual time over the real judge and a real store, with channels that do as they are told.

Shows in seconds whom a night of incidents would have reached, and when.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from ancu.models.clock import to_ms
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.adapters.store_journal import Record, Stored
from ancu.server.alerts.alert import Command, decide
from ancu.server.cases.inputs import Input, Tick
from ancu.server.cases.policy import Policy
from ancu.server.core import Transaction
from ancu.server.memory import Memory
from ancu.server.notify.duty import Watch
from ancu.server.notify.engine import Due, Engine, Outcome, Plan
from ancu.server.notify.port import Receipt, Refused, Unreachable
from ancu.server.notify.words import Writer
from ancu.server.people.records import Snapshot
from ancu.server.policies import load_policy
from ancu.server.ports import Role
from ancu.server.projection import alert_of, events_of, project, record_of
from ancu.server.seating import Bench

__all__ = ["Heard", "Rehearsal"]

T = TypeVar("T")
Answer = Callable[[Due], Receipt | Refused | Unreachable]


@dataclass(frozen=True, slots=True)
class Heard:
    """A message that got through."""

    at: datetime
    officer: str
    channel: str
    due: Due


@dataclass
class Rehearsal:
    """A house in a folder. `answers`: how each channel behaves; one that is not named gets everything through."""

    folder: Path
    plan: Plan
    at: datetime
    policy: Policy = field(default_factory=lambda: load_policy("default"))
    answers: dict[str, Answer] = field(default_factory=dict)
    chance: Callable[[], float] = lambda: 0.5
    heard: list[Heard] = field(default_factory=list)
    tries: int = 0

    def __post_init__(self) -> None:
        connection = connect(self.folder / "ancu.db")
        connection.execute("PRAGMA synchronous=OFF")  # nothing of a rehearsal is worth a sync
        migrate(connection)
        self.store = Store(connection, b"rehearsal" * 4)
        self.memory = Memory(Bench(self.policy))
        self.engine = Engine(self.plan, Writer("vi", "https://ancu.example"), self.chance)

    @property
    def db(self) -> sqlite3.Connection:
        return self.store.connection

    def enrol(self, register: Snapshot) -> None:
        """The people and devices of the judge."""
        self.memory.enrol(register)

    def add_ward(self, code: str) -> None:
        self.db.execute("INSERT INTO wards (code, name, province) VALUES (?, ?, ?)", (code, f"Phường {code}", "Tỉnh"))

    def add_officer(self, id_: str, role: Role, wards: Iterable[str] = (), ways: Iterable[str] = ()) -> None:
        self.db.execute(
            "INSERT INTO officers (id, login, name, role, password_hash, created_ms) VALUES (?, ?, ?, ?, '', 0)",
            (id_, id_, id_, role),
        )
        self.db.executemany("INSERT INTO officer_wards (officer, ward) VALUES (?, ?)", [(id_, ward) for ward in wards])
        self.db.executemany(
            "INSERT INTO contact_points (officer, channel, address, created_ms) VALUES (?, ?, ?, 0)",
            [(id_, way, f"{way}:{id_}") for way in ways],
        )

    def add_watch(self, officer: str, start: datetime, end: datetime, watch: Watch = Watch.SHIFT) -> None:
        self.db.execute(
            "INSERT INTO duty_watches (officer, watch, from_ms, until_ms) VALUES (?, ?, ?, ?)",
            (officer, watch, to_ms(start), to_ms(end)),
        )

    def add_absence(self, officer: str, start: datetime, end: datetime) -> None:
        self.db.execute(
            "INSERT INTO duty_absences (officer, from_ms, until_ms, reason) VALUES (?, ?, ?, 'leave')",
            (officer, to_ms(start), to_ms(end)),
        )

    def tell(self, happened: Input) -> None:
        """Let the judge hear of something."""
        self.write(self.memory.feed(happened))

    def write(self, records: Sequence[Record]) -> None:
        """Put records into the journal as the core does."""
        with self.store.transaction():
            self._append(records)

    def command(self, alert: str, command: Command) -> None:
        """Do what an officer does."""
        state = alert_of(events_of(self.store, alert))
        if state is not None:
            records = [record_of(event) for event in decide(state, command, self.at)]
            for record in records:
                self.memory.judging.evolve(record)
            self.write(records)

    def run(self, seconds: float, *, step_s: float = 1.0, ticks: bool = True) -> None:
        """Let time pass."""
        end = self.at + timedelta(seconds=seconds)
        while self.at < end:
            self.at += timedelta(seconds=step_s)
            if ticks:
                self.tell(Tick(self.at))
            self.carry()

    def carry(self) -> None:
        """Try everything that is due now, once."""
        due = self._command(self.engine.step).due
        outcomes = [Outcome(one.id, self._try(one)) for one in due]
        if outcomes:
            self._command(lambda tx: self.engine.settle(tx, outcomes))

    def _try(self, due: Due) -> Receipt | Refused | Unreachable:
        self.tries += 1
        answer = self.answers.get(due.channel)
        result = Receipt() if answer is None else answer(due)
        if isinstance(result, Receipt):
            row = self.db.execute(
                "SELECT p.officer FROM notify_deliveries d JOIN notify_pages p ON p.id = d.page WHERE d.id = ?",
                (due.id,),
            ).fetchone()
            self.heard.append(Heard(self.at, row["officer"], due.channel, due))
        return result

    def _command(self, run: Callable[[Transaction], T]) -> T:
        with self.store.transaction():
            tx = Transaction(self.store, self.memory, to_ms(self.at))
            answer = run(tx)
            self._append(tx.records)
        return answer

    def _append(self, records: Sequence[Record]) -> None:
        positions = self.store.append(records)
        stored = [Stored(*pair) for pair in zip(positions, records, strict=True)]
        if stored:
            project(self.store, stored)

"""A ward with a long list: what the bench of the pages measures, in processes of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from ancu.models.clock import SystemClock, from_ms
from ancu.models.ids import EdgeId
from ancu.server.adapters.sqlite import connect
from ancu.server.adapters.store import Store
from ancu.server.adapters.store_journal import audit_key
from ancu.server.alerts.alert import Acknowledge, decide
from ancu.server.cases.inputs import SosTapped
from ancu.server.core import Core, Transaction
from ancu.server.demo.chain import Chain
from ancu.server.memory import Memory
from ancu.server.people.orders import NewPerson
from ancu.server.people.passwords import make_password
from ancu.server.people.register import DATABASE_FILE, Register
from ancu.server.people.sample import WARDS
from ancu.server.people.setup import make_installation
from ancu.server.people.snapshot import read_snapshot
from ancu.server.people.vault import MASTER_KEY_FILE, Vault
from ancu.server.policies import load_policy
from ancu.server.ports import Role
from ancu.server.projection import STREAM, alert_of, events_of, project, record_of
from ancu.server.seating import Bench
from ancu.server.web.accounts_sqlite import SqliteAccounts
from ancu.server.web.settings import WebSettings

__all__ = ["Ward", "long_ward"]

_WARD = next(iter(WARDS))
_AT_ONCE = 250  # alerts in a transaction
_READY_S = 60.0
_FILL_S = 300.0


@dataclass(frozen=True, slots=True)
class Ward:
    """Its server runs, with a broker beside it. Tokens are sessions'."""

    chain: Chain
    port: int
    officers: Sequence[str]  # tokens, one a stream
    citizens: Sequence[tuple[str, str]]  # person and token of those who will call for help

    def cookie(self, token: str) -> str:
        return f"ancu-{self.port}={token}"

    def cpu_s(self) -> float:
        """Processor time of the server so far."""
        return self.chain.children.cpu_s()["server"]


@asynccontextmanager
async def long_ward(folder: Path, *, alerts: int, streams: int, callers: int) -> AsyncIterator[Ward]:
    """Have `alerts` alerts open that somebody has, and `callers` people more; `folder` must be empty."""
    made = make_installation(folder, homes=1, policy="default")
    data = made.root / "server" / "data"
    persons = await asyncio.to_thread(_populate, data, alerts + callers)
    officers, citizens = await _sign_in(data, streams, persons[alerts:])
    await asyncio.to_thread(_fill, data, persons[:alerts], "bench")
    chain = _Console(made)
    async with chain:
        yield Ward(chain, made.ports.server, officers, citizens)


class _Console(Chain):
    """Of a chain, what the pages need."""

    async def start(self) -> None:
        self.children.start("broker", "broker", "run", "--config", str(self.made.broker_toml))
        self.children.start("server", "server", "run", "--config", str(self.made.server_toml))

    async def end(self) -> None:
        await self.children.end({"server"})
        await self.children.end()


def _populate(data: Path, people: int) -> list[str]:
    register, now = Register.open(data, actor="bench"), SystemClock().now()
    persons = [f"p-{n:05d}" for n in range(people)]
    with register.ledger.together():
        for n, person in enumerate(persons):
            edge = EdgeId(f"edge-{n:05d}")
            register.devices.add_edge(edge, _WARD)
            register.orders.add_person(NewPerson(_WARD, f"Nguyễn Văn {n}"), person)
            register.orders.add(person, now - timedelta(days=1), now + timedelta(days=13), edge=edge)
    register.connection.close()
    return persons


async def _sign_in(data: Path, streams: int, callers: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """As many officers as hold so many streams; their sessions, and the callers'."""
    settings, clock = WebSettings(), SystemClock()
    accounts, now = SqliteAccounts(data, settings, clock), clock.now()
    register = Register.open(data, actor="bench")
    tokens: list[str] = []
    try:
        while len(tokens) < streams:
            officer = register.officers.add(
                f"bench-{len(tokens)}", "Cán bộ", Role.OFFICER, [_WARD], password=make_password()
            )
            tokens += [(await accounts.open_officer(officer, at=now)).token] * settings.streams_each
        ends = now + timedelta(days=1)
        citizens = [(who, (await accounts.open_person(who, at=now, ends=ends)).token) for who in callers]
    finally:
        register.connection.close()
        await accounts.close()
    return tokens[:streams], citizens


def _fill(data: Path, persons: Sequence[str], officer: str) -> None:
    """Each calls for help and is answered: alerts that stand in the list and ring for nobody."""
    vault = Vault.open(data / MASTER_KEY_FILE)
    core = Core(
        open_store=lambda: Store(connect(data / DATABASE_FILE), audit_key(vault)),
        roster=lambda store, held: read_snapshot(store.connection, vault) if held is None else None,
        project=project,
        memory=Memory(Bench(load_policy("default"))),
        clock=SystemClock(),
        told=lambda _: None,
        listening=lambda: False,  # time does not pass: nothing but the calls is to be raised
    )
    core.start()
    core.wait_ready(_FILL_S)
    try:
        for begin in range(0, len(persons), _AT_ONCE):
            some = persons[begin : begin + _AT_ONCE]
            raised = core.command(partial(_call, some)).result(_FILL_S)
            core.command(partial(_take, raised, officer)).result(_FILL_S)
    finally:
        core.stop(_FILL_S)


def _call(persons: Sequence[str], tx: Transaction) -> list[str]:
    records = [record for person in persons for record in tx.memory.feed(SosTapped(from_ms(tx.now_ms), person))]
    tx.records += records
    return [record.subject for record in records if record.stream == STREAM]


def _take(alerts: Sequence[str], officer: str, tx: Transaction) -> None:
    for alert in alerts:
        state = alert_of(events_of(tx.store, alert))
        assert state is not None  # noqa: S101 - it was just raised
        for event in decide(state, Acknowledge(officer), from_ms(tx.now_ms)):
            record = record_of(event)
            tx.memory.judging.evolve(record)
            tx.records.append(record)

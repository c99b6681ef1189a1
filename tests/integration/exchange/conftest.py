"""A server without a broker: a real register, core, judge, desk and application, and a clock that tests move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ancu.models.clock import Clock
from ancu.models.ids import EdgeId, GatewayId, OrderId, WardCode
from ancu.server.adapters.series import Series
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.cases.inputs import Input
from ancu.server.core import Core, Transaction
from ancu.server.desk.store import StoreDesk
from ancu.server.memory import Memory
from ancu.server.notify.office import Office
from ancu.server.people.orders import NewPerson
from ancu.server.people.register import DATABASE_FILE, Register
from ancu.server.people.snapshot import read_snapshot, read_version
from ancu.server.people.vault import Vault
from ancu.server.policies import load_policy
from ancu.server.ports import Role, Viewer
from ancu.server.projection import project
from ancu.server.seating import Bench
from ancu.server.steady import SteadyClock
from ancu.server.web import office
from ancu.server.web.accounts import Accounts, Session, SignedIn
from ancu.server.web.app import create_app
from ancu.server.web.settings import WebSettings

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)  # 12:00 in Ho Chi Minh City
KEY = b"k" * 32
WARD, OTHER = WardCode("w1"), WardCode("w2")
VIEWERS = {
    "lan": Viewer("lan", Role.OFFICER, frozenset({WARD})),
    "minh": Viewer("minh", Role.OFFICER, frozenset({OTHER})),
    "binh": Viewer("binh", Role.OFFICER, frozenset({WARD})),
    "y-te": Viewer("y-te", Role.HEALTH, frozenset({WARD})),
    "p-1": Viewer("p-1", Role.CITIZEN, frozenset({WARD}), "p-1"),
    "p-2": Viewer("p-2", Role.CITIZEN, frozenset({OTHER}), "p-2"),
}


class MovedClock:
    def __init__(self) -> None:
        self.at, self.s = NOON, 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.s

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)
        self.s += timedelta(**by).total_seconds()


class Tokens(Accounts):
    """A token is the login."""

    async def sign_in(self, login: str, password: str, address: str, *, at: datetime) -> SignedIn:
        raise NotImplementedError

    async def enter(self, code: str, address: str, *, at: datetime) -> SignedIn:
        raise NotImplementedError

    async def session(self, token: str, *, at: datetime, touch: bool) -> Session | None:
        return await self.bearer(token, at=at)

    async def bearer(self, token: str, *, at: datetime) -> Session | None:
        viewer = VIEWERS.get(token)
        return None if viewer is None else Session(viewer, token, "", at + timedelta(hours=1))

    async def sign_out(self, token: str) -> None:
        pass

    async def names(self, ids: Collection[str]) -> Mapping[str, str]:
        return {}

    async def issue_code(self, person: str, *, by: str) -> str:
        raise NotImplementedError

    async def close(self) -> None:
        pass


class Ward:
    """Two people under order in two wards, and what asks for them."""

    viewers = VIEWERS

    def __init__(self, data: Path, *, steady: bool = False) -> None:
        self.data, self.path, self.clock = data, data / DATABASE_FILE, MovedClock()
        self.steady = SteadyClock(self.clock) if steady else None
        self.time: Clock = self.steady or self.clock  # as the server has it
        self.vault = Vault.create(data / "master.key")
        connection = connect(self.path)
        migrate(connection)
        register = Register(connection, self.vault, actor="test", clock=self.clock)
        for n, ward in ((1, WARD), (2, OTHER)):
            register.wards.put(ward, f"Phường {n}", "79")
            register.devices.add_gateway(GatewayId(f"g{n}"), [ward])
            register.devices.add_edge(EdgeId(f"e{n}"), ward, gateway=GatewayId(f"g{n}"))
            register.orders.add_person(NewPerson(ward, "Nguyễn Văn Mẫu"), f"p-{n}")
            begins = NOON - timedelta(days=8)
            register.orders.add(f"p-{n}", begins, NOON + timedelta(days=6), edge=EdgeId(f"e{n}"), id_=OrderId(f"o-{n}"))
        for login, viewer in VIEWERS.items():
            if viewer.role is not Role.CITIZEN:
                connection.execute(
                    "INSERT INTO officers (id, login, name, role, password_hash, created_ms)"
                    " VALUES (?1, ?1, ?1, ?2, '', 0)",
                    (login, viewer.role),
                )
                connection.execute("INSERT INTO officer_wards VALUES (?, ?)", (login, min(viewer.wards or ())))
        connection.close()
        self.begin()

    def begin(self) -> None:
        """Start the core from what the file holds."""
        self.memory = Memory(Bench(load_policy("default")))
        self.core = Core(
            open_store=self._open,
            roster=self._register,
            project=project,
            memory=self.memory,
            clock=self.time,
            told=lambda told: None,
            steady=self.steady,
        )
        self.core.start()
        assert self.core.wait_ready(30)
        self.series = Series(self.data / "series.duckdb", self.path)
        self.desk = StoreDesk(
            self.path,
            core=self.core,
            memory=self.memory,
            series=self.series,
            clock=self.time,
            linked=lambda: True,
            link_counts=dict,
        )
        app = create_app(self.desk, Tokens(), WebSettings(), self.clock)
        office.install(app, Office(self.path, self.core, self.clock, ("127.0.0.1",), "vapid-key"))
        transport = httpx.ASGITransport(app=app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")
        self._keys = 0

    def end(self) -> None:
        self.core.stop()
        self.series.stop()
        self.desk.close()

    def restart(self, *, snapshot: bool = True) -> None:
        """End and begin again; without a snapshot, as after a kill that came before any."""
        self.end()
        if not snapshot:
            connection = connect(self.path)
            connection.execute("DELETE FROM snapshots")
            connection.close()
        self.begin()

    async def pass_time(self, **by: float) -> None:
        """Move the clock, and let the judge know."""
        self.clock.advance(**by)
        await self.turn()

    async def turn(self) -> None:
        """A whole turn of the core with a tick in it."""
        self.clock.s += 2
        await asyncio.wrap_future(self.core.command(lambda tx: None))
        await asyncio.wrap_future(self.core.command(lambda tx: None))

    async def tell(self, heard: Input) -> None:
        """Something that an edge said."""

        def run(tx: Transaction) -> None:
            tx.records += tx.memory.feed(heard)

        await asyncio.wrap_future(self.core.command(run))

    def register(self) -> Register:
        """The register, as an operator at a terminal has it."""
        return Register(connect(self.path), self.vault, actor="test", clock=self.clock)

    async def post(self, path: str, who: str = "lan", key: str | None = None, **body: Any) -> httpx.Response:
        self._keys += 1
        headers = {"Authorization": f"Bearer {who}", "Idempotency-Key": key or f"k{self._keys}-{id(self.http)}"}
        return await self.http.post(f"/api/v1/{path}", headers=headers, json=body)

    async def get(self, path: str, who: str = "lan") -> httpx.Response:
        return await self.http.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {who}"})

    async def alerts(self, who: str = "lan") -> list[tuple[str, str]]:
        """Kind and whether it goes on, newest first."""
        items = (await self.get("alerts", who)).json()["items"]
        return [(row["kind"], "over" if row["ended_at"] else "on") for row in items]

    def at(self, **later: float) -> str:
        return (self.clock.now() + timedelta(**later)).isoformat()

    def _open(self) -> Store:
        return Store(connect(self.path), KEY)

    def _register(self, store: Store, held: int | None) -> Any:
        if held is not None and read_version(store.connection) == held:
            return None
        return read_snapshot(store.connection, self.vault)


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[Ward]:
    made = Ward(tmp_path)
    await made.turn()
    yield made
    await made.http.aclose()
    made.end()


@pytest.fixture
async def steady_ward(tmp_path: Path) -> AsyncIterator[Ward]:
    """As the server runs it: with a clock that is not led astray."""
    made = Ward(tmp_path, steady=True)
    await made.turn()
    yield made
    await made.http.aclose()
    made.end()


@pytest.fixture
def restarts() -> Callable[[Ward], None]:
    return Ward.restart

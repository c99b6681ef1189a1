"""A server without a broker over real parts, and pages on a real port: the register, core, judge, desk and accounts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode
from ancu.server.adapters.series import Series
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.core import Core
from ancu.server.desk.store import StoreDesk
from ancu.server.memory import Memory
from ancu.server.people.orders import Contact, NewPerson, new_id
from ancu.server.people.passwords import Passwords
from ancu.server.people.register import DATABASE_FILE, Register
from ancu.server.people.snapshot import read_snapshot, read_version
from ancu.server.people.vault import MASTER_KEY_FILE, Vault
from ancu.server.policies import load_policy
from ancu.server.ports import Role, Viewer
from ancu.server.projection import project
from ancu.server.seating import Bench
from ancu.server.web.accounts_sqlite import SqliteAccounts
from ancu.server.web.app import create_app
from ancu.server.web.settings import WebSettings

NOON = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)  # 12:00 in Ho Chi Minh City
PASSWORD = "k3v9-7hqm-x2tb"
WARD, OTHER = WardCode("ben-nghe"), WardCode("da-kao")
NAMES = {WARD: "Phường Bến Nghé", OTHER: "Phường Đa Kao"}
STAFF: dict[str, tuple[str, Role, list[WardCode]]] = {
    "lan": ("Lê Thị Lan", Role.OFFICER, [WARD]),
    "minh": ("Phạm Minh", Role.OFFICER, [OTHER]),
    "y-te": ("Bác sĩ Yến", Role.HEALTH, [WARD]),
    "tinh": ("Trực ban tỉnh", Role.PROVINCE, []),
}


class HandClock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class House:
    """p-an and p-be (a child) are under order in one ward, p-xa in another."""

    data: Path
    clock: HandClock
    vault: Vault
    core: Core
    desk: StoreDesk
    accounts: SqliteAccounts
    app: FastAPI
    series: Series
    staff: dict[str, str] = field(default_factory=dict)

    def viewer(self, who: str) -> Viewer:
        if who in self.staff:
            _, role, wards = STAFF[who]
            return Viewer(self.staff[who], role, None if role is Role.PROVINCE else frozenset(map(str, wards)))
        ward = OTHER if who == "p-xa" else WARD
        return Viewer(who, Role.CITIZEN, frozenset({str(ward)}), who)

    def register(self) -> Register:
        return Register(connect(self.data / DATABASE_FILE), self.vault, actor="test", clock=self.clock)

    async def turn(self) -> None:
        """A whole turn of the core: what was written to the register is known."""
        self.clock.at += timedelta(seconds=2)
        for _ in range(2):
            await asyncio.wrap_future(self.core.command(lambda tx: None))

    def rows(self, query: str, *values: Any) -> list[Any]:
        connection = connect(self.data / DATABASE_FILE, read_only=True)
        try:
            return [tuple(row) for row in connection.execute(query, values)]
        finally:
            connection.close()

    async def close(self) -> None:
        await self.accounts.close()
        self.core.stop()
        self.series.stop()
        self.desk.close()


async def open_house(data: Path) -> House:
    clock, path = HandClock(), data / DATABASE_FILE
    vault = Vault.create(data / MASTER_KEY_FILE)
    staff = _populate(path, vault, clock)
    memory = Memory(Bench(load_policy("default")))

    def roster(store: Store, held: int | None) -> Any:
        if held is not None and read_version(store.connection) == held:
            return None
        return read_snapshot(store.connection, vault)

    core = Core(
        open_store=lambda: Store(connect(path), b"k" * 32),
        roster=roster,
        project=project,
        memory=memory,
        clock=clock,
        told=lambda told: None,
    )
    core.start()
    assert await asyncio.to_thread(core.wait_ready, 15)
    series = Series(data / "series.duckdb", path)
    desk = StoreDesk(path, core=core, memory=memory, series=series, clock=clock, linked=lambda: True, link_counts=dict)
    settings = WebSettings()
    accounts = SqliteAccounts(data, settings, clock)
    app = create_app(desk, accounts, settings, clock)
    house = House(data, clock, vault, core, desk, accounts, app, series, staff)
    await house.turn()
    return house


def _populate(path: Path, vault: Vault, clock: HandClock) -> dict[str, str]:
    connection = connect(path)
    migrate(connection)
    register = Register(connection, vault, actor="test", clock=clock)
    for n, ward in enumerate((WARD, OTHER), 1):
        register.wards.put(ward, NAMES[ward], "TP. Hồ Chí Minh")
        register.devices.add_gateway(GatewayId(f"g{n}"), [ward])
        register.devices.add_edge(EdgeId(f"home-{n}"), ward, gateway=GatewayId(f"g{n}"))
    mother = Contact("Trần Thị Bình", "0912 345 678", "mother")
    people = (
        ("p-an", NewPerson(WARD, "Nguyễn Văn An", "0901 234 567", "12 Nguyễn Huệ")),
        ("p-be", NewPerson(WARD, "Nguyễn Thị Bé", None, "12 Nguyễn Huệ", [mother])),
        ("p-xa", NewPerson(OTHER, "Võ Thành Xa")),
    )
    for n, (id_, person) in enumerate(people, 1):
        register.orders.add_person(person, id_)
        edge = EdgeId("home-2" if id_ == "p-xa" else "home-1")
        begins = NOON - timedelta(days=8)
        register.orders.add(
            id_, begins, NOON + timedelta(days=6), edge=edge, reason="close_contact", id_=OrderId(f"o-{n}")
        )
        register.devices.add_band(BandNumber(n))
        register.devices.assign(BandNumber(n), OrderId(f"o-{n}"))
    stored, found = Passwords().hash(PASSWORD), dict[str, str]()
    for login, (name, role, wards) in STAFF.items():
        found[login] = id_ = new_id("u")
        connection.execute(
            "INSERT INTO officers (id, login, name, role, phone, password_hash, created_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, 0)",
            (id_, login, name, role.value, "028 1234 5678", stored),
        )
        connection.executemany("INSERT INTO officer_wards VALUES (?, ?)", [(id_, ward) for ward in wards])
    connection.close()
    return found

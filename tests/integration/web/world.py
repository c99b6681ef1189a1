"""A small world over the real register, core, judge, desk and accounts: two wards, and one viewer of each sort.

What is `own` belongs to ward A and person p-1; what is `absent` looks alike and does not exist. A new sort of thing
gets its line in `World.ids`.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI

from ancu.models.clock import from_ms, to_ms
from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode
from ancu.server.adapters.series import Series
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.cases.inputs import SosTapped
from ancu.server.core import Core, Told, Transaction
from ancu.server.desk.fleet import FleetDesk
from ancu.server.desk.site import SiteDesk
from ancu.server.desk.site_base import Grounds
from ancu.server.desk.store import StoreDesk
from ancu.server.memory import Memory
from ancu.server.notify.office import Office
from ancu.server.people.orders import NewPerson, new_id
from ancu.server.people.passwords import Passwords
from ancu.server.people.register import DATABASE_FILE, Register
from ancu.server.people.sites import site_id
from ancu.server.people.snapshot import read_snapshot, read_version
from ancu.server.people.vault import MASTER_KEY_FILE, Vault
from ancu.server.policies import load_policy
from ancu.server.ports import Role
from ancu.server.ports.citizen import AskKind
from ancu.server.ports.exchange import AbsenceReason
from ancu.server.projection import STREAM, project
from ancu.server.seating import Bench
from ancu.server.web import office as web_office
from ancu.server.web import security
from ancu.server.web import site as web_site
from ancu.server.web.accounts import SignedIn
from ancu.server.web.accounts_sqlite import SqliteAccounts
from ancu.server.web.app import create_app
from ancu.server.web.oidc import Provider
from ancu.server.web.settings import WebSettings

T = TypeVar("T")
NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)  # 12:00 in Ho Chi Minh City
WARD_A, WARD_B = WardCode("phuong-giap"), WardCode("phuong-at")
PERSON_A, PERSON_B = "p-aaaaaaaaa1", "p-bbbbbbbbb2"
NAMES = ("Nguyễn Văn Giáp", "Trần Thị Ất")
POINT = (Encoding.X962, PublicFormat.UncompressedPoint)
REASON = "Cháy ở chung cư bên cạnh"
PUSH_HOST = "push.example"
HOST = "http://127.0.0.1:8080"
COOKIE = "ancu-8080"
PASSWORD = "k3v9-7hqm-x2tb"
OFFICERS: dict[str, tuple[Role, list[WardCode]]] = {
    "ward_a": (Role.OFFICER, [WARD_A]),
    "ward_b": (Role.OFFICER, [WARD_B]),
    "site": (Role.SITE, [WARD_A]),
    "health": (Role.HEALTH, [WARD_A]),
    "province": (Role.PROVINCE, []),
    "operator": (Role.OPERATOR, []),
}
CITIZENS = {"citizen": PERSON_A, "stranger": PERSON_B}  # under order in ward A, and in ward B
VIEWERS = ("anonymous", *CITIZENS, *OFFICERS)


class StillClock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


class CountingDesk(StoreDesk):
    """Counts the statements that an answer took: the work behind it, whatever the machine's speed."""

    work: list[str]
    _traced: bool = False

    def _on_reader(self, read: Callable[[sqlite3.Connection], T]) -> T:
        def noting(connection: sqlite3.Connection) -> T:
            if not self._traced:
                self._traced = True
                connection.set_trace_callback(self.work.append)
            return read(connection)

        return super()._on_reader(noting)


@dataclass
class World:
    """Everything started; `client` asks as one of VIEWERS."""

    data: Path
    app: FastAPI
    desk: CountingDesk
    accounts: SqliteAccounts
    core: Core
    clock: StillClock
    officers: Mapping[str, str]  # id by viewer
    work: list[str]
    closing: list[Callable[[], Any]]
    ids: dict[str, tuple[str, str]] = field(default_factory=dict)  # sort -> (own, absent)
    values: dict[str, str] = field(default_factory=dict)  # what a request carries and is no id
    sessions: dict[str, SignedIn] = field(default_factory=dict)
    _asked: int = 0

    async def session(self, viewer: str) -> SignedIn:
        """The viewer's session; a new one where the last was ended."""
        held = self.sessions.get(viewer)
        if held is None or await self.accounts.session(held.token, at=self.clock.now(), touch=False) is None:
            held = self.sessions[viewer] = await self._open(viewer)
        return held

    def open_with(self, viewer: str, token: str) -> None:
        """A session with a token that the test chose."""
        connection = connect(self.data / DATABASE_FILE)
        now, ends = to_ms(self.clock.now()), to_ms(self.clock.now() + timedelta(days=1))
        whose = (self.officers.get(viewer), CITIZENS.get(viewer))
        row = (hashlib.sha256(token.encode()).digest(), *whose, now, now, ends)
        connection.execute("INSERT INTO web_sessions VALUES (?, ?, ?, ?, ?, ?)", row)
        connection.close()

    async def _open(self, viewer: str) -> SignedIn:
        at, ends = self.clock.now(), self.clock.now() + timedelta(hours=12)
        if viewer in CITIZENS:
            return await self.accounts.open_person(CITIZENS[viewer], at=at, ends=ends)
        return await self.accounts.open_officer(self.officers[viewer], at=at)

    async def ask(
        self,
        viewer: str,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        """One request with everything that its kind needs: a session, a form's token, an idempotency key."""
        self._asked += 1
        key = f"k{self._asked}"
        headers, cookies, more = {"Accept": "text/html"}, {}, dict[str, Any]()
        signed_in = None if viewer == "anonymous" else await self.session(viewer)
        api = path.startswith("/api/")
        if api:
            headers = {"Accept": "application/json", "Idempotency-Key": key}
            if signed_in:
                headers["Authorization"] = f"Bearer {signed_in.token}"
        elif signed_in:
            cookies[COOKIE] = signed_in.token
        if method != "GET":
            form = {"csrf": signed_in.session.csrf if signed_in else "", "key": key, **(body or {})}
            more = {"json": dict(body or {})} if api else {"data": form}
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url=HOST, headers=headers, cookies=cookies) as client:
            self.work.clear()
            return await client.request(method, path, params=query, **more)

    async def do(self, run: Callable[[Transaction], T]) -> T:
        return await asyncio.wrap_future(self.core.command(run))

    async def raise_sos(self, person: str) -> str:
        """An alert's id."""

        def tap(tx: Transaction) -> str:
            records = tx.memory.feed(SosTapped(from_ms(tx.now_ms), person))
            tx.records += records
            return next(record.subject for record in records if record.stream == STREAM)

        return await self.do(tap)

    async def close(self) -> None:
        await self.accounts.close()
        for close in self.closing:
            close()


async def make_world(
    data: Path,
    desk_of: type[CountingDesk] = CountingDesk,
    settings: Mapping[str, Any] | None = None,
    provider: Provider | None = None,
) -> World:
    """Start it in an empty folder; `close` ends it. `desk_of`: a desk that is wrong somewhere, to see that it shows."""
    clock, path = StillClock(), data / DATABASE_FILE
    vault = Vault.create(data / MASTER_KEY_FILE)
    officers = _populate(data, vault, clock)
    desks: list[CountingDesk] = []
    loop = asyncio.get_running_loop()

    def told(what: Told) -> None:
        if what.records and desks:
            loop.call_soon_threadsafe(desks[0].told, what.records[-1].position)

    memory, work = Memory(Bench(load_policy("default"))), list[str]()

    def open_store() -> Store:
        connection = connect(path)
        connection.set_trace_callback(work.append)
        return Store(connection, b"k" * 32)

    def roster(store: Store, held: int | None) -> Any:
        if held is not None and read_version(store.connection) == held:
            return None
        return read_snapshot(store.connection, vault)

    core = Core(open_store=open_store, roster=roster, project=project, memory=memory, clock=clock, told=told)
    core.start()
    assert await asyncio.to_thread(core.wait_ready, 10)
    series = Series(data / "series.duckdb", path)
    desk = desk_of(path, core=core, memory=memory, series=series, clock=clock, linked=lambda: True, link_counts=dict)
    desk.work = work
    desks.append(desk)
    web = WebSettings(**{"beat_s": 0.2, **(settings or {})})
    accounts = SqliteAccounts(data, web, clock)
    app = create_app(desk, accounts, web, clock)
    security.install(app, accounts, provider)
    web_office.install(app, Office(path, core, clock, (PUSH_HOST,), "no-key-but-present"))
    grounds = Grounds(path, core, memory, clock)
    web_site.install(app, FleetDesk(grounds), SiteDesk(grounds))
    closing = [core.stop, series.stop, desk.close, grounds.close]
    world = World(data, app, desk, accounts, core, clock, officers, work, closing)
    await _furnish(world)
    return world


def _populate(data: Path, vault: Vault, clock: StillClock) -> dict[str, str]:
    connection = connect(data / DATABASE_FILE)
    migrate(connection)
    register = Register(connection, vault, actor="test", clock=clock)
    for n, ward, person in ((1, WARD_A, PERSON_A), (2, WARD_B, PERSON_B)):
        gateway, edge, site = GatewayId(f"gate-of-{ward}"), EdgeId(f"edge-of-{ward}"), EdgeId(f"site-of-{ward}")
        order = OrderId(f"o-of-{person}")
        register.wards.put(ward, f"Phường {n}", "79")
        register.devices.add_gateway(gateway, [ward])
        register.devices.add_edge(edge, ward, gateway=gateway)
        register.devices.add_edge(site, ward, gateway=gateway, site=f"Khu {n}")
        register.devices.add_camera(site, f"cam-of-{ward}", f"Cổng {n}")
        register.orders.add_person(NewPerson(ward, NAMES[n - 1]), person)
        starts, until = NOON - timedelta(days=8), NOON + timedelta(days=6)
        register.orders.add(person, starts, until, edge=edge, id_=order)
        register.devices.add_band(BandNumber(n))
        register.devices.assign(BandNumber(n), order)
    register.devices.add_band(BandNumber(3))  # nobody's yet
    stored = Passwords().hash(PASSWORD)
    found = {}
    for login, (role, wards) in OFFICERS.items():
        found[login] = id_ = new_id("u")
        connection.execute(
            "INSERT INTO officers (id, login, name, role, password_hash, created_ms) VALUES (?, ?, ?, ?, ?, 0)",
            (id_, login, login.title(), role.value, stored),
        )
        connection.executemany("INSERT INTO officer_wards VALUES (?, ?)", [(id_, ward) for ward in wards])
    connection.close()
    return found


async def _furnish(world: World) -> None:
    """One of each sort of thing in ward A, made as its owner makes it."""
    desk, clock = world.desk, world.clock
    officer = (await world.session("ward_a")).session.viewer
    until = clock.now() + timedelta(hours=2)
    absence = await desk.grant_absence(
        officer, PERSON_A, starts_at=clock.now() + timedelta(hours=1), until=until, reason=AbsenceReason.TEST, key="k-a"
    )
    checkin = await desk.ask_checkin(officer, PERSON_A, key="k-c")
    citizen = (await world.session("citizen")).session.viewer
    ask = await desk.ask(citizen, PERSON_A, AskKind.DISPUTE, about="other", note="x", key="k-y")
    result = await desk.add_result(officer, PERSON_A, "negative", clock.now() - timedelta(hours=1), key="k-r")
    office: Office = world.app.state.office
    handover = await office.draw_handover(officer, WARD_A, world.officers["site"], key="k-h")
    point = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(*POINT)
    health = world.officers["health"]
    await world.accounts.ask(lambda o: o.factors.add_passkey(health, b"k" * 16, b"", 0, "x"), by=health)
    opening = await world.accounts.ask(
        lambda o: o.glass.break_for(health, WARD_B, "Cháy ở chung cư bên cạnh"), by=health
    )
    await world.accounts.ask(lambda o: o.glass.close(health, opening), by=health)
    world.values |= {
        "ward_b": WARD_B,
        "to": f"{WARD_A}|{world.officers['site']}",
        "hash": handover.hash,
        "colleague": world.officers["site"],
        "spare": "wb-00000003",
        "p256dh": urlsafe_b64encode(point).rstrip(b"=").decode(),
        "auth": urlsafe_b64encode(bytes(16)).rstrip(b"=").decode(),
    }
    world.ids |= {
        "alert": (await world.raise_sos(PERSON_A), "o6oiyar4oklehdox"),
        "person": (PERSON_A, "p-ccccccccc3"),
        "ward": (WARD_A, "phuong-binh"),
        "order": (f"o-of-{PERSON_A}", "o-of-p-ccccccccc3"),
        "band": ("wb-00000001", "wb-00000009"),
        "edge": (f"edge-of-{WARD_A}", "edge-of-phuong-binh"),
        "gateway": (f"gate-of-{WARD_A}", "gate-of-phuong-binh"),
        "site": (f"site-of-{WARD_A}", "site-of-phuong-binh"),
        "camera": (f"cam-of-{WARD_A}", "cam-of-phuong-binh"),
        "device": ("band/wb-00000001", "band/wb-00000009"),
        "place": (site_id(WARD_A, "Khu 1"), "s-0123456789"),
        "wall": (await _wall(world), "w-cccccccccc"),
        "absence": (absence.id, "a-cccccccccc"),
        "checkin": (checkin.id, "c-cccccccccc"),
        "result": (result.id, "t-cccccccccc"),
        "handover": (handover.id, "h-cccccccccc"),
        "sheet": ("call", "call"),
        "label": ("default@1", "default@1"),
        "kind": ("sos", "sos"),
        "channel": ("sms", "sms"),
        "act": ("acknowledge", "acknowledge"),
        "passkey": ((b"k" * 16).hex(), (b"l" * 16).hex()),
        "opening": (opening, "b-cccccccccc"),
        "ask": (ask.id, "y-cccccccccc"),
        "kit": ("kit-of-nobody", "kit-of-noone"),
        "receipt": (await world.do(_receipt), "x-cccccccccc"),
        "message": (await world.do(lambda tx: _message(tx, world.officers["ward_a"])), "m-cccccccccc"),
    }


def _receipt(tx: Transaction) -> str:
    """Of somebody whose data was erased."""
    id_ = new_id("x")
    tx.store.connection.execute("INSERT INTO erasures VALUES (?, ?, 'person', '{\"asks\": 1}')", (id_, tx.now_ms))
    return id_


async def _wall(world: World) -> str:
    """A screen on the wall of ward A's site, and a picture of its camera."""
    sites: SiteDesk = world.app.state.sites
    officer = (await world.session("site")).session.viewer
    await sites.hang_wall(officer, site_id(WARD_A, "Khu 1"), "gate")
    await world.do(
        lambda tx: tx.store.connection.execute(
            "INSERT INTO camera_stills (edge, camera, asked_ms, asked_by, ask, taken_ms, picture)"
            " VALUES (?, ?, ?, ?, 'a', ?, x'ffd8')",
            (f"site-of-{WARD_A}", f"cam-of-{WARD_A}", tx.now_ms, officer.id, tx.now_ms),
        )
    )
    [wall] = await sites.walls(officer, site_id(WARD_A, "Khu 1"))
    return wall.id


def _message(tx: Transaction, officer: str) -> str:
    """A push message on its way to an officer."""
    db, id_ = tx.store.connection, new_id("m")
    db.execute("INSERT INTO notify_pages VALUES (?, ?, 0, ?)", (f"page-{id_}", officer, tx.now_ms))
    db.execute(
        "INSERT INTO notify_deliveries (id, page, channel, address, state) VALUES (?, ?, 'push', 'x', 'sent')",
        (id_, f"page-{id_}"),
    )
    return id_

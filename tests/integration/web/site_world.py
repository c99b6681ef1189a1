"""A ward with a home and a quarantine site over the real register, core, judge, desks, accounts and commander.

The boxes speak sealed batches and read sealed commands; only the broker between is left out.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from ancu.edge.commanded import Commanded
from ancu.models.clock import SystemClock, to_ms
from ancu.models.commands import BANDS, SetBands, SetZones, TakeStill, bands_mark, zones_of
from ancu.models.frame import Reading, Status, frame_cipher, seal_frame
from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode, partition_of
from ancu.models.keys import derive_edge_keys
from ancu.models.topics import Lane, Upstream
from ancu.models.wire import (
    BatchHeader,
    CameraStill,
    EdgeHeartbeat,
    Fact,
    Heard,
    JournalHealth,
    RadioHealth,
    Relay,
    Relayed,
    encode_relay,
    pack_record,
    seal_batch,
)
from ancu.server.adapters.series import Series
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.commanding import Commander, Outgoing
from ancu.server.core import Core, Told
from ancu.server.desk.fleet import FleetDesk
from ancu.server.desk.site import SiteDesk
from ancu.server.desk.site_base import Grounds
from ancu.server.desk.store import StoreDesk
from ancu.server.memory import Memory
from ancu.server.people.orders import NewPerson, new_id
from ancu.server.people.passwords import Passwords
from ancu.server.people.register import DATABASE_FILE, Register
from ancu.server.people.sites import site_id
from ancu.server.people.sites_seen import note_taken
from ancu.server.people.snapshot import read_snapshot, read_version
from ancu.server.people.vault import MASTER_KEY_FILE, Vault
from ancu.server.policies import load_policy
from ancu.server.ports import Role
from ancu.server.projection import project
from ancu.server.seating import Bench
from ancu.server.web import site as web_site
from ancu.server.web.accounts import SignedIn
from ancu.server.web.accounts_sqlite import SqliteAccounts
from ancu.server.web.app import create_app
from ancu.server.web.settings import WebSettings

WARD, OTHER = WardCode("ben-nghe"), WardCode("da-kao")
SITE = site_id(WARD, "Khu A")
HOME, BOX, GATEWAY = EdgeId("home-001"), EdgeId("site-001"), GatewayId("gw-1")
PEOPLE = {  # person -> (name, edge, band)
    "p-an": ("Nguyễn Văn An", HOME, 1),
    "p-ba": ("Trần Văn Ba", BOX, 2),
    "p-cam": ("Lê Thị Cam", BOX, 3),
    "p-xa": ("Võ Thành Xa", EdgeId("home-900"), 9),
}
SPARES = (42, 43)
STAFF = {
    "lan": (Role.OFFICER, [WARD]),
    "hoa": (Role.OFFICER, [WARD]),
    "bao": (Role.SITE, [WARD]),
    "xuan": (Role.OFFICER, [OTHER]),
    "tinh": (Role.PROVINCE, []),
}


@dataclass
class Box:
    """An edge: what it knows, and its own end of the wire."""

    edge: EdgeId
    keys: Any
    commanded: Commanded
    deliver: Callable[[Upstream, bytes], bool]
    bands: dict[BandNumber, bytes] = field(default_factory=dict)
    zones: SetZones | None = None
    stills: list[str] = field(default_factory=list)
    hears: bool = True
    _next: int = 1
    _epoch: int = field(default_factory=lambda: int.from_bytes(os.urandom(6), "big"))

    def __post_init__(self) -> None:
        self.commanded.on(SetBands, self._set_bands)
        self.commanded.on(SetZones, self._set_zones)
        self.commanded.on(TakeStill, lambda still: self.stills.append(still.ask))

    def take(self, body: bytes) -> None:
        if self.hears and self.commanded.take(body):
            self.beat()

    def beat(self) -> None:
        applied = {BANDS: bands_mark(self.bands)}
        if self.edge == BOX:
            applied[zones_of("cam-a")] = self.zones.version if self.zones else 0
        now_ms = to_ms(SystemClock().now())
        self.say(
            Lane.STATE,
            EdgeHeartbeat(
                now_ms,
                10,
                60,
                True,
                True,
                RadioHealth(True, 9, 0),
                JournalHealth(0, 0, 0, 0),
                (),
                "1.2.3",
                applied=applied,
            ),
        )

    def say(self, lane: Lane, *records: Heard | Fact) -> None:
        """Through a gateway, as a sealed batch; the state lane alone, for its sequence is kept here."""
        assert lane is Lane.STATE
        header = BatchHeader(self.edge, lane, self._epoch, 1, self._next, len(records), to_ms(SystemClock().now()))
        self._next += len(records)
        body = seal_batch(header, [pack_record(record) for record in records], self.keys.up)
        item = Relayed(WARD, self.edge, lane, header.sent_ms, body)
        topic = Upstream(partition_of(self.edge), GATEWAY)
        assert self.deliver(topic, encode_relay(Relay(GATEWAY, header.sent_ms, (item,))))

    def _set_bands(self, command: SetBands) -> None:
        self.bands = {BandNumber(number): key for number, key in command.bands.items()}

    def _set_zones(self, command: SetZones) -> None:
        self.zones = command


@dataclass
class SiteWorld:
    data: Path
    app: FastAPI
    core: Core
    desk: StoreDesk
    accounts: SqliteAccounts
    grounds: Grounds
    fleet: FleetDesk
    sites: SiteDesk
    boxes: dict[EdgeId, Box]
    vault: Vault
    officers: dict[str, str]
    sent: list[Outgoing]
    tasks: list[asyncio.Task[Any]]
    series: Series

    async def session(self, login: str) -> SignedIn:
        return await self.accounts.open_officer(self.officers[login], at=SystemClock().now())

    def hear(
        self,
        edge: EdgeId,
        band: int,
        *,
        battery: int = 80,
        rssi: int = -60,
        status: Status = Status.SKIN | Status.MOTION,
    ) -> None:
        """A band's frame under the order that it serves now, through a box."""
        register = self.grounds.directory().register
        keys = register.bands[BandNumber(band)].keys
        assert keys is not None
        now = SystemClock().now()
        address = bytes([0x40]) + os.urandom(5)
        reading = Reading(battery, False, 341, 72, 98, status, 0)
        body = seal_frame(reading, frame_cipher(keys.frame), address, int(now.timestamp()))
        self.boxes[edge].say(Lane.STATE, Heard(to_ms(now), BandNumber(band), address, rssi, 1, body))

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.accounts.close()
        await asyncio.to_thread(self.core.stop)
        self.series.stop()
        self.desk.close()
        self.grounds.close()


async def until(what: Callable[[], Any], seconds: float = 40) -> Any:
    """Wait until it is so."""
    async with asyncio.timeout(seconds):
        while True:
            found = what()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.05)


async def make_site_world(data: Path) -> SiteWorld:
    clock, path = SystemClock(), data / DATABASE_FILE
    vault = Vault.create(data / MASTER_KEY_FILE)
    officers, edge_keys = _populate(path, vault)
    memory = Memory(Bench(load_policy("default")))
    loop = asyncio.get_running_loop()
    desks: list[StoreDesk] = []

    def roster(store: Store, held: int | None) -> Any:
        if held is not None and read_version(store.connection) == held:
            return None
        return read_snapshot(store.connection, vault)

    def told(what: Told) -> None:
        if what.records and desks:
            loop.call_soon_threadsafe(desks[0].told, what.records[-1].position)

    core = Core(
        open_store=lambda: Store(connect(path), b"k" * 32),
        roster=roster,
        project=project,
        note=note_taken,
        memory=memory,
        clock=clock,
        told=told,
    )
    core.start()
    assert await asyncio.to_thread(core.wait_ready, 15)
    series = Series(data / "series.duckdb", path)
    desk = StoreDesk(path, core=core, memory=memory, series=series, clock=clock, linked=lambda: True, link_counts=dict)
    desks.append(desk)
    settings = WebSettings(beat_s=0.5)
    accounts = SqliteAccounts(data, settings, clock)
    grounds = Grounds(path, core, memory, clock)
    sent: list[Outgoing] = []
    boxes: dict[EdgeId, Box] = {}

    def send(outgoing: Outgoing) -> None:
        sent.append(outgoing)
        if outgoing.edge in boxes:
            boxes[outgoing.edge].take(outgoing.body)

    commander = Commander(core.command, send)
    for edge, key in edge_keys.items():
        keys = derive_edge_keys(key)
        boxes[edge] = Box(edge, keys, Commanded(edge, keys, data / f"{edge}.commanded"), core.deliver)
    app = create_app(desk, accounts, settings, clock)
    fleet, sites = FleetDesk(grounds), SiteDesk(grounds, commander)
    web_site.install(app, fleet, sites)
    world = SiteWorld(
        data, app, core, desk, accounts, grounds, fleet, sites, boxes, vault, officers, sent,
        [asyncio.create_task(commander.run())], series,
    )  # fmt: skip
    for box in boxes.values():
        box.beat()
    await until(lambda: all(memory.latest.edge(edge) for edge in boxes))
    return world


def still_of(box: Box, jpeg: bytes = b"", refused: Any = "") -> CameraStill:
    """The answer to the last ask of a box."""
    return CameraStill(to_ms(SystemClock().now()), "cam-a", box.stills[-1], refused, 64, 36, jpeg)


def _populate(path: Path, vault: Vault) -> tuple[dict[str, str], dict[EdgeId, bytes]]:
    connection = connect(path)
    migrate(connection)
    register = Register(connection, vault, actor="test")
    register.wards.put(WARD, "Phường Bến Nghé", "TP. Hồ Chí Minh")
    register.wards.put(OTHER, "Phường Đa Kao", "TP. Hồ Chí Minh")
    register.devices.add_gateway(GATEWAY, [WARD, OTHER])
    keys = {
        HOME: register.devices.add_edge(HOME, WARD, gateway=GATEWAY),
        BOX: register.devices.add_edge(BOX, WARD, gateway=GATEWAY, site="Khu A"),
    }
    register.devices.add_edge(EdgeId("home-900"), OTHER, gateway=GATEWAY)
    register.devices.add_camera(BOX, "cam-a", "Cổng A", "gate")
    now = SystemClock().now()
    for person, (name, edge, band) in PEOPLE.items():
        ward = OTHER if person == "p-xa" else WARD
        register.orders.add_person(NewPerson(ward, name), person)
        order = OrderId(f"o-{person[2:]}")
        register.orders.add(person, now - timedelta(days=2), now + timedelta(days=12), edge=edge, id_=order)
        register.devices.add_band(BandNumber(band))
        register.devices.assign(BandNumber(band), order)
    for band in SPARES:
        register.devices.add_band(BandNumber(band))
    stored = Passwords().hash("not-typed-here")
    officers = {}
    for login, (role, wards) in STAFF.items():
        officers[login] = new_id("u")
        connection.execute(
            "INSERT INTO officers (id, login, name, role, password_hash, created_ms) VALUES (?, ?, ?, ?, ?, 0)",
            (officers[login], login, login.title(), role.value, stored),
        )
        connection.executemany("INSERT INTO officer_wards VALUES (?, ?)", [(officers[login], ward) for ward in wards])
    connection.close()
    return officers, keys

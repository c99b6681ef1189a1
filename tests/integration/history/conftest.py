"""One home: a band in the virtual air, a real agent with bleak over HCI on TCP, and a real core over a file."""

from __future__ import annotations

import asyncio
import contextlib
import queue
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ancu.edge.adapters.bleak_links import BleakLinks
from ancu.edge.adapters.bleak_radio import BleakRadio
from ancu.edge.agent import Agent
from ancu.edge.calibration_file import Walked
from ancu.edge.commanded import COMMANDED_FILE, Commanded
from ancu.edge.config import BandsWatch, EdgeSettings, RadioSettings
from ancu.edge.journal import Journal
from ancu.edge.ports import Conversation, Host, Uplink
from ancu.edge.recorder import Recorder
from ancu.edge.sender import Sender
from ancu.edge.updating import Updates
from ancu.firmware_sim.flash import FlashFile
from ancu.firmware_sim.log import Flash, Stored
from ancu.firmware_sim.truth import Truth
from ancu.firmware_sim.unit import Unit
from ancu.firmware_sim.world import BandSpec, HomeSpec, World
from ancu.models.address import parse_address
from ancu.models.clock import Clock, SystemClock, to_ms
from ancu.models.config import write_secret
from ancu.models.frame import Status
from ancu.models.history import Clocked, Vitals
from ancu.models.link import is_link_address, link_keys
from ancu.models.mqtt import BrokerSettings
from ancu.models.topics import Lane
from ancu.models.wire import Confirmation, Relayed, encode_confirm
from ancu.server.adapters import sqlite
from ancu.server.adapters.series import Series
from ancu.server.adapters.store import Store
from ancu.server.bench.fleet import Home, fleet, register_of, relay_of
from ancu.server.commanding import Commander, Outgoing
from ancu.server.core import Core, Told
from ancu.server.history.receipts import Receipts
from ancu.server.ingest.columns import Flag, reading_rows
from ancu.server.memory import Memory
from ancu.server.people.records import Snapshot
from ancu.server.policies import load_policy
from ancu.server.projection import project
from ancu.server.seating import Bench

BACKEND = entry_points(group="ancu.bleak_backends")["virtual"].load()
KEY = b"k" * 32
INTERVAL_S = 0.2


class StillHost(Host):
    def mains(self) -> bool:
        return True

    def clock_synced(self) -> bool:
        return True


class Wire(Uplink, Conversation):
    """Between an edge and a core without a broker: batches down, confirms and commands up; can lose and spoil."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.core: Core | None = None
        self.connected = True
        self._bodies: asyncio.Queue[bytes] = asyncio.Queue()

    async def run(self, converse: Callable[[Conversation], Awaitable[None]]) -> None:
        await converse(self)

    async def publish(self, lane: Lane, body: bytes) -> None:
        if self.core is not None:
            item = Relayed(self.home.ward, self.home.edge, lane, 0, body)
            self.core.deliver(*relay_of([item], self.home.gateway))
        await asyncio.sleep(0)

    async def confirms(self) -> AsyncIterator[bytes]:
        while True:
            yield await self._bodies.get()

    def confirm(self, confirmation: Confirmation) -> None:
        self._bodies.put_nowait(encode_confirm(confirmation, self.home.keys.down))

    def command(self, outgoing: Outgoing) -> None:
        if self.commanded is not None:
            self.commanded(outgoing.body)


@dataclass
class Server:
    """A core, its series, and what it sends back."""

    data: Path
    home: Home
    wire: Wire
    register: Snapshot
    policy: str = "default"
    told: queue.Queue[Told] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.memory = Memory(Bench(load_policy(self.policy)))
        self.core = Core(
            open_store=lambda: Store(self.connect(), KEY),
            roster=lambda _, held: None if held == self.register.version else self.register,
            project=project,
            memory=self.memory,
            clock=SystemClock(),
            told=lambda told: self.loop.call_soon_threadsafe(self._tell, told),
        )
        sqlite.migrate(self.connect())
        self.series = Series(self.data / "series.duckdb", self.data / "ancu.db")
        self.commander = Commander(self.core.command, self.wire.command)
        self.receipts = Receipts(self.commander.tell)
        self.wire.core = self.core
        self.core.start()
        self.tasks = [asyncio.ensure_future(self.receipts.run()), asyncio.ensure_future(self.commander.run())]

    def connect(self) -> Any:
        return sqlite.connect(self.data / "ancu.db")

    def _tell(self, told: Told) -> None:
        for confirmation in told.confirms:
            self.wire.confirm(confirmation)
        self.receipts.note(told.receipts)

    def rows(self, query: str, *values: Any) -> list[Any]:
        connection = sqlite.connect(self.data / "ancu.db", read_only=True)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def history(self) -> list[dict[str, int]]:
        """Readings of the log that the inbox holds, in order of arrival."""
        return [
            {name: int(reading[name]) for name in reading.dtype.names}
            for row in self.rows("SELECT readings FROM inbox ORDER BY position")
            for reading in reading_rows(row["readings"])
            if reading["flags"] & Flag.HISTORY
        ]

    def upto(self) -> int:
        rows = self.rows("SELECT upto FROM history_held")
        return rows[0]["upto"] if rows else 0

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await asyncio.to_thread(self.core.stop)
        self.series.stop()


class CutterFlash(Flash):
    """A page whose band loses its connection while it reads certain records."""

    def __init__(self, page: Flash, cut: Callable[[], None]) -> None:
        self.cuts: set[int] = set()
        self.made = 0
        self._page, self._cut = page, cut

    def read(self) -> Stored:
        return self._page.read()

    def write(self, stored: Stored) -> None:
        self._page.write(stored)

    def put(self, sequence: int, record: bytes) -> None:
        self._page.put(sequence, record)

    def slot(self, sequence: int) -> bytes | None:
        if sequence in self.cuts:
            self.cuts.remove(sequence)
            self.made += 1
            asyncio.get_running_loop().call_soon(self._cut)
        return self._page.slot(sequence)


class Place:
    """What a test has to hand. Everything may be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (self.home,) = fleet(1)
        self.band = self.home.bands[0]
        self.register = register_of([self.home])
        self.wire = Wire(self.home)
        self.port = 0
        self.world: World | None = None
        self.server: Server | None = None
        self.agent: Agent | None = None
        self._flash: FlashFile | None = None
        self._boots = 100
        self.policy = "default"
        self.update_key = Ed25519PrivateKey.generate()
        self._running: asyncio.Task[None] | None = None

    @property
    def unit(self) -> Unit:
        assert self.world is not None
        return self.world.unit(self.band.number)

    async def put_band(self, page_of: Callable[[Flash], Flash] = lambda page: page, *, extended_every: int = 0) -> None:
        """Let the band live, over the flash of its earlier lives."""
        self._flash = FlashFile(self.folder / "flash")
        number = self.band.number
        page, bonds = page_of(self._flash.page(number)), self._flash.bonds(number)
        spec = BandSpec(number, self.band.keys, page, bonds, self.update_key.public_key())
        homes = (HomeSpec("home", (spec,), self.port, gatt=True),)
        self.world = World(
            homes, SystemClock(), Truth(None), seed=1, interval_s=INTERVAL_S, loss=0.0, extended_every=extended_every
        )
        await self.world.start()
        self.port = self.world.ports()["home"]

    async def take_band(self) -> None:
        if self.world is not None and self._flash is not None:
            await self.world.stop()
            self._flash.close()
        self.world = None

    def start_server(self) -> Server:
        self.server = Server(self.folder, self.home, self.wire, self.register, self.policy)
        return self.server

    async def start_edge(
        self,
        *,
        visit_s: float = 0.5,
        updates: Updates | None = None,
        extended: bool = True,
        walked: Walked | None = None,
        clock: Clock | None = None,
    ) -> Agent:
        data = self.folder / "edge"
        write_secret(
            self.folder / "bands.toml",
            f'[[bands]]\nnumber = {self.band.number}\nidentity_key = "{self.band.keys.identity.hex()}"\n'.encode(),
        )
        where = f"tcp-client:127.0.0.1:{self.port} bonds={self.folder / 'edge.bonds'}"
        here = self.folder
        settings = EdgeSettings(
            edge=self.home.edge,
            ward=self.home.ward,
            data=data,
            key_file=here / "edge.key",
            broker=BrokerSettings(host="", port=1, ca_file=here, cert_file=here, key_file=here),
            bands_file=self.folder / "bands.toml",
            radio=RadioSettings(backend="virtual", adapter=where, report_s=0.5, visit_s=visit_s, extended=extended),
            heartbeat_s=1.0,
        )
        recorder = Recorder(Journal(data / "journal.db", cap_records=10_000))
        clock = clock or SystemClock()
        self.agent = Agent(
            settings,
            bands=BandsWatch(settings.bands_file) if settings.bands_file else None,
            recorder=recorder,
            sender=Sender(self.home.edge, self.home.keys, recorder, clock),
            uplink=self.wire,
            radio=BleakRadio("virtual", where),
            host=StillHost(),
            clock=clock,
            commanded=Commanded(self.home.edge, self.home.keys, data / COMMANDED_FILE),
            links=BleakLinks("virtual", where),
            walked=walked,
            updates=updates,
        )
        self._running = asyncio.ensure_future(self.agent.run())
        return self.agent

    async def stop_edge(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
        self._running = None

    async def stop(self) -> None:
        await self.stop_edge()
        await self.take_band()
        if self.server is not None:
            await self.server.stop()

    def record(self, minutes: int, *, synced: bool = True) -> int:
        """Let the band have recorded the last minutes, in a boot of its own; returns when that began, unix seconds."""
        band = self.unit.band
        assert band is not None
        self._boots += 1
        began_s = ago(minutes=minutes + 1) // 1000
        if synced:
            band.log.append(self._boots, 0, Clocked(began_s))
        for minute in range(minutes):
            vitals = Vitals(60 + minute % 40, 97, 361, 80, Status.SKIN, tamper=False)
            band.log.append(self._boots, 60 * (minute + 1), vitals)
        return began_s


async def connect(place: Place, *, bonds: str = "") -> BleakClient:
    """A peer of its own, as a neighbour's telephone or another box would be."""
    where = f"tcp-client:127.0.0.1:{place.port}" + (f" bonds={bonds}" if bonds else "")
    keys = link_keys(place.band.keys.identity)
    found: asyncio.Queue[Any] = asyncio.Queue()

    def heard(device: Any, _: Any) -> None:
        if is_link_address(keys, parse_address(device.address)):
            found.put_nowait(device)

    async with BleakScanner(heard, backend=BACKEND.scanner, **BACKEND.scanner_kwargs(where)), asyncio.timeout(10):
        device = await found.get()
        client = BleakClient(device, timeout=5, backend=BACKEND.client, **BACKEND.client_kwargs(where))
        await client.connect()
        return client


async def until(what: Callable[[], Any], *, within_s: float = 45.0) -> None:
    async with asyncio.timeout(within_s):
        while not what():  # noqa: ASYNC110 - what is waited for is another thread's
            await asyncio.sleep(0.02)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    yield made
    await made.stop()


def ago(**how_long: float) -> int:
    return to_ms(SystemClock().now() - timedelta(**how_long))

"""A real broker with mutual TLS, a small server that confirms, a radio that hears what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from ancu.edge.adapters.mqtt import MqttUplink
from ancu.edge.agent import VERSION, Agent
from ancu.edge.commanded import COMMANDED_FILE, Commanded
from ancu.edge.config import BandsWatch, EdgeSettings, JournalSettings, RadioSettings
from ancu.edge.journal import Journal
from ancu.edge.ports import Advert, Host, Radio, RadioLost
from ancu.edge.recorder import Recorder
from ancu.edge.sender import Sender
from ancu.gateway.app import Gateway
from ancu.gateway.app import build as build_gateway
from ancu.gateway.config import GatewaySettings
from ancu.models import topics
from ancu.models.address import make_address
from ancu.models.clock import SystemClock
from ancu.models.config import write_secret
from ancu.models.frame import Reading, Status, frame_cipher, seal_frame
from ancu.models.ids import BandNumber, EdgeId, WardCode
from ancu.models.keys import EdgeKeys, derive_edge_keys
from ancu.models.mqtt import BrokerSettings, Link, publish, subscribe
from ancu.models.topics import Lane
from ancu.models.wire import Confirmation, Relay, Relayed, decode_relay, encode_confirm, open_batch
from ancu.server.adapters.broker import Broker
from ancu.server.adapters.nats_config import NatsSettings
from ancu.server.adapters.pki import Authority

WARD = WardCode("ward-1")
EDGE = EdgeId("edge-1")
EDGE_KEY = bytes(range(32))
IDENTITY = bytes(range(16))
BAND = BandNumber(7)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class FakeRadio(Radio):
    """Hears what a test says; can be lost."""

    def __init__(self) -> None:
        self.lost = False
        self.starts = 0
        self._hear: Callable[[Advert], None] | None = None
        self._counter = 1_800_000_000

    async def start(self, hear: Callable[[Advert], None], lost: Callable[[], None]) -> None:
        if self.lost:
            raise RadioLost("unplugged")
        self.starts += 1
        self._hear = hear

    async def stop(self) -> None:
        self._hear = None

    def advert(self, *, urgent: bool = False) -> bytes:
        """One new frame of the band; returns its body."""
        self._counter += 1
        address = make_address(IDENTITY, 5)
        reading = Reading(
            80, tamper=False, skin_deci_c=340, heart_bpm=70, spo2_percent=97, status=Status.SKIN, history_head=0
        )
        body = seal_frame(reading, frame_cipher(bytes(16)), address, self._counter, urgent=urgent)
        self.adverts += 1
        if self._hear is not None:
            self._hear(Advert(address, -60, body))
        return body


class StillHost(Host):
    def mains(self) -> bool:
        return True

    def clock_synced(self) -> bool:
        return True


@dataclass
class LittleServer:
    """Receives, dedupes by sequence and confirms, as the server does; can be made deaf or mute."""

    broker: BrokerSettings
    keys: dict[EdgeId, EdgeKeys]
    mute: bool = False  # takes in, does not confirm
    records: dict[tuple[EdgeId, int, Lane], dict[int, object]] = field(default_factory=lambda: defaultdict(dict))
    relays: list[Relay] = field(default_factory=list)
    gaps: int = 0
    _client: aiomqtt.Client | None = None

    async def run(self) -> None:
        await Link(self.broker, f"server-{os.urandom(4).hex()}").run(self._session)

    async def _session(self, client: aiomqtt.Client) -> None:
        await subscribe(client, [topics.ALL_UPSTREAM])
        self._client = client
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            relay = decode_relay(message.payload)
            self.relays.append(relay)
            for item in relay.items:
                await self._take(client, item)

    async def _take(self, client: aiomqtt.Client, item: Relayed) -> None:
        keys = self.keys[item.edge]
        batch = open_batch(item.body, keys.up)
        header = batch.header
        held = self.records[header.edge, header.epoch, header.lane]
        upto = max(held, default=0)
        if header.first <= upto + 1 or header.base > upto + 1:
            self.gaps += header.base > upto + 1
            rows = [(offset, heard.body) for offset, heard in batch.heard_records()] + list(batch.facts)
            for offset, record in rows:
                if header.first + offset > upto:
                    held[header.first + offset] = record
        if not self.mute:
            confirm = Confirmation(header.edge, header.lane, header.epoch, max(held, default=0))
            await publish(client, topics.confirm(item.ward, item.edge), encode_confirm(confirm, keys.down))

    def bodies(self) -> list[bytes]:
        return [record for held in self.records.values() for record in held.values() if isinstance(record, bytes)]

    def facts(self) -> list[object]:
        return [record for held in self.records.values() for record in held.values() if not isinstance(record, bytes)]


@dataclass
class House:
    """What a test has to hand."""

    folder: Path
    port: int
    broker_of: Callable[[str], BrokerSettings]
    nats: NatsSettings
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self.tasks.append(task)
        return task

    async def stop(self, task: asyncio.Task[None]) -> None:
        self.tasks.remove(task)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    def server(self) -> LittleServer:
        return LittleServer(self.broker_of("server"), {EDGE: derive_edge_keys(EDGE_KEY)})

    def edge(self, radio: Radio, *, cap: int = 10_000) -> Agent:
        settings = EdgeSettings(
            edge=EDGE, ward=WARD, data=self.folder / "edge", key_file=self.folder / "edge.key",
            broker=self.broker_of(EDGE), bands_file=self.folder / "bands.toml", heartbeat_s=0.5,
            radio=RadioSettings(report_s=0.2, unseen_s=2.0, stall_s=30), journal=JournalSettings(cap_records=cap),
        )  # fmt: skip
        clock = SystemClock()
        recorder = Recorder(Journal(settings.data / "journal.db", cap_records=cap))
        return Agent(
            settings,
            bands=BandsWatch(self.write_bands({BAND: IDENTITY})),
            recorder=recorder,
            sender=Sender(EDGE, derive_edge_keys(EDGE_KEY), recorder, clock),
            uplink=MqttUplink(settings.broker, WARD, EDGE, settings.data, VERSION),
            radio=radio,
            host=StillHost(),
            clock=clock,
            commanded=Commanded(EDGE, derive_edge_keys(EDGE_KEY), settings.data / COMMANDED_FILE),
        )

    def write_edge(self, more: str = "[radio]\nreport_s = 0.001\nunseen_s = 60\n") -> Path:
        """An edge.toml with its secrets; returns its path."""
        write_secret(self.folder / "edge.key", EDGE_KEY.hex().encode())
        self.write_bands({BandNumber(n): bytes([n]) * 16 for n in range(1, 51)})
        path = self.folder / "edge.toml"
        path.write_text(
            f'edge = "{EDGE}"\nward = "{WARD}"\ndata = "edge"\nkey_file = "edge.key"\nbands_file = "bands.toml"\n'
            f"heartbeat_s = 0.5\n{self._broker_table(EDGE)}{more}"
        )
        return path

    def write_bands(self, bands: dict[BandNumber, bytes]) -> Path:
        """The bands file; returns its path."""
        rows = (f'[[bands]]\nnumber = {number}\nidentity_key = "{key.hex()}"\n' for number, key in bands.items())
        write_secret(self.folder / "bands.toml", "".join(rows).encode())
        return self.folder / "bands.toml"

    def write_gateway(self, name: str = "gw-1") -> Path:
        """A gateway.toml; returns its path."""
        path = self.folder / f"{name}.toml"
        path.write_text(f'gateway = "{name}"\nwards = ["{WARD}"]\ndata = "{name}"\n{self._broker_table(name)}')
        return path

    def _broker_table(self, name: str) -> str:
        return (
            f'[broker]\nhost = "127.0.0.1"\nport = {self.port}\nca_file = "ca/ca.crt"\n'
            f'cert_file = "{name}.crt"\nkey_file = "{name}.tls"\n'
        )

    def gateway(self, name: str = "gw-1") -> Gateway:
        return build_gateway(
            GatewaySettings(
                gateway=name, wards=(WARD,), data=self.folder / name, broker=self.broker_of(name),
                heartbeat_s=0.5,
            )
        )  # fmt: skip


async def until(what: Callable[[], bool], *, within_s: float = 40.0) -> None:
    async with asyncio.timeout(within_s):
        while not what():  # noqa: ASYNC110 - what is waited for is another process's
            await asyncio.sleep(0.02)


@pytest.fixture
def fake_radio() -> FakeRadio:
    return FakeRadio()


@pytest.fixture
def house_without_broker(tmp_path: Path) -> House:
    authority = Authority.create(tmp_path / "ca", "test")
    authority.issue_server(["127.0.0.1"], tmp_path / "broker.crt", tmp_path / "broker.key")
    devices = ""
    for name, kind in ((EDGE, "edge"), ("gw-1", "gateway"), ("gw-2", "gateway"), ("server", "server")):
        issued = authority.issue_device(name, tmp_path / f"{name}.crt", tmp_path / f"{name}.tls")
        wards = f'["{WARD}"]' if name != "server" else "[]"
        devices += f'[[devices]]\nid = "{name}"\nkind = "{kind}"\nidentity = "{issued.identity}"\nwards = {wards}\n'
    (tmp_path / "devices.toml").write_text(devices)
    port = free_port()
    nats = NatsSettings(
        data=tmp_path / "nats", ca_file=authority.certificate_file, cert_file=tmp_path / "broker.crt",
        key_file=tmp_path / "broker.key", devices_file=tmp_path / "devices.toml", port=port,
    )  # fmt: skip

    def broker_of(name: str) -> BrokerSettings:
        return BrokerSettings(
            host="127.0.0.1", port=port, ca_file=authority.certificate_file,
            cert_file=tmp_path / f"{name}.crt", key_file=tmp_path / f"{name}.tls",
        )  # fmt: skip

    return House(tmp_path, port, broker_of, nats)


@pytest.fixture
async def house(house_without_broker: House) -> AsyncIterator[House]:
    async with Broker(house_without_broker.nats):
        yield house_without_broker
        for task in list(house_without_broker.tasks):
            await house_without_broker.stop(task)

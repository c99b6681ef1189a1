"""What a test inside the virtual machine has to hand: adapters of its kernel, bands outside, an edge as shipped."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio

from ancu.models.band_facts import BandClock, HistoryRun
from ancu.models.config import write_secret
from ancu.models.frame import Opened, frame_cipher, open_frame
from ancu.models.history import split_records
from ancu.models.ids import OrderId
from ancu.models.keys import BandKeys, derive_band_keys
from ancu.models.topics import Lane
from ancu.models.wire import EdgeHeartbeat, Fact, Heard, unpack_record

HOST = "10.0.2.2"  # the machine around this one, as QEMU's user network shows it
ORDINARY = 901  # a heart-rate band of the shop, beside band 3
HERE = Path(__file__).parent
OUTSIDE = Path(os.environ.get("ANCU_OUTSIDE", "/"))  # what the machine around this one left for us

F = TypeVar("F")


async def until(what: Callable[[], Any], *, within_s: float = 40.0) -> Any:
    """What `what` gives once it gives something."""
    async with asyncio.timeout(within_s):
        while not (found := what()):  # noqa: ASYNC110 - what is waited for is another process's
            await asyncio.sleep(0.2)
        return found


def keys_of(band: int) -> BandKeys:
    return derive_band_keys(band.to_bytes(16, "big"), OrderId("order-1"))


def opened(heard: Heard) -> Opened:
    """The frame, if the band sealed it; raises FrameRefused."""
    return open_frame(heard.body, frame_cipher(keys_of(heard.band).frame), heard.address)


@dataclass
class Bands:
    """firmware-sim outside: commands to its bands, ports of its adapters."""

    folder: Path
    ports: dict[str, int] = field(default_factory=dict)

    async def ask(self, **request: Any) -> dict[str, Any]:
        control = json.loads((self.folder / "control.json").read_text())
        reader, writer = await asyncio.open_connection(HOST, control["port"])
        writer.write(json.dumps({"token": control["token"], **request}).encode() + b"\n")
        reply = json.loads(await reader.readline())
        writer.close()
        await writer.wait_closed()
        assert reply["ok"], reply
        return reply

    async def do(self, what: str, band: int, **more: Any) -> int:
        return (await self.ask(do=what, band=band, **more))["at_ms"]


@dataclass
class Adapter:
    """A home's receiver, plugged into this machine as hciN until it is pulled out."""

    port: int
    name: str = ""
    process: asyncio.subprocess.Process | None = None

    async def plug_in(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-E", "-S", HERE / "vhci.py", HOST, str(self.port), stdout=asyncio.subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.name = (await self.process.stdout.readline()).decode().strip()
        assert self.name.startswith("hci")

    async def pull_out(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


@dataclass
class Edge:
    """`ancu edge run`, nothing of it changed; no broker is there, so its journal keeps everything."""

    folder: Path
    adapter: str
    bands: tuple[int, ...]
    process: asyncio.subprocess.Process | None = None

    async def start(self, more: str = "") -> None:
        """`more` is said of the radio."""
        write_secret(self.folder / "edge.key", bytes(32).hex().encode())
        rows = (f'[[bands]]\nnumber = {n}\nidentity_key = "{keys_of(n).identity.hex()}"\n' for n in self.bands)
        write_secret(self.folder / "bands.toml", "".join(rows).encode())
        (self.folder / "edge.toml").write_text(
            'edge = "edge-1"\nward = "ward-1"\ndata = "data"\nkey_file = "edge.key"\nbands_file = "bands.toml"\n'
            f'heartbeat_s = 1\n[radio]\nadapter = "{self.adapter}"\nreport_s = 1\n'
            f'vitals_s = 600\nordinary = [{{ number = {ORDINARY}, address = "C0:0D:00:00:03:85" }}]\n{more}'
            '[broker]\nhost = "127.0.0.1"\nport = 9\n'
            f'ca_file = "{OUTSIDE}/ca.crt"\ncert_file = "{OUTSIDE}/edge.crt"\nkey_file = "{OUTSIDE}/edge.tls"\n'
        )
        ancu = Path(sys.executable).with_name("ancu")
        with (self.folder / "edge.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                ancu, "edge", "run", "--config", self.folder / "edge.toml", stderr=log
            )

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await asyncio.wait_for(self.process.wait(), 20)
        sys.stderr.write((self.folder / "edge.log").read_text())

    def records(self, lane: Lane) -> list[Heard | Fact]:
        """What the journal holds of a lane, oldest first."""
        path = self.folder / "data" / "journal.db"
        if not path.exists():
            return []
        with sqlite3.connect(path, timeout=10) as journal:
            try:
                rows = journal.execute("SELECT blob FROM records WHERE lane = ? ORDER BY sequence", (lane,)).fetchall()
            except sqlite3.OperationalError:
                rows = []  # it is being made
        journal.close()
        return [unpack_record(blob) for (blob,) in rows]

    def log(self) -> str:
        """What it said, over restarts."""
        return (self.folder / "edge.log").read_text()

    def clocks(self) -> list[BandClock]:
        """Of visits: one each."""
        return [record for record in self.records(Lane.BULK) if isinstance(record, BandClock)]

    def facts(self, kind: type[F]) -> list[F]:
        """Of the state lane."""
        return [record for record in self.records(Lane.STATE) if isinstance(record, kind)]

    def heard(self, lane: Lane = Lane.STATE) -> list[Heard]:
        return [record for record in self.records(lane) if isinstance(record, Heard)]

    def bands_heard_since(self, at_ms: int) -> set[int]:
        return {heard.band for heard in self.heard() if heard.at_ms > at_ms}

    def history(self, band: int) -> list[bytes]:
        """Records of a band's own log, in the order in which they came."""
        runs = [fact for fact in self.records(Lane.BULK) if isinstance(fact, HistoryRun) and fact.band == band]
        return [record for run in runs for record in split_records(run.records)]

    def heartbeats(self) -> list[EdgeHeartbeat]:
        return self.facts(EdgeHeartbeat)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bands() -> Bands:
    outside = Bands(OUTSIDE)
    status = await outside.ask(do="status")
    outside.ports = {home["name"]: home["hci_port"] for home in status["homes"]}
    return outside


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def adapter(bands: Bands) -> AsyncIterator[Adapter]:
    """Hears bands 1 and 2."""
    one = Adapter(bands.ports["home-1"])
    await one.plug_in()
    yield one
    await one.pull_out()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other_adapter(bands: Bands, adapter: Adapter) -> AsyncIterator[Adapter]:
    """Hears band 3."""
    one = Adapter(bands.ports["home-2"])
    await one.plug_in()
    yield one
    await one.pull_out()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(
    adapter: Adapter, other_adapter: Adapter, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Edge]:
    box = Edge(tmp_path_factory.mktemp("edge"), f"{adapter.name},{other_adapter.name}", (1, 2, 3))
    await box.start()
    yield box
    await box.stop()

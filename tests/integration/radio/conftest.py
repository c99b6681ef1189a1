"""A real simulator process, commanded over its control port; scanners run in the test, over TCP."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ancu.models.config import write_secret
from ancu.models.frame import Opened, frame_cipher, open_frame
from ancu.models.ids import OrderId
from ancu.models.keys import BandKeys, derive_band_keys

INTERVAL_S = 0.25
HOMES = 3


@dataclass
class Sim:
    """One `ancu sim bands` process: home-1..3 with band 1..3."""

    folder: Path
    more: str = ""
    homes_more: str = ""
    process: asyncio.subprocess.Process | None = None
    keys: dict[int, BandKeys] = field(default_factory=dict)
    hci_ports: dict[str, int] = field(default_factory=dict)

    async def start(self) -> None:
        lines = []
        for number in range(1, HOMES + 1):
            key = number.to_bytes(16, "big")
            self.keys[number] = derive_band_keys(key, OrderId("order-1"))
            lines.append(f'[[bands]]\nnumber = {number}\nkey = "{key.hex()}"\norder = "order-1"\n')
        write_secret(self.folder / "bands.toml", "\n".join(lines).encode())
        homes = "\n".join(
            f'[[homes]]\nname = "home-{i}"\nbands = [{i}]\nhci_port = {self.hci_ports.get(f"home-{i}", 0)}\n'
            + self.homes_more
            for i in range(1, HOMES + 1)
        )
        (self.folder / "sim.toml").write_text(
            f'bands_file = "bands.toml"\ntruth_file = "truth.jsonl"\nflash_file = "flash"\ncontrol_port = 0\n'
            f'control_file = "control.json"\ninterval_s = {INTERVAL_S}\nloss = 0.02\n{self.more}\n{homes}'
        )
        (self.folder / "control.json").unlink(missing_ok=True)
        with (self.folder / "sim.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                Path(sys.executable).with_name("ancu"), "sim", "bands", "--config", self.folder / "sim.toml", stderr=log
            )
        for _ in range(500):
            if (self.folder / "control.json").exists():
                break
            await asyncio.sleep(0.02)
        status = await self.ask(do="status")
        self.hci_ports = {home["name"]: home["hci_port"] for home in status["homes"]}

    def adapter(self, home: int = 1) -> str:
        return f"tcp-client:127.0.0.1:{self.hci_ports[f'home-{home}']}"

    async def ask(self, **request: Any) -> dict[str, Any]:
        control = json.loads((self.folder / "control.json").read_text())
        reader, writer = await asyncio.open_connection("127.0.0.1", control["port"])
        writer.write(json.dumps({"token": control["token"], **request}).encode() + b"\n")
        reply = json.loads(await reader.readline())
        writer.close()
        await writer.wait_closed()
        return reply

    async def do(self, what: str, band: int = 1, **more: Any) -> int:
        reply = await self.ask(do=what, band=band, **more)
        assert reply["ok"], reply
        return reply["at_ms"]

    def truth(self) -> list[dict[str, Any]]:
        path = self.folder / "truth.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def open(self, band: int, address: bytes, body: bytes) -> Opened:
        return open_frame(body, frame_cipher(self.keys[band].frame), address)

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            os.kill(self.process.pid, signal.SIGKILL)
            await self.process.wait()

    async def stop(self) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 5)


@pytest.fixture
async def make_sim(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Sim]]]:
    sims: list[Sim] = []

    async def make(more: str = "", homes_more: str = "") -> Sim:
        sim = Sim(tmp_path, more, homes_more)
        sims.append(sim)
        await sim.start()
        return sim

    yield make
    for sim in sims:
        await sim.kill()


@pytest.fixture
async def sim(make_sim: Callable[..., Awaitable[Sim]]) -> Sim:
    return await make_sim()

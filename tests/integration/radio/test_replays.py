"""Recordings, played into a whole installation whose edge and whose server were killed and came back."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest

from ancu.firmware_sim.settings import read_bands
from ancu.models.address import make_address, show_address
from ancu.models.frame import Reading, Status, advert_data, frame_cipher, seal_frame
from ancu.models.ids import OrderId
from ancu.models.keys import BandKeys, derive_band_keys
from ancu.server.demo.chain import Chain
from ancu.server.ingest.columns import reading_rows
from ancu.server.people.setup import Installation, make_installation

HEART = 222  # of frames that an attacker recorded: no band here says so of itself
RECORDED = Reading(80, False, 361, HEART, 97, Status.SKIN, 1)
LATER_S = (61, 24 * 3600)
pytestmark = pytest.mark.timeout(240)


class Attacked(Chain):
    """A chain whose server may be a careless one."""

    careless = False

    async def start(self) -> None:
        await super().start()
        if self.careless:
            await self.children.end(["server"])
            self._task = asyncio.create_task(self._run_careless())

    async def _run_careless(self) -> None:
        script, log = Path(__file__).with_name("careless_server.py"), self.made.root / "careless.log"
        while True:
            with log.open("ab") as output:
                self.process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    script,
                    "server",
                    "run",
                    "--config",
                    self.made.server_toml,
                    stdout=output,
                    stderr=output,
                )
            try:
                await self.process.wait()
            except asyncio.CancelledError:
                self.process.terminate()
                await self.process.wait()
                raise

    async def end(self) -> None:
        if self.careless:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await super().end()

    @property
    def server_pid(self) -> int:
        pid = self.process.pid if self.careless else self.children.all["server"].pid
        assert pid is not None
        return pid

    def refused(self) -> Counter[str]:
        """Frames refused, by reason, since the server started."""
        with urlopen(f"{self.url}/metrics", timeout=5) as answer:  # noqa: S310 - our own server
            lines = re.findall(
                r'^ancu_frames_refused_total\{of="(\w+)"\} ([\d.]+)', answer.read().decode(), re.MULTILINE
            )
        return Counter({reason: int(float(count)) for reason, count in lines})

    def keys(self, band: int) -> BandKeys:
        secret = next(one for one in read_bands(self.made.root / "sim" / "bands.toml") if one.number == band)
        return derive_band_keys(bytes.fromhex(secret.key), OrderId(secret.order))

    async def play(self, ago_s: int, **more: str) -> None:
        """What band 1 sent so long ago."""
        keys = self.keys(1)
        address = make_address(keys.identity, ago_s)
        body = seal_frame(RECORDED, frame_cipher(keys.frame), address, int(time.time()) - ago_s)
        await self.air.do("play", 1, address=show_address(address), data=advert_data(body).hex(), **more)

    def readings(self) -> list[tuple[int, int, int]]:
        """(band, counter, heart) of whatever the server believed."""
        with closing(sqlite3.connect(self.made.root / "server" / "data" / "ancu.db", timeout=10)) as server:
            packed = server.execute("SELECT readings FROM inbox").fetchall()
        return [
            (int(one["band"]), int(one["counter"]), int(one["heart_bpm"]))
            for (rows,) in packed
            for one in reading_rows(rows)
        ]

    async def heard_again(self) -> None:
        """Wait until the server has a frame of band 1 that was sent after now."""
        now_s = int(time.time())
        await until(lambda: max((row[1] for row in self.readings() if row[0] == 1), default=0) > now_s + 1)


async def until(true: Callable[[], object], within_s: float = 60) -> None:
    async with asyncio.timeout(within_s):
        while True:
            try:
                if true():
                    return
            except OSError:  # the server is away
                pass
            await asyncio.sleep(0.2)


def made_in(folder: Path) -> Installation:
    return make_installation(
        folder / "chain",
        homes=2,
        seed=1,
        sim={"interval_s": 1.0, "loss": 0.0},
        edge={"heartbeat_s": 2.0, "radio": {"report_s": 0.1}},  # every frame reaches the server
    )


async def kill_edge(chain: Attacked) -> None:
    os.kill(chain.children.all[chain.made.homes[0]].pid or 0, signal.SIGKILL)
    await chain.heard_again()


async def kill_server(chain: Attacked) -> None:
    os.kill(chain.server_pid, signal.SIGKILL)
    await chain.ready(60)
    await chain.heard_again()


RESTARTS: list[Callable[[Attacked], Awaitable[None]]] = [kill_edge, kill_server]


async def attacked(chain: Attacked) -> list[Counter[str]]:
    """Play what was recorded after each restart; what was refused of it each time."""
    refused = []
    officer = await chain.province()
    await chain.first_readings(officer, 60)
    for restart in RESTARTS:
        await restart(chain)
        before = chain.refused()
        await until_refused(chain, lambda: chain.air.do("replay", 1))  # bit for bit what it sent up to a minute ago
        for ago_s in LATER_S:
            # The edge of the other home has no key to it, and says nothing.
            await chain.play(ago_s, home=chain.made.homes[1])
            await until_refused(chain, partial(chain.play, ago_s))
        await chain.heard_again()
        refused.append(chain.refused() - before)
    return refused


async def until_refused(chain: Attacked, attack: Callable[[], Awaitable[object]]) -> None:
    """Attack until the server counts it: an edge that just reported may prefer the next true frame to a recording."""
    before = chain.refused()
    for _ in range(10):
        await attack()
        await chain.heard_again()
        if chain.careless or chain.refused() != before:
            return
    raise AssertionError("a recording was not counted")


def wrong(chain: Attacked) -> list[str]:
    """What the server believed and should not have."""
    rows = chain.readings()
    said = []
    if [row for row in rows if row[2] == HEART]:
        said.append("old")
    if len({row[:2] for row in rows}) != len(rows):
        said.append("twice")
    return said


@pytest.mark.long  # two installations of nine processes, each with two restarts: a minute
async def test_recordings_are_refused_across_restarts_of_the_edge_and_of_the_server(tmp_path: Path):
    chain = Attacked(made_in(tmp_path / "strict"))
    async with chain:
        for refused in await attacked(chain):
            assert set(refused) <= {"replay", "stale"}
            assert refused.total() >= 1 + len(LATER_S)
    assert wrong(chain) == []

    control = Attacked(made_in(tmp_path / "careless"))
    control.careless = True
    async with control:
        assert await attacked(control) == [Counter()] * len(RESTARTS)
    assert wrong(control) == ["old", "twice"]

"""A band that is revoked, rotated or given to somebody else: in force within a minute, at the server and at the edge.

Every process by itself, the register changed by the command line while the server runs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ancu.firmware_sim.settings import read_bands
from ancu.models.config import read_secret, write_secret
from ancu.models.ids import OrderId
from ancu.models.keys import BandKeys, derive_band_keys
from ancu.server.demo.chain import Chain
from ancu.server.ingest.columns import reading_rows
from ancu.server.people.setup import Installation, make_installation
from ancu.server.people.toml import to_toml

WITHIN_S = 60
log = logging.getLogger(__name__)
pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]  # three changes, each with up to a minute


class Watched:
    """An installation, and what its disks say."""

    def __init__(self, made: Installation, chain: Chain) -> None:
        self.made, self.chain = made, chain

    async def ancu(self, *args: str) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("ancu"), *args, "--config", self.made.server_toml, "--json",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, wrong = await process.communicate()
        assert process.returncode == 0, wrong.decode()
        answer: dict[str, Any] = json.loads(said or b"{}")
        return answer

    def keys(self, band: int) -> BandKeys:
        """The keys that the simulated band holds."""
        secret = next(one for one in read_bands(self.made.root / "sim" / "bands.toml") if one.number == band)
        return derive_band_keys(bytes.fromhex(secret.key), OrderId(secret.order))

    def edge_knows(self, band: int, identity: bytes) -> bool:
        return identity.hex() in (self.made.root / self.made.homes[band - 1] / "bands.toml").read_text("utf-8")

    def newest(self, band: int) -> float:
        """When the newest reading of a band that was believed was heard, unix seconds."""
        with closing(sqlite3.connect(self.made.root / "server" / "data" / "ancu.db", timeout=10)) as server:
            packed = server.execute("SELECT readings FROM inbox ORDER BY position DESC LIMIT 400").fetchall()
        heard = (int(r["heard_ms"]) / 1000 for (rows,) in packed for r in reading_rows(rows) if r["band"] == band)
        return max(heard, default=0.0)

    async def heard_after(self, band: int, at_s: float) -> None:
        await until(lambda: self.newest(band) > at_s, f"band {band} is not heard")

    async def write_into_band(self, band: int, key: bytes, order: str) -> None:
        """What the depot does: a new key, a new order; the simulation starts anew."""
        path = self.made.root / "sim" / "bands.toml"
        rows = [
            {"number": one.number, "key": one.key, "order": one.order, "home": one.home}
            if one.number != band
            else {"number": band, "key": key.hex(), "order": order, "home": one.home}
            for one in read_bands(path)
        ]
        write_secret(path, to_toml({"bands": rows}).encode())
        os.kill(self.chain.children.all["air"].pid or 0, signal.SIGKILL)


async def until(true: Callable[[], object], otherwise: str, within_s: float = WITHIN_S) -> float:
    """How long it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < within_s, f"{otherwise} within {within_s:.0f} s"
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def shut_out(watched: Watched, band: int, old: bytes, other: int, *command: str) -> tuple[float, float]:
    """Seconds from before a command until the edge forgot an identity, and until the server believed no more of it."""
    at_s = time.time()
    await watched.ancu(*command)
    await until(lambda: not watched.edge_knows(band, old), "the edge still knows it")
    edge_s = time.time() - at_s
    await watched.heard_after(other, at_s + edge_s + 5)  # the control: the other band is heard all the while
    await watched.heard_after(other, time.time())
    server_s = max(0.0, watched.newest(band) - at_s)
    assert time.time() - watched.newest(band) > 4
    return edge_s, server_s


async def test_revoked_rotated_and_given_to_another_order_each_within_a_minute(tmp_path: Path):
    made = make_installation(
        tmp_path / "chain",
        homes=2,
        sim={"interval_s": 1.0, "loss": 0.0},
        edge={"heartbeat_s": 5.0, "radio": {"report_s": 0.5}},
    )
    async with Chain(made) as chain:
        watched = Watched(made, chain)
        await chain.first_readings(await chain.province(), 60)

        first = watched.keys(1).identity
        key_file = tmp_path / "key.hex"
        rotate = ("device", "rotate", "band", "wb-00000001", "--key-out", str(key_file))
        rotated = await shut_out(watched, 1, first, 2, *rotate)
        new = bytes.fromhex(read_secret(key_file).decode())
        await watched.write_into_band(1, new, made.citizens[0].order)
        await until(lambda: watched.edge_knows(1, watched.keys(1).identity), "the edge does not know the new key")
        await watched.heard_after(1, time.time())

        second = watched.keys(1).identity
        await watched.ancu("order", "end", made.citizens[0].order)
        person, edge = made.citizens[0].person, made.homes[0]
        added = await watched.ancu("order", "add", "--person-id", person, "--days", "7", "--edge", edge)
        given = await shut_out(watched, 1, second, 2, "device", "assign", "wb-00000001", added["id"])
        await watched.write_into_band(1, new, added["id"])
        await watched.heard_after(1, time.time())

        third = watched.keys(2).identity
        revoked = await shut_out(watched, 2, third, 1, "device", "revoke", "band", "wb-00000002")
    for how, (edge_s, server_s) in {"rotated": rotated, "given": given, "revoked": revoked}.items():
        log.info("%s: in force at the edge after %.1f s, at the server after %.1f s", how, edge_s, server_s)
        assert edge_s < WITHIN_S
        assert server_s < WITHIN_S

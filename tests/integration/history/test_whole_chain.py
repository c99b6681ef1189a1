"""A band that was away for days comes back: every process by itself, and edge and server killed in the middle."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ancu.firmware_sim.flash import FlashFile
from ancu.firmware_sim.log import Log
from ancu.firmware_sim.settings import read_bands
from ancu.models.band_facts import HistoryRun
from ancu.models.clock import SystemClock, to_ms
from ancu.models.frame import Status
from ancu.models.history import RECORD_BYTES, Clocked, Vitals
from ancu.models.ids import OrderId
from ancu.models.keys import derive_band_keys
from ancu.models.topics import Lane
from ancu.models.wire import unpack_record
from ancu.server.adapters.series import Series
from ancu.server.demo.chain import Chain
from ancu.server.ingest.columns import Flag, reading_rows
from ancu.server.people.setup import Installation, make_installation

MINUTES = 12_000  # a little more than eight days
BAND = 1
ALARMING = Status.SKIN | Status.STRAP_OPEN | Status.SOS  # what would ring at once, were it of now
pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]  # every process, and days of records over a radio


def fill(made: Installation) -> int:
    """Let the band have recorded minute by minute until a minute ago; returns when the first was, unix seconds."""
    (secret,) = read_bands(made.root / "sim" / "bands.toml")
    keys = derive_band_keys(bytes.fromhex(secret.key), OrderId(secret.order))
    flash = FlashFile(made.root / "sim" / "flash")
    log = Log(flash.page(BAND), keys.history)
    began_s = to_ms(SystemClock().now()) // 1000 - (MINUTES + 1) * 60
    log.append(200, 0, Clocked(began_s))
    for minute in range(1, MINUTES + 1):
        status = ALARMING if minute % 1000 == 0 else Status.SKIN
        log.append(200, minute * 60, Vitals(60 + minute % 40, 97, 361, 80, status, tamper=False))
    flash.close()
    return began_s


def make(folder: Path) -> Installation:
    made = make_installation(
        folder / "chain",
        homes=1,
        policy="default",
        sim={"interval_s": 1.0, "loss": 0.0},  # a counter a second: faster it would run ahead of the clock
        edge={"heartbeat_s": 2.0, "radio": {"report_s": 1.0, "visit_s": 3.0}},
    )
    sim = made.sim_toml.read_text("utf-8")
    made.sim_toml.write_text(sim.replace("[[homes]]\n", "[[homes]]\ngatt = true\n"), "utf-8")
    return made


class Seen:
    """What lies on the disks of the band, the edge and the server."""

    def __init__(self, made: Installation) -> None:
        self._root, self._edge = made.root, made.homes[0]

    def oldest_in_band(self) -> int:
        flash = FlashFile(self._root / "sim" / "flash")
        try:
            return flash.page(BAND).read().history_base
        finally:
            flash.close()

    def waiting_in_edge(self) -> int:
        """Records of the band in the edge's journal."""
        rows = self._rows(self._root / self._edge / "data" / "journal.db", "SELECT lane, blob FROM records")
        facts = [unpack_record(blob) for lane, blob in rows if lane == Lane.BULK]
        return sum(len(fact.records) // RECORD_BYTES for fact in facts if isinstance(fact, HistoryRun))

    def held(self) -> int:
        return max((row[0] for row in self._server("SELECT upto FROM history_held")), default=0)

    def readings(self) -> list[Any]:
        return [
            reading
            for (packed,) in self._server("SELECT readings FROM inbox ORDER BY position")
            for reading in reading_rows(packed)
            if reading["flags"] & Flag.HISTORY
        ]

    def named(self) -> list[Any]:
        return self._server("SELECT * FROM history_faults")

    def _server(self, query: str) -> list[Any]:
        return self._rows(self._root / "server" / "data" / "ancu.db", query)

    @staticmethod
    def _rows(path: Path, query: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(query).fetchall()


class Later(Chain):
    """A chain whose edges are put up once the rest runs."""

    def _start_edge(self, edge: str) -> None:
        """Not yet."""

    def put_up(self, edge: str) -> None:
        super()._start_edge(edge)


async def until(true: Callable[[], Any], within_s: float, otherwise: str) -> None:
    end = time.monotonic() + within_s
    while not (answer := true()) or (isinstance(answer, Awaitable) and not await answer):
        assert time.monotonic() < end, f"{otherwise} within {within_s:.0f} s"
        await asyncio.sleep(0.05)


def waiting(seen: Seen) -> int:
    try:
        return seen.waiting_in_edge()
    except sqlite3.OperationalError:  # the edge has just been put up
        return 0


async def kill(chain: Chain, name: str) -> None:
    """As a power cut would; who watches over it starts it again."""
    child = chain.children.all[name]
    await until(lambda: child.pid, 20, f"{name} does not run")
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)


async def test_every_record_comes_back_once_with_its_own_time_and_is_freed_by_the_receipt_alone(tmp_path: Path):
    made = make(tmp_path)
    began_s = fill(made)
    seen, edge = Seen(made), made.homes[0]
    async with Later(made) as chain:
        officer = await chain.province()
        await chain.air.do("silence", BAND)  # it is out of range
        chain.put_up(edge)
        server = chain.children.all["server"].pid
        assert server is not None
        os.kill(server, signal.SIGSTOP)  # nobody gives a receipt
        await chain.air.do("speak", BAND)  # and back
        await until(lambda: waiting(seen), 60, "the edge fetched nothing")
        await kill(chain, edge)
        await until(lambda: waiting(seen) >= MINUTES, 90, "the edge did not fetch the rest")
        assert seen.held() == 0
        assert seen.oldest_in_band() == 1  # all of it is still in the band
        await kill(chain, "server")
        await until(seen.held, 60, "the server took nothing")
        await kill(chain, "server")
        await until(lambda: seen.held() > MINUTES, 90, "the server did not take it all")
        await until(lambda: seen.oldest_in_band() > MINUTES, 60, "the band was not told to forget")
        assert chain.children.all["server"].restarts >= 2
        assert chain.children.all[edge].restarts >= 1

        async def shown() -> bool:
            devices = (await officer.get("/api/v1/devices?kind=band"))["items"]
            return all(one["last_seen_at"] and one["last_seen_at"] > "2026" for one in devices)

        await until(shown, 60, "the pages show no band")
        assert (await officer.get("/api/v1/alerts"))["items"] == []  # what was alarming was so days ago
    readings = seen.readings()
    old = {int(r["head"]): r for r in readings if int(r["heard_ms"]) < (began_s + MINUTES * 60) * 1000 + 1}
    heads = Counter(int(reading["head"]) for reading in readings)
    assert [head for head, count in heads.items() if count > 1] == []
    assert sorted(old) == list(range(2, MINUTES + 2))  # the clock's own record is none of the readings
    assert [int(old[n + 1]["heard_ms"]) // 1000 for n in range(1, MINUTES + 1)] == [
        began_s + 60 * n for n in range(1, MINUTES + 1)
    ]
    assert all(reading["flags"] & Flag.LATE for reading in readings)
    assert seen.named() == []
    in_series(made, began_s)


def in_series(made: Installation, began_s: int) -> None:
    """The series, fed with what is left, holds each of them once, at its own minute."""
    data = made.root / "server" / "data"
    series = Series(data / "series.duckdb", data / "ancu.db")
    series.catch_up()
    series.stop()
    with closing(duckdb.connect(str(data / "series.duckdb"), read_only=True)) as held:
        rows = held.execute(
            "SELECT epoch(told_at)::BIGINT, count(*) FROM readings"
            " WHERE band = ? AND epoch(told_at) < ? AND late GROUP BY 1",
            [BAND, began_s + MINUTES * 60 + 1],
        ).fetchall()
    assert sorted(rows) == [(began_s + 60 * n, 1) for n in range(1, MINUTES + 1)]

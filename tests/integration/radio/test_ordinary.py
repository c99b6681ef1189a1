"""A heart-rate band of the shop, from the air to the server: a reduced profile, and said to be one."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ancu.firmware_sim.ordinary import address_of
from ancu.models.address import show_address
from ancu.models.band_facts import ReducedVitals
from ancu.server.demo.chain import Chain
from ancu.server.ingest.rows import Row, facts_of
from ancu.server.people.setup import Installation, make_installation

ORDINARY = 901


def made_in(folder: Path, address: str) -> Installation:
    radio = {"visit_s": 600, "vitals_s": 2, "ordinary": [{"number": ORDINARY, "address": address}]}
    made = make_installation(folder, homes=1, sim={"interval_s": 0.5, "loss": 0.0}, edge={"radio": radio})
    with made.sim_toml.open("a") as sim:
        sim.write(f"ordinary = [{ORDINARY}]\n")  # of the last home
    return made


def told(made: Installation) -> list[ReducedVitals]:
    """What the server's inbox holds of it, oldest first."""
    columns = ("received_ms", "ward", "edge", "gateway", "lane", "epoch", "first", "count", "readings", "facts")
    with closing(sqlite3.connect(made.root / "server" / "data" / "ancu.db", timeout=10)) as server:
        rows = server.execute(f"SELECT {', '.join(columns)} FROM inbox ORDER BY position").fetchall()  # noqa: S608
    facts = [fact for row in rows for _, fact in facts_of(Row(*row))[0]]
    return [fact for fact in facts if isinstance(fact, ReducedVitals)]


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - other processes'
            await asyncio.sleep(0.2)


@pytest.mark.long  # an installation of seven processes: half a minute
@pytest.mark.timeout(150)
async def test_a_band_of_the_shop_reaches_the_server_as_a_reduced_profile(tmp_path: Path):
    made = made_in(tmp_path / "chain", show_address(address_of(ORDINARY)))
    async with Chain(made) as chain:
        await until(lambda: len(told(made)) >= 2)
        vitals = told(made)[-1]
        assert (vitals.band, vitals.contact) == (ORDINARY, True)
        assert 40 <= (vitals.heart_bpm or 0) <= 160
        assert 0 < (vitals.battery_percent or 0) <= 100
        assert -97 <= (vitals.rssi_dbm or 0) < -30
        assert (vitals.skin_deci_c, vitals.spo2_percent) == (None, None)
        await chain.air.do("take_off", ORDINARY)
        await until(lambda: not told(made)[-1].contact)
        assert told(made)[-1].heart_bpm is None


@pytest.mark.long  # as above
@pytest.mark.timeout(150)
async def test_the_control_a_band_that_nobody_named_says_nothing(tmp_path: Path):
    made = made_in(tmp_path / "chain", "C0:0D:00:00:00:01")
    async with Chain(made) as chain:
        officer = await chain.province()
        await chain.first_readings(officer, 60)
        await asyncio.sleep(5)  # more than two visits
        assert told(made) == []

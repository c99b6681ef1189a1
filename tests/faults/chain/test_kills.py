"""kill -9 of each part, again and again, around a cut strap and a walk-out: nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
import os
import random
import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPException
from pathlib import Path

import duckdb
import pytest

from ancu.models.errors import UsageError
from ancu.server.demo.chain import Chain
from ancu.server.demo.officer import Officer
from ancu.server.people.setup import Installation

from .conftest import Maker, alerts, complaints, make_quick, until, verify_audit, waiting
from .evidence import look, open_file

PARTS = ["edge", "gateway", "broker", "server", "everything"]
QUICK = {"broker", "everything"}  # the others are killed in each run of "everything" too
KILLS = 4
EXPECTED = Counter({("strap_cut", 2): 1, ("out_of_range", 3): 1})


async def kill(chain: Chain, names: list[str]) -> None:
    """Kill processes as a power cut would, once they run."""
    for name in names:
        child = chain.children.all[name]
        await until(lambda child=child: child.pid, 10, f"{name} does not run")
    for name in names:
        pid = chain.children.all[name].pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)


async def killing(chain: Chain, victims: Callable[[random.Random], list[str]], seed: int) -> None:
    """Some die while they start, some after they have worked for a while."""
    dice = random.Random(seed)
    for _ in range(KILLS):
        await asyncio.sleep(dice.uniform(0.3, 4.0))
        await kill(chain, victims(dice))


def victims_of(made: Installation, part: str) -> Callable[[random.Random], list[str]]:
    if part == "edge":
        return lambda dice: dice.sample(made.homes, dice.randint(1, 2))
    if part == "everything":  # a power cut; the bands have batteries
        return lambda _: ["broker", "server", "gateway", *made.homes]
    return lambda _: [part]


@pytest.mark.timeout(150)
@pytest.mark.parametrize(
    "part", [pytest.param(part, marks=[] if part in QUICK else pytest.mark.long) for part in PARTS]
)
async def test_a_part_killed_again_and_again_loses_nothing_and_doubles_nothing(part: str, installation: Maker):
    made = installation()
    async with Chain(made) as chain:
        officer = await chain.province()
        await chain.first_readings(officer, 60)
        deaths = asyncio.create_task(killing(chain, victims_of(made, part), seed=PARTS.index(part)))
        await chain.air.do("leave", 3)
        await asyncio.sleep(2)
        await chain.air.do("cut_strap", 2)
        await deaths
        await until(lambda: _raised(chain, officer), 60, "not every alert was raised")
        await chain.air.do("return", 3)
        await asyncio.sleep(3)
        await until(lambda: waiting(made) <= 3, 30, "the edges still hold records")
        assert await alerts(chain, officer) == EXPECTED
        assert sum(child.restarts for child in chain.children.all.values()) >= KILLS
    found = look(made.root, made)
    assert found.wrong == []
    assert found.readings > 30
    assert found.confirmed > found.readings
    assert verify_audit(made)["ok"] is True
    assert complaints(made, disturbed=True) == []


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation that ran for a moment, undisturbed."""

    async def run(made: Installation) -> None:
        async with Chain(made) as chain:
            officer = await chain.province()
            await chain.first_readings(officer, 60)
            await asyncio.sleep(3)

    made = make_quick(tmp_path_factory.mktemp("control"), homes=1)
    asyncio.run(run(made))
    assert look(made.root, made).wrong == []
    return made


@pytest.mark.timeout(90)  # whoever asks for it first waits for the run
def test_a_clean_run_leaves_nothing_in_the_logs_that_anyone_has_to_read(ended: Installation):
    assert complaints(ended, disturbed=False) == []


SERVER, SERIES = "server/data/ancu.db", "server/data/series.duckdb"
LATEST = "(SELECT max(position) FROM inbox WHERE length(readings) > 0)"
INBOX = "received_ms, ward, edge, gateway, lane, epoch, first, count, readings, facts"
# ruff: noqa: S608 - our own names
TAMPERED = {
    "a batch lost": (SERVER, f"DELETE FROM inbox WHERE position = {LATEST}", "hole|confirmed but not|lost"),
    "a batch doubled": (
        SERVER,
        f"INSERT INTO inbox ({INBOX}) SELECT {INBOX} FROM inbox WHERE position = {LATEST}",
        "overlap",
    ),
    "a reading cut out": (
        SERVER,
        f"UPDATE inbox SET readings = substr(readings, 37) WHERE position = {LATEST}",
        "reading lost",
    ),
    "a reading doubled": (
        SERVER,
        f"UPDATE inbox SET readings = CAST(readings || substr(readings, 1, 36) AS BLOB) WHERE position = {LATEST}",
        "doubled in the inbox",
    ),
    "a fact lost": (
        SERVER,
        "UPDATE inbox SET facts = x'' WHERE position = (SELECT max(position) FROM inbox WHERE length(facts) > 0)",
        "fact lost",
    ),
    "a watermark ahead": (SERVER, "UPDATE watermarks SET upto = upto + 1", "watermark"),
    "a row of the series lost": (
        SERIES,
        "DELETE FROM readings WHERE counter = (SELECT max(counter) FROM readings)",
        "missing in the series",
    ),
    "a row of the series doubled": (
        SERIES,
        "INSERT INTO readings SELECT * FROM readings ORDER BY counter LIMIT 1",
        "doubled in the series",
    ),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_the_control_what_is_lost_or_doubled_is_noticed(how: str, ended: Installation, tmp_path: Path):
    file, statement, says = TAMPERED[how]
    copy = tmp_path / "copy"
    shutil.copytree(ended.root, copy)
    if file == SERVER:
        with open_file(copy / file) as server:
            server.execute(statement)
    else:
        with closing(duckdb.connect(str(copy / file))) as series:
            series.execute(statement)
    wrong = look(copy, ended).wrong
    assert wrong
    assert any(re.search(says, line) for line in wrong), wrong


async def _raised(chain: Chain, officer: Officer) -> bool:
    try:
        return set(EXPECTED) <= set(await alerts(chain, officer))
    except (OSError, HTTPException, UsageError):  # the server may be starting
        return False

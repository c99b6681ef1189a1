"""Killed at any moment: what was durable at the edge arrives, once, whatever dies on the way."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ancu.edge.config import read_edge
from ancu.server.adapters.broker import Broker

from .conftest import House, LittleServer, until

pytestmark = pytest.mark.timeout(150)  # several processes and a broker, on machines that do other things too

PROCESS = Path(__file__).with_name("edge_process.py")
ANCU = Path(sys.executable).with_name("ancu")


async def start_edge(house: House, first: int, *more: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, PROCESS, house.write_edge(), str(first), *more, stdout=asyncio.subprocess.PIPE
    )


async def kill(edge: asyncio.subprocess.Process) -> int:
    """Kill -9; returns up to which frame everything was durable."""
    edge.kill()
    assert edge.stdout is not None
    said = (await edge.stdout.read()).decode().split("\n")
    await edge.wait()
    complete = [int(line) for line in said[:-1]]
    return max(complete, default=0)


def has_forgotten(journal: Path) -> bool:
    """Whether an edge has let go of records that it held."""
    try:
        with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as file:
            return bool(file.execute("SELECT max(base) > 1 FROM lanes").fetchone()[0])
    except sqlite3.OperationalError:
        return False  # not there yet, or just being written


def counters(server: LittleServer) -> list[int]:
    return sorted(int.from_bytes(body[16:20], "little") for body in server.bodies())


def whole(server: LittleServer) -> bool:
    """Every lane of every epoch is without a hole."""
    return all(sorted(held) == list(range(1, len(held) + 1)) for held in server.records.values())


async def run_and_kill(house: House, rounds: int) -> tuple[set[int], int]:
    """Frames that were durable before some kill, and the next free frame number."""
    durable: set[int] = set()
    first, dice = 0, random.Random(7)
    for _ in range(rounds):
        edge = await start_edge(house, first)
        assert edge.stdout is not None
        await edge.stdout.readline()  # it writes
        await asyncio.sleep(dice.uniform(0.1, 0.6))
        upto = await kill(edge)
        durable |= set(range(first, upto))
        first += 100_000  # of frames that were not yet durable nothing is promised
    return durable, first


async def test_an_edge_killed_again_and_again_loses_nothing_durable_and_doubles_nothing(house: House):
    server = house.server()
    house.start(server.run())
    house.start(house.gateway().run())
    durable, first = await run_and_kill(house, 5)
    assert len(durable) > 100
    last = await start_edge(house, first)
    try:
        await until(lambda: durable <= set(counters(server)))
        assert len(counters(server)) == len(set(counters(server)))
        assert whole(server)
        assert server.gaps == 0
        assert len({epoch for _, epoch, _ in server.records}) == 1
    finally:
        await kill(last)


async def test_a_gateway_and_a_broker_killed_under_load_lose_nothing_durable(house_without_broker: House):
    house = house_without_broker
    server = house.server()
    async with Broker(house.nats) as broker:
        house.start(broker.supervise())
        house.start(server.run())
        config = house.write_gateway()
        edge = await start_edge(house, 0)
        for _ in range(3):
            gateway = await asyncio.create_subprocess_exec(ANCU, "gateway", "run", "--config", config)
            await asyncio.sleep(1.5)
            gateway.kill()
            await gateway.wait()
        house.start(house.gateway("gw-2").run())
        broker_pid = broker.pid
        assert broker._child is not None
        broker._child.kill()
        await until(lambda: broker.pid not in {None, broker_pid})
        await asyncio.sleep(1)
        upto = await kill(edge)
        edge = await start_edge(house, 1_000_000)
        try:
            await until(lambda: set(range(upto)) <= set(counters(server)))
            assert len(counters(server)) == len(set(counters(server)))
            assert whole(server)
        finally:
            await kill(edge)
            for task in list(house.tasks):
                await house.stop(task)


async def test_the_control_an_edge_that_believes_the_broker_does_lose_facts(house: House):
    """Nobody listens: the broker acknowledges every message, and they are gone."""
    server = house.server()
    house.start(server.run())
    edge = await start_edge(house, 0, "bad")
    await until(lambda: has_forgotten(read_edge(house.write_edge()).data / "journal.db"))
    house.start(house.gateway().run())
    await until(lambda: len(counters(server)) > 100)
    await kill(edge)
    assert 0 not in counters(server)
    assert not whole(server)

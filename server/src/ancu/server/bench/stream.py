"""From a frame's arrival at the server to the alert on an officer's stream, while readings pour in beside it."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ancu.models.clock import SystemClock, to_ms
from ancu.models.frame import Status
from ancu.models.topics import Lane
from ancu.server.adapters.series import Series
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.bench.fleet import FINE, Home, fleet, register_of, relay_of
from ancu.server.core import Core, Told
from ancu.server.desk.store import StoreDesk
from ancu.server.memory import Memory
from ancu.server.policies import load_policy
from ancu.server.ports import Role, Viewer
from ancu.server.projection import project
from ancu.server.seating import Bench

__all__ = ["StreamFigures", "bench_stream"]

_KEY = b"bench" * 8
_CUT = dataclasses.replace(FINE, status=Status.SKIN | Status.STRAP_OPEN)
_OFFICER = Viewer("bench", Role.PROVINCE, None)
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class StreamFigures:
    alerts: int
    readings_per_s: float  # beside them
    p50_ms: float
    p99_ms: float


async def bench_stream(folder: Path, *, alerts: int, load_per_s: int, seed: int) -> StreamFigures:
    """Cut `alerts` straps one after another under a load of ordinary readings; `folder` must be empty."""
    people = fleet(2 * alerts, seed=seed)
    register, loop = register_of(people), asyncio.get_running_loop()
    desks: list[StoreDesk] = []

    def told(what: Told) -> None:
        if what.records and desks:
            loop.call_soon_threadsafe(desks[0].told, what.records[-1].position)

    memory = Memory(Bench(load_policy("default")))
    core = Core(
        open_store=lambda: _store(folder / "ancu.db"),
        roster=lambda _, held: None if held == register.version else register,
        project=project,
        memory=memory,
        clock=SystemClock(),
        told=told,
        listening=lambda: False,  # time does not pass: nothing but the cuts is to be raised
    )
    core.start()
    await asyncio.to_thread(core.wait_ready, 10)
    series = Series(folder / "series.duckdb", folder / "ancu.db")
    series.start()
    desk = StoreDesk(
        folder / "ancu.db",
        core=core,
        memory=memory,
        series=series,
        clock=SystemClock(),
        linked=lambda: True,
        link_counts=dict,
    )
    desks.append(desk)
    try:
        load = asyncio.create_task(_load(core, people[alerts:], load_per_s))
        took = await _cut(core, desk, people[:alerts])
        load.cancel()
        return StreamFigures(len(took), load_per_s, took[len(took) // 2] * 1000, took[len(took) * 99 // 100] * 1000)
    finally:
        await asyncio.to_thread(core.stop)
        series.stop()
        desk.close()


async def _cut(core: Core, desk: StoreDesk, people: Sequence[Home]) -> list[float]:
    stream = desk.changes(_OFFICER, 0)
    took = []
    for home in people:
        heard = home.bands[0].heard(to_ms(SystemClock().now()), _CUT, urgent=True)
        relay = relay_of([home.batch([heard], lane=Lane.ALARM)], home.gateway)
        began = time.perf_counter()
        core.deliver(*relay)
        while True:
            change = await asyncio.wait_for(anext(stream), _PATIENCE_S)
            if change.row.person == home.bands[0].person and change.row.kind == "strap_cut":
                break
        took.append(time.perf_counter() - began)
        await asyncio.sleep(0.01)
    return sorted(took)


async def _load(core: Core, people: Sequence[Home], per_s: int) -> None:
    """Batches of ten ordinary readings, as many as asked for."""
    counter = to_ms(SystemClock().now()) // 1000 - 80
    while True:
        for home in people:
            heard = [home.bands[0].heard((counter + i) * 1000) for i in range(10)]
            core.deliver(*relay_of([home.batch(heard)], home.gateway))
            await asyncio.sleep(10 / per_s)
        counter += 10


def _store(path: Path) -> Store:
    connection = connect(path)
    migrate(connection)
    return Store(connection, _KEY)

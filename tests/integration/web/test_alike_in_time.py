"""What is foreign is refused in the time that what is absent takes: nobody learns by a watch what he may not read.

Both are asked in turns, so that whatever else the machine does slows both; the quicker quarter of each is compared as a
ratio. A difference that is real stays however often it is looked at; one that is noise goes, so what looks different is
asked again, with more requests.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from . import test_matrix as matrix
from . import world as world_of

ALIKE = 1.3  # the slower over the quicker; a network's own jitter hides far more
ROUNDS = (20, 40, 80)  # pairs of requests
ROOMS = [  # one of each desk and store behind the API
    "GET /api/v1/alerts/{alert}",
    "GET /api/v1/handovers/{handover}",
    "GET /api/v1/orders/{order}",
    "GET /api/v1/readings",
    "GET /api/v1/sites/{site}",
    "GET /api/v1/cameras/{edge}/{camera}",
    "GET /api/v1/devices/given/{person}",
    "POST /api/v1/alerts/{alert}:acknowledge",
    "POST /api/v1/requests/{ask}:answer",
]
REST = sorted(
    route
    for route, line in matrix.LINES.items()
    if "/api/v1/" in route and line.sorts() and not line.stream and not line.form and "ward_b" not in line.let_in
    if route not in ROOMS
)
KEYS = count()


async def quicker_quarters(world: Any, line: matrix.Line, pairs: int) -> tuple[float, float]:
    """Of what is foreign and of what is absent, in seconds."""
    token = (await world.session("ward_b")).token
    took: tuple[list[float], list[float]] = ([], [])
    transport = httpx.ASGITransport(app=world.app)
    async with httpx.AsyncClient(transport=transport, base_url=world_of.HOST) as client:
        for turn in range(2 * pairs + 2):
            which = turn % 2
            path, body, query = matrix.filled(world, line, which)
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"t{next(KEYS)}"}
            more = {} if line.method == "GET" else {"json": body}
            request = client.build_request(line.method, path, params=query, headers=headers, **more)
            began = time.perf_counter()
            answer = await client.send(request)
            if turn >= 2:  # the first of each fills what is cached
                took[which].append(time.perf_counter() - began)
            assert answer.status_code in matrix.REFUSED, f"{line.route}: {answer.status_code}"
    foreign, absent = (sorted(times)[len(times) // 4] for times in took)
    return foreign, absent


async def ratio_of(world: Any, line: matrix.Line, rounds: tuple[int, ...] = ROUNDS) -> float:
    """The slower over the quicker, as the calmest round shows it."""
    ratio = float("inf")
    for pairs in rounds:
        foreign, absent = await quicker_quarters(world, line, pairs)
        ratio = min(ratio, max(foreign / absent, absent / foreign))
        if ratio < ALIKE:
            break
    return ratio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Any]:
    made = await world_of.make_world(tmp_path)
    yield made
    await made.close()


@pytest.mark.timeout(180)
async def test_foreign_and_absent_take_the_same_time(world: Any):
    ratios = {route: await ratio_of(world, matrix.LINES[route]) for route in ROOMS}
    assert {route: ratio for route, ratio in ratios.items() if ratio >= ALIKE} == {}


@pytest.mark.long  # the same rooms once more, by their other doors
@pytest.mark.timeout(600)
async def test_foreign_and_absent_take_the_same_time_at_every_other_door(world: Any):
    ratios = {route: await ratio_of(world, matrix.LINES[route]) for route in REST}
    assert {route: ratio for route, ratio in ratios.items() if ratio >= ALIKE} == {}


class Slower(world_of.CountingDesk):
    """Known bad: the same answer and the same queries, but what is there is looked at for longer."""

    async def alert(self, viewer: Any, alert: str) -> Any:
        known = await self._read(lambda db: db.execute("SELECT 1 FROM alerts WHERE id = ?", (alert,)).fetchone())
        if known:
            hashlib.sha256(bytes(4_000_000)).digest()
        return await super().alert(viewer, alert)


@pytest.mark.timeout(180)
async def test_a_desk_that_takes_longer_for_what_is_there_is_found_out(tmp_path: Path):
    world = await world_of.make_world(tmp_path, Slower)
    try:
        assert await ratio_of(world, matrix.LINES["GET /api/v1/alerts/{alert}"], ROUNDS[:2]) >= ALIKE
    finally:
        await world.close()


def test_every_door_with_an_id_is_timed():
    assert set(ROOMS) <= set(matrix.LINES)
    named = {route for route in matrix.LINES if "/api/v1/" in route and re.search(r"{\w+}", route)}
    unbarred = {route for route in named if "ward_b" in matrix.LINES[route].let_in}
    assert named - unbarred <= {*ROOMS, *REST}

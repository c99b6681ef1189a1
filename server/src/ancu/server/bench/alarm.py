"""Breach to alert: from the true moment in the radio to the officer's open stream, through every real part."""

from __future__ import annotations

import asyncio
import contextlib
import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ancu.models.clock import Clock, SystemClock
from ancu.models.errors import UsageError
from ancu.server.demo.chain import Chain
from ancu.server.demo.officer import Officer
from ancu.server.people.setup import make_installation

__all__ = ["AlarmFigures", "bench_alarm"]

_START_S = 120.0
_LOST_S = 15.0  # an alert that has not come by then is counted as missing
_KIND = "strap_cut"
_INTERVAL_S = 2.0  # between adverts of a band


@dataclass(frozen=True, slots=True)
class AlarmFigures:
    runs: int
    missing: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    worst_ms: float
    p95_intervals: float  # in advert intervals of the bands; infinite where more than one alert in twenty is missing


def bench_alarm(folder: Path, *, runs: int, seed: int, loss: float, known_bad: bool = False) -> AlarmFigures:
    """Cut the strap of one band after the other, at moments of its advert cycle that the seed draws.

    `loss` is the share of adverts that the air swallows. Bands of a `known_bad` run send an alarm once instead of again
    and again: the figures have to show it. `folder` must be empty.
    """
    waits = asyncio.run(_measure(folder, runs, seed, {"loss": loss, "repeats_urgent": not known_bad}))
    if not waits:
        raise UsageError("no alert arrived at all")
    cuts = statistics.quantiles(waits, n=100, method="inclusive") if len(waits) > 1 else [waits[0]] * 99
    return AlarmFigures(
        runs=runs,
        missing=runs - len(waits),
        p50_ms=round(cuts[49], 1),
        p95_ms=round(cuts[94], 1),
        p99_ms=round(cuts[98], 1),
        worst_ms=round(max(waits), 1),
        p95_intervals=round(cuts[94] / 1000 / _INTERVAL_S, 3) if len(waits) >= 0.95 * runs else float("inf"),
    )


async def _measure(folder: Path, runs: int, seed: int, sim: Mapping[str, object]) -> Sequence[float]:
    made = make_installation(folder, homes=runs, seed=seed, policy="demo", sim={"interval_s": _INTERVAL_S, **sim})
    chain, clock, rng = Chain(made), SystemClock(), random.Random(seed)  # noqa: S311 - moments, not secrets
    arrived: dict[str, float] = {}
    try:
        await chain.start()
        await chain.ready(_START_S)
        officer = await chain.province()
        watching = asyncio.create_task(_watch(officer, clock, arrived, runs))
        await chain.first_readings(officer, _START_S)
        cut_ms: dict[str, int] = {}
        for citizen in made.citizens:
            await asyncio.sleep(rng.uniform(0.1, 1.0))
            cut_ms[citizen.person] = await chain.air.do("cut_strap", citizen.band)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(watching, _LOST_S)
    finally:
        await chain.end()
    return _waits(arrived, cut_ms)


async def _watch(officer: Officer, clock: Clock, arrived: dict[str, float], enough: int) -> None:
    async for at, alert in officer.alerts(lambda: clock.now().timestamp()):
        if alert["kind"] == _KIND and alert["person"]:
            arrived.setdefault(alert["person"], at)
        if len(arrived) == enough:
            return


def _waits(arrived: Mapping[str, float], cut_ms: Mapping[str, int]) -> list[float]:
    return sorted(at * 1000 - cut_ms[person] for person, at in arrived.items() if person in cut_ms)

"""Time traps over the real core: no order ends early or late, and nobody is accused, whatever clocks do."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from ancu.models.clock import to_ms
from ancu.models.ids import EdgeId, GatewayId, OrderId, WardCode
from ancu.models.topics import Lane, Upstream
from ancu.models.wire import EdgeHeartbeat, JournalHealth, RadioHealth
from ancu.server.bench.fleet import Home, relay_of

pytestmark = pytest.mark.timeout(90)  # each second of virtual time is a commit to disk

LEAPS = [timedelta(days=2), -timedelta(hours=1), timedelta(days=30), timedelta(days=-20_000)]


class Box:
    """The box of the first home, whose clock is right."""

    def __init__(self, ward: Any) -> None:
        self._ward = ward
        keys = ward.memory.keyring.edges[EdgeId("e1")].keys
        self._home = Home(EdgeId("e1"), WardCode("w1"), GatewayId("g1"), keys, [], 77)

    def beat(self, at: datetime) -> tuple[Upstream, bytes]:
        at_ms = to_ms(at)
        radio, journal = RadioHealth(True, 100, 0), JournalHealth(0, 0, 0, 0)
        beat = EdgeHeartbeat(at_ms, 10, 3600, True, True, radio, journal, (), "1")
        topic, body = relay_of([self._home.batch([beat], lane=Lane.STATE, sent_ms=at_ms)], GatewayId("g1"), at_ms)
        self.again((topic, body))
        return topic, body

    def again(self, relay: tuple[Upstream, bytes]) -> None:
        assert self._ward.core.deliver(*relay)


async def live(ward: Any, seconds: int, *, box: Box | None = None, real: timedelta = timedelta(0)) -> None:
    """Time passes on the machine; the box says what time it really is: the machine's, less what that is off by."""
    for second in range(0, seconds, 5):
        if box is not None and second % 10 == 0:
            box.beat(ward.clock.now() - real)
        await ward.pass_time(seconds=3)  # and two more by the turn
        ward.clock.at += timedelta(seconds=2)


async def is_under_order(ward: Any) -> bool:
    """A scan under an order is a breach; told by a checkpoint whose clock is right."""
    before = len(await ward.alerts())
    at = ward.steady.now()
    answer = await ward.post("checkpoint-scans", person="p-1", checkpoint="bridge", at=at.isoformat())
    assert answer.status_code == 202, answer.text
    return len(await ward.alerts()) > before


@pytest.mark.parametrize("speaks", [True, False])
@pytest.mark.parametrize("leap", LEAPS)
async def test_a_server_whose_clock_leaps_releases_nobody_and_accuses_nobody(
    steady_ward: Any, leap: timedelta, *, speaks: bool
):
    ward = steady_ward
    ward.register().orders.extend(OrderId("o-1"), ward.clock.now() + timedelta(days=1))
    box = Box(ward) if speaks else None
    await live(ward, 60, box=box)
    before = await ward.alerts()
    ward.clock.at += leap
    await live(ward, 300, box=box, real=leap)
    assert await ward.alerts() == before
    assert await is_under_order(ward)
    ward.clock.at -= leap
    await live(ward, 60, box=box)
    assert ward.steady.off_s == 0


async def test_an_order_ends_at_its_own_time_though_the_clock_is_astray(steady_ward: Any):
    ward = steady_ward
    end = ward.clock.now() + timedelta(minutes=10)
    ward.register().orders.extend(OrderId("o-1"), end)
    ward.clock.at += timedelta(days=2)
    await live(ward, 590)
    assert ward.steady.now() < end
    assert await is_under_order(ward)
    await live(ward, 20)
    assert ward.steady.now() >= end
    assert not await is_under_order(ward)


async def test_a_machine_that_slept_goes_on_when_a_box_says_what_time_it_is_and_loses_nothing(steady_ward: Any):
    ward = steady_ward
    box = Box(ward)
    await live(ward, 30, box=box)
    ward.clock.at += timedelta(days=2)  # the monotonic clock stands still while a machine sleeps
    seen = ward.memory.latest.edge("e1").seen_ms
    left = box.beat(ward.clock.now())
    await ward.turn()
    assert ward.memory.latest.edge("e1").seen_ms == seen  # left to the gateway, which sends it again
    for _ in range(3):
        await live(ward, 10)
        box.again(left)
    await ward.turn()
    assert ward.steady.off_s == 0
    await ward.turn()
    assert ward.memory.latest.edge("e1").seen_ms > to_ms(ward.clock.now()) - 60_000
    assert ward.core.counts["frames_refused", "future"] == 0


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
async def test_the_machine_s_own_time_zone_and_its_summer_time_end_no_order(
    ward: Any, zone: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        midnight = datetime.fromisoformat("2026-03-09T00:00:00+07:00")  # the night of 8 March: New York's clocks leap
        ward.register().orders.extend(OrderId("o-1"), midnight)
        await ward.pass_time(seconds=(midnight - ward.clock.now()).total_seconds() - 5)
        await ward.post("checkpoint-scans", person="p-1", checkpoint="bridge", at=ward.at())
        count = len(await ward.alerts())
        assert "checkpoint_scan" in dict(await ward.alerts())
        await ward.pass_time(seconds=5)
        scan = await ward.post("checkpoint-scans", person="p-1", checkpoint="tunnel", at=ward.at())
        assert scan.status_code == 202
        assert len((await ward.get("checkpoint-scans")).json()["items"]) == 1
        assert len(await ward.alerts()) == count
    finally:
        monkeypatch.undo()
        time.tzset()

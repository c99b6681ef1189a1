"""The scan: lost and back, restarted when asked, when the adapter goes, and when the air falls silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ancu.edge import scan as module
from ancu.edge.ports import Advert, Radio, RadioLost
from ancu.edge.scan import Scan
from ancu.models.clock import SystemClock


class FakeRadio(Radio):
    def __init__(self) -> None:
        self.broken = False
        self.running = False
        self.starts = 0
        self.lose: Callable[[], None] = lambda: None

    async def start(self, hear: Callable[[Advert], None], lost: Callable[[], None]) -> None:
        if self.broken:
            raise RadioLost("unplugged")
        assert not self.running
        self.running, self.lose = True, lost
        self.starts += 1

    async def stop(self) -> None:
        self.running = False


@asynccontextmanager
async def running(radio: FakeRadio, changes: list[bool], *, stall_s: float = 30) -> AsyncIterator[Scan]:
    scan = Scan(radio, SystemClock(), stall_s=stall_s)
    task = asyncio.create_task(scan.run(lambda _: None, changes.append))
    try:
        yield scan
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert not radio.running


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not what():  # noqa: ASYNC110 - a fake has no event to wait for
            await asyncio.sleep(0.01)


async def test_a_scan_asked_for_again_is_restarted_and_counted():
    radio, changes = FakeRadio(), list[bool]()
    async with running(radio, changes) as scan:
        await until(lambda: radio.starts == 1)
        scan.again()
        await until(lambda: radio.starts == 2)
        assert scan.ok
        assert scan.rescans == 1
        assert changes == [True, False, True]


async def test_a_lost_adapter_is_taken_up_again_when_it_is_back():
    radio, changes = FakeRadio(), list[bool]()
    async with running(radio, changes) as scan:
        await until(lambda: radio.starts == 1)
        radio.broken = True
        radio.lose()
        await until(lambda: not scan.ok)
        radio.broken = False
        await until(lambda: scan.ok)
        assert changes == [True, False, True]


async def test_an_air_without_any_advert_restarts_the_scan_and_a_busy_one_does_not():
    radio, changes = FakeRadio(), list[bool]()
    async with running(radio, changes, stall_s=0.05):
        await until(lambda: radio.starts >= 3)
    radio, changes = FakeRadio(), []
    async with running(radio, changes, stall_s=0.05):
        for _ in range(20):
            radio.adverts += 1
            await asyncio.sleep(0.01)
        assert radio.starts == 1


def test_a_lost_adapter_is_tried_often_enough():
    assert module.LONGEST_WAIT_S <= 10

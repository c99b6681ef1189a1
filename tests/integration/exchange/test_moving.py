"""A person who moves between home and site: unknown until the new boxes hear the band, accused by neither place."""

from __future__ import annotations

from typing import Any

import pytest

from ancu.models.frame import Reading, Status
from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode
from ancu.server.cases.inputs import BandHeard, BandUnseen, EdgeAlive

pytestmark = pytest.mark.timeout(90)  # each second of virtual time is a commit to disk

WORN = Reading(80, False, 365, 70, 98, Status.SKIN | Status.MOTION, 0)
BAND = BandNumber(7)


class Boxes:
    """Boxes that live; one of them may hear the band."""

    def __init__(self, ward: Any) -> None:
        self._ward, self._counter = ward, 0

    async def live(self, seconds: int, heard_by: str | None) -> None:
        for _ in range(0, seconds, 10):
            now = self._ward.clock.now()
            for edge in ("e1", "s1"):
                await self._ward.tell(EdgeAlive(now, EdgeId(edge), 10, True, True))
            if heard_by is not None:
                self._counter += 1
                heard = BandHeard(now, now, EdgeId(heard_by), BAND, -60, self._counter, WORN, False, False)
                await self._ward.tell(heard)
            await self._ward.pass_time(seconds=8)
            self._ward.clock.at = now
            self._ward.clock.advance(seconds=10)


async def test_a_person_moves_to_a_site_and_home_again(ward: Any):
    register = ward.register()
    register.devices.add_edge(EdgeId("s1"), WardCode("w1"), gateway=GatewayId("g1"), site="Khu A")
    register.devices.add_band(BAND)
    register.devices.assign(BAND, OrderId("o-1"))
    await ward.turn()
    boxes = Boxes(ward)

    async def where() -> str:
        return (await ward.desk.person(ward.viewers["lan"], "p-1")).presence

    await boxes.live(60, "e1")
    assert await where() == "home"
    for box in ("s1", "e1"):
        register.orders.transfer(OrderId("o-1"), WardCode("w1"), EdgeId(box))
        await ward.turn()
        other = "e1" if box == "s1" else "s1"
        await ward.tell(BandUnseen(ward.clock.now(), EdgeId(other), BAND, ward.clock.now()))
        await boxes.live(100, None)
        assert await where() == "unknown"
        await boxes.live(60, box)
        assert await where() == "home"
    kinds = {kind for kind, _ in await ward.alerts()}
    assert kinds <= {"never_activated"}  # of the days before the band was there

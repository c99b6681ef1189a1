"""How loud a band is, from the air to where the server shows its person: one sign among others."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from ancu.edge.calibration_file import Walked
from ancu.models.clock import SystemClock

from .conftest import until

pytestmark = [
    pytest.mark.timeout(120),  # many parts in one process, on machines that do other things too
    pytest.mark.long,  # a box says far after minutes, which are seconds here
]
FASTER = 40  # the edge's patience of minutes passes in seconds, before the band's counter runs too far ahead
SINCE = datetime(2026, 3, 2, tzinfo=UTC)


class Hasty(SystemClock):
    def monotonic(self) -> float:
        return time.monotonic() * FASTER


def walked(*, near_dbm: float, far_dbm: float) -> Walked:
    return Walked(walked_at=SINCE, band=1, proven=True, rooms=(), near_dbm=near_dbm, far_dbm=far_dbm)


LOUD_ENOUGH = walked(near_dbm=-110, far_dbm=-118)  # whatever is heard at all is near
NEVER = walked(near_dbm=0, far_dbm=-8)  # whatever is heard comes from outside


def shown(place: Any) -> tuple[str, list[Any]]:
    """Presence, and kind and why of every alert."""
    server = place.server
    presence, _ = server.memory.judging.presence(place.band.person, SystemClock().now())
    alerts = server.rows("SELECT kind, why FROM alerts WHERE kind NOT IN ('never_activated')")
    return presence, [(row["kind"], row["why"]) for row in alerts]


async def begin(place: Any, walk: Walked | None) -> None:
    place.policy = "demo"  # its patience is seconds
    await place.put_band()
    place.start_server()
    await place.start_edge(visit_s=0, walked=walk, clock=Hasty())


async def test_a_band_that_every_box_hears_only_faintly_is_unknown_and_a_doubt(place: Any):
    await begin(place, NEVER)
    await until(lambda: shown(place)[0] == "home")
    await until(lambda: shown(place)[0] == "unknown")
    await until(lambda: shown(place)[1], within_s=60)
    ((kind, why),) = shown(place)[1]
    assert kind == "out_of_range"
    assert b"heard_faintly" in why


@pytest.mark.parametrize("walk", [LOUD_ENOUGH, None], ids=["near", "never walked"])
async def test_a_band_that_is_near_or_of_a_home_that_nobody_walked_stays_home(place: Any, walk: Walked | None):
    await begin(place, walk)
    await until(lambda: shown(place)[0] == "home")
    agent, began = place.agent, time.monotonic()
    far_s = 260  # five slots and the patience before a box says far
    await until(lambda: (time.monotonic() - began) * FASTER > 1.5 * far_s)
    assert shown(place) == ("home", [])
    if walk is not None:
        await until(lambda: agent._nearness.near(place.band.number))

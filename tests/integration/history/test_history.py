"""From the flash of a band to the series of the server: everything between is real but the broker."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ancu.models.clock import from_ms
from ancu.server.ingest.columns import Flag

from .conftest import until

pytestmark = pytest.mark.timeout(120)  # many parts in one process, on machines that do other things too


async def test_what_a_band_recorded_comes_back_with_its_own_time_late_and_once(place: Any):
    await place.put_band()
    server = place.start_server()
    began_s = place.record(480)  # eight hours out of range
    await place.start_edge()
    await until(lambda: server.upto() >= 482)
    readings = server.history()
    assert [reading["head"] for reading in readings[:480]] == list(range(3, 483))  # two clock records go before
    assert [reading["heard_ms"] // 1000 for reading in readings[:480]] == [began_s + 60 * i for i in range(1, 481)]
    assert [reading["heart_bpm"] for reading in readings[:480]] == [60 + i % 40 for i in range(480)]
    assert all(reading["flags"] & Flag.LATE for reading in readings)
    server.series.catch_up()
    begin = from_ms(began_s * 1000)
    points = server.series.query(place.band.number, begin, begin + timedelta(minutes=480.5), 60)
    assert sum(point.heard for point in points) == 480
    assert [tuple(row) for row in server.rows("SELECT kind FROM alerts WHERE kind != 'never_activated'")] == []


async def test_records_are_freed_by_the_servers_receipt_and_not_before(place: Any):
    await place.put_band()
    place.record(50)
    await place.start_edge()
    await until(lambda: place.agent._visitor.counts["records"] >= 51)
    await until(lambda: place.agent._visitor.counts["well"] >= 2)
    log = place.unit.band.log
    assert log.stored.history_base == 1
    server = place.start_server()
    await until(lambda: server.upto() >= 51)
    await until(lambda: log.stored.history_base > 51)

"""A key that was rotated, and a band that was revoked, at the server and at the edge."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ancu.models.ids import BandNumber, OrderId
from ancu.models.keys import derive_band_keys

from .conftest import Place, until

pytestmark = pytest.mark.timeout(120)


def register(place: Place, **changes: Any) -> None:
    """The register says something else of the band from now on."""
    assert place.server is not None
    old = place.server.register
    record = dataclasses.replace(old.bands[place.band.number], **changes)
    place.server.register = dataclasses.replace(old, version=old.version + 1, bands={record.number: record})


def readings(place: Place) -> int:
    assert place.server is not None
    return place.server.core.counts["readings", ""]


async def test_a_revoked_band_is_believed_no_more_and_its_edge_forgets_it_within_a_minute(place: Any):
    await place.put_band()
    place.start_server()
    agent = await place.start_edge(visit_s=600)
    await until(lambda: readings(place) >= 2)
    register(place, revoked=True)
    await until(lambda: agent._bands_watch.bands == {}, within_s=60)
    assert place.band.keys.identity.hex() not in (place.folder / "bands.toml").read_text()
    said = readings(place)
    await until(lambda: agent._bands.strangers >= 5)
    assert readings(place) <= said + 1  # one may have been on its way


async def test_a_rotated_key_is_in_force_within_a_minute_and_the_log_begins_anew(place: Any):
    await place.put_band()
    server = place.start_server()
    place.record(20)
    agent = await place.start_edge()
    await until(lambda: server.upto() >= 22)
    keys = derive_band_keys(b"n" * 16, OrderId(place.band.order))
    register(place, keys=keys)
    await until(lambda: agent._bands_watch.bands == {BandNumber(place.band.number): keys.identity}, within_s=60)
    said = readings(place)
    await place.take_band()
    place.band.keys = keys  # the depot writes it
    await place.put_band()
    await until(lambda: readings(place) > said)
    held = "SELECT count(*) AS n FROM history_held WHERE upto > 0"
    await until(lambda: server.rows(held)[0]["n"] == 2)
    assert server.rows("SELECT * FROM history_faults") == []

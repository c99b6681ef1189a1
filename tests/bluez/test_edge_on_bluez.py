"""The agent as it is shipped, on `bluetoothd`: what it hears, what it keeps, what it does without an adapter."""

import pytest

from ancu.models.frame import Status
from ancu.models.topics import Lane

from .conftest import Bands, Edge, opened, until

pytestmark = [pytest.mark.bluez, pytest.mark.timeout(120)]


async def test_sealed_adverts_come_through_bluez_into_the_journal(edge: Edge):
    await until(lambda: len([h for h in edge.heard() if h.band == 1]) >= 5 and any(h.band == 2 for h in edge.heard()))
    for band in (1, 2):
        counters = [opened(heard).counter for heard in edge.heard() if heard.band == band]
        assert counters == sorted(set(counters))
    assert len({heard.rssi_dbm for heard in edge.heard()}) > 1


async def test_a_cut_strap_is_an_alarm(edge: Edge, bands: Bands):
    await until(edge.heard)
    await bands.do("cut_strap", band=1)
    alarm = await until(lambda: [heard for heard in edge.heard(Lane.ALARM) if heard.band == 1])
    assert Status.STRAP_OPEN in opened(alarm[-1]).reading.status

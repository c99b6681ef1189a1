"""The agent as it is shipped, on `bluetoothd`: what it hears, what it keeps, what it does without an adapter.

One edge for all of them, in the order of the file: starting it is most of the time.
"""

import pytest

from ancu.models.band_facts import BandUpdated, ReducedVitals
from ancu.models.clock import SystemClock, to_ms
from ancu.models.frame import Status
from ancu.models.history import FIRST_TAG, TAG_BYTES, chain_tag, sequence_of
from ancu.models.topics import Lane
from ancu.models.wire import Unseen

from .conftest import ORDINARY, OUTSIDE, Adapter, Bands, Edge, keys_of, opened, until

pytestmark = [pytest.mark.bluez, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]


def now_ms() -> int:
    return to_ms(SystemClock().now())


async def test_sealed_adverts_come_through_bluez_into_the_journal(edge: Edge):
    await until(lambda: len([heard for heard in edge.heard() if heard.band == 1]) >= 5)
    await until(lambda: edge.bands_heard_since(0) >= {1, 2})
    for band in (1, 2):
        counters = [opened(heard).counter for heard in edge.heard() if heard.band == band]
        assert counters == sorted(set(counters))
    assert len({heard.rssi_dbm for heard in edge.heard()}) > 1


async def test_every_adapter_of_the_box_hears(edge: Edge):
    assert await until(lambda: edge.bands_heard_since(0) == {1, 2, 3})


async def test_eight_hours_of_history_come_over_a_bond_that_the_edge_made(edge: Edge):
    for band in (1, 2, 3):
        await until(lambda of=band: len(edge.history(of)) >= 480, within_s=60)
        records = edge.history(band)
        assert [sequence_of(record) for record in records] == list(range(1, len(records) + 1))
        tag, key = FIRST_TAG, keys_of(band).history
        for record in records:
            assert record[-TAG_BYTES:] == chain_tag(key, tag, record)
            tag = record[-TAG_BYTES:]


async def test_a_band_of_the_shop_is_read_without_a_bond(edge: Edge):
    (vitals, *_) = await until(lambda: edge.facts(ReducedVitals))
    assert (vitals.band, vitals.contact) == (ORDINARY, True)
    assert 40 <= (vitals.heart_bpm or 0) <= 160
    assert vitals.battery_percent is not None


async def test_a_cut_strap_is_an_alarm(edge: Edge, bands: Bands):
    await bands.do("cut_strap", band=1)
    alarm = await until(lambda: [heard for heard in edge.heard(Lane.ALARM) if heard.band == 1])
    assert Status.STRAP_OPEN in opened(alarm[-1]).reading.status


async def test_an_adapter_that_is_pulled_out_leaves_the_other_one_listening(edge: Edge, other_adapter: Adapter):
    await other_adapter.pull_out()
    gone_ms = now_ms() + 3000
    await until(lambda: edge.bands_heard_since(gone_ms) == {1, 2} and edge.heartbeats()[-1].at_ms > gone_ms)
    assert edge.heartbeats()[-1].radio.ok


async def test_without_any_adapter_the_edge_says_that_it_is_deaf_and_accuses_nobody(edge: Edge, adapter: Adapter):
    await adapter.pull_out()
    await until(lambda: not edge.heartbeats()[-1].radio.ok)
    # Those of the adapter that is left out are another matter: band 3 was searched for by the one that was there.
    assert not [fact for fact in edge.records(Lane.ALARM) if isinstance(fact, Unseen) and fact.band != 3]


async def test_an_adapter_that_comes_back_is_taken_up_again(edge: Edge, adapter: Adapter, other_adapter: Adapter):
    await adapter.plug_in()
    await other_adapter.plug_in()
    back_ms = now_ms()
    await until(lambda: edge.bands_heard_since(back_ms) == {1, 2, 3})
    assert await until(lambda: edge.heartbeats()[-1].radio.ok)


async def test_a_restarted_edge_takes_its_bonds_up_fetches_nothing_twice_and_brings_new_firmware(edge: Edge):
    held = {band: edge.history(band) for band in (1, 2, 3)}
    await edge.stop()
    said, began_ms = len(edge.log()), now_ms()
    await edge.start(f'update_file = "{OUTSIDE}/band.bin"\n')
    await until(lambda: {clock.band for clock in edge.clocks() if clock.at_ms > began_ms} == {1, 2, 3}, within_s=60)

    def told() -> list[str]:
        return [fact.outcome for fact in edge.facts(BandUpdated) if fact.band == 1]

    await until(lambda: "running" in told(), within_s=60)
    assert told() == ["sent", "running"]
    assert "a bond is made anew" not in edge.log()[said:]
    for band, before in held.items():
        sequences = [sequence_of(record) for record in edge.history(band)]
        assert sequences[: len(before)] == [sequence_of(record) for record in before]
        assert sequences == list(range(1, len(sequences) + 1))

"""Whatever the way does to batches, the inbox holds each record once, in order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ancu.models.ids import partition_of
from ancu.models.topics import Lane, Upstream
from ancu.models.wire import Relayed
from ancu.server.bench.fleet import Home, fleet, register_of, relay_of
from ancu.server.ingest.columns import reading_tuples
from ancu.server.ingest.keyring import keyring_of
from ancu.server.ingest.pipeline import Pipeline

NOW = 1_790_000_000_000
KEYRING = keyring_of(register_of(fleet(2)))


def stream(home: Home, records: int, size: int) -> list[Relayed]:
    """An edge's whole state lane, cut into batches."""
    heard = [home.bands[0].heard(NOW - 60_000 + 1000 * i) for i in range(records)]
    return [home.batch(heard[at : at + size]) for at in range(0, records, size)]


def believed(pipeline: Pipeline, items: list[Relayed], home: Home) -> list[int]:
    """Counters in the order of the inbox after these items came one by one."""
    counters: list[int] = []
    for item in items:
        topic, body = relay_of([item], home.gateway)
        for row in pipeline.take(topic, body, KEYRING, NOW).rows:
            counters += [reading[2] for reading in reading_tuples(row.readings)]
    return counters


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_resends_duplicates_and_disorder_leave_each_record_once_and_in_order(data: st.DataObject):
    home = fleet(1)[0]
    sizes = data.draw(st.integers(1, 7)), data.draw(st.integers(1, 7))
    ways = stream(home, 20, sizes[0])
    home.sent.clear()
    ways += stream(home, 20, sizes[1])  # the same records, cut otherwise: go-back-N
    sent = data.draw(st.lists(st.sampled_from(ways), max_size=30))
    pipeline = Pipeline()
    seen = believed(pipeline, sent, home)
    home.sent.clear()
    seen += believed(pipeline, stream(home, 20, 4), home)  # in the end everything comes through once
    assert seen == [NOW // 1000 - 60 + i for i in range(20)]


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_restart_at_any_point_changes_nothing(data: st.DataObject):
    home = fleet(1)[0]
    items = stream(home, 12, 3)
    items = data.draw(st.lists(st.sampled_from(items), max_size=10)) + items
    cut = data.draw(st.integers(0, len(items)))
    straight = believed(Pipeline(), items, home)
    first = Pipeline()
    seen = believed(first, items[:cut], home)
    second = Pipeline()
    second.marks = dict(first.marks)
    second.receiver.restore(first.receiver.snapshot())
    assert seen + believed(second, items[cut:], home) == straight


@given(st.binary(max_size=200), st.integers(0, 63))
def test_noise_never_crashes_and_is_counted(noise: bytes, partition: int):
    taken = Pipeline().take(Upstream(partition, fleet(1)[0].gateway), noise, KEYRING, NOW)
    assert not taken.rows
    assert not taken.confirms


@given(st.binary(max_size=300), st.sampled_from(list(Lane)))
def test_noise_inside_a_relay_never_crashes_and_the_good_beside_it_is_kept(noise: bytes, lane: Lane):
    home = fleet(1)[0]
    good = home.batch([home.bands[0].heard(NOW)])
    topic, body = relay_of([Relayed(home.ward, home.edge, lane, NOW, noise), good], home.gateway)
    taken = Pipeline().take(topic, body, KEYRING, NOW)
    assert [confirm.upto for confirm in taken.confirms] == [1]
    assert taken.counts["readings", ""] == 1
    assert sum(count for (name, _), count in taken.counts.items() if name == "bodies_refused") == 1


@given(st.integers(0, 24 * 8 - 1))
def test_every_flipped_bit_of_a_frame_is_refused_and_counted(bit: int):
    home = fleet(1)[0]
    heard = home.bands[0].heard(NOW)
    flipped = bytearray(heard.body)
    flipped[bit // 8] ^= 1 << bit % 8
    bad = type(heard)(heard.at_ms, heard.band, heard.address, heard.rssi_dbm, heard.adverts, bytes(flipped))
    topic, body = relay_of([home.batch([bad, heard])], home.gateway)
    taken = Pipeline().take(topic, body, KEYRING, NOW)
    refused = {label: count for (name, label), count in taken.counts.items() if name == "frames_refused"}
    assert sum(refused.values()) == 1
    assert taken.counts["readings", ""] == 1


@given(st.integers(0, 10_000))
def test_every_flipped_bit_of_a_batch_is_refused(bit: int):
    home = fleet(1)[0]
    item = home.batch([home.bands[0].heard(NOW)])
    flipped = bytearray(item.body)
    flipped[bit // 8 % len(flipped)] ^= 1 << bit % 8
    bad = Relayed(item.ward, item.edge, item.lane, item.received_ms, bytes(flipped))
    taken = Pipeline().take(
        Upstream(partition_of(home.edge), home.gateway), relay_of([bad], home.gateway)[1], KEYRING, NOW
    )
    assert not taken.confirms
    assert all(not row.readings for row in taken.rows)

"""Rows of the inbox become inputs, the same now and after a restart."""

from __future__ import annotations

import pytest

from ancu.models.clock import from_ms
from ancu.models.ids import EdgeId
from ancu.models.topics import Lane
from ancu.models.wire import (
    CameraCrossing,
    EdgeHeartbeat,
    Fact,
    Heard,
    JournalHealth,
    MainsChanged,
    RadioHealth,
    Unseen,
)
from ancu.server.bench.fleet import fleet, register_of, relay_of
from ancu.server.cases.inputs import BandHeard, BandUnseen, DoorCrossed, EdgeAlive, FrameTrouble, MainsTurned
from ancu.server.ingest.keyring import keyring_of
from ancu.server.ingest.latest import Latest
from ancu.server.ingest.pipeline import Pipeline
from ancu.server.ingest.rows import Row, inputs_of

NOW = 1_790_000_000_000
HOME = fleet(1)[0]
KEYRING = keyring_of(register_of([HOME]))
BEAT = EdgeHeartbeat(
    NOW - 1000, 10, 50, True, True, RadioHealth(True, 9, 0), JournalHealth(1, 2, 3, 0), (), "1.0"
)  # fmt: skip


def row_of(*records: Heard | Fact, lane: Lane = Lane.STATE, now_ms: int = NOW, base: int = 1, first: int = 1) -> Row:
    topic, body = relay_of([HOME.batch(records, lane=lane, base=base, first=first)], HOME.gateway)
    (row,) = Pipeline().take(topic, body, KEYRING, now_ms).rows
    return row


def test_readings_and_facts_keep_the_order_in_which_the_edge_wrote_them():
    band = HOME.bands[0]
    row = row_of(band.heard(NOW - 9000), BEAT, band.heard(NOW - 2000), MainsChanged(NOW - 500, on=False))
    assert [type(i) for i in inputs_of(row)] == [BandHeard, EdgeAlive, BandHeard, MainsTurned]
    first = inputs_of(row)[0]
    assert isinstance(first, BandHeard)
    assert (first.at, first.band, first.edge, first.late) == (from_ms(NOW - 9000), band.number, HOME.edge, False)
    assert inputs_of(row) == inputs_of(row)


def test_stored_facts_are_marked_late():
    row = row_of(Unseen(NOW - 100_000, 1, None, 2), CameraCrossing(NOW - 10, "c", "d", "out", 1, 0.9, 3))
    unseen, crossed = inputs_of(row)
    assert isinstance(unseen, BandUnseen)
    assert isinstance(crossed, DoorCrossed)
    assert (unseen.late, crossed.late) == (True, False)


def test_an_edge_whose_clock_runs_ahead_does_not_live_in_the_future():
    ahead = MainsChanged(NOW + 3_600_000, on=True)
    (turned,) = inputs_of(row_of(ahead))
    assert turned.at == from_ms(NOW)


@pytest.mark.parametrize(("lane", "troubles"), [(Lane.STATE, 1), (Lane.BULK, 0)])
def test_what_an_edge_gave_up_is_trouble_unless_it_was_bulk(lane: Lane, troubles: int):
    row = row_of(HOME.bands[0].heard(NOW), lane=lane, base=4, first=4)
    gaps = [i for i in inputs_of(row) if isinstance(i, FrameTrouble)]
    assert [(gap.reason, gap.count) for gap in gaps] == [("gap", 3)] * troubles


def test_the_latest_never_moves_backwards():
    latest, band = Latest(), HOME.bands[0]
    latest.take(row_of(band.heard(NOW - 1000), BEAT))
    latest.take(row_of(band.heard(NOW - 60_000), now_ms=NOW + 1))
    newest, edge = latest.band(band.number), latest.edge(HOME.edge)
    assert newest is not None
    assert newest.counter == (NOW - 1000) // 1000
    assert edge is not None
    assert (edge.version, edge.waiting, edge.seen_ms) == ("1.0", 6, NOW + 1)
    again = Latest()
    again.restore(latest.snapshot())
    assert again.band(band.number) == newest


def test_a_note_of_trouble_does_not_make_an_edge_look_alive():
    latest = Latest()
    latest.take(Row(NOW, HOME.ward, EdgeId(HOME.edge), HOME.gateway, 0, 0, 0, 0, b"", b""))
    edge = latest.edge(HOME.edge)
    assert edge is None or not edge.seen_ms

"""The strict receiver."""

from __future__ import annotations

import dataclasses

from ancu.models.errors import FrameReason
from ancu.models.frame import Status
from ancu.models.topics import Lane
from ancu.models.wire import BatchHeader, Heard, open_batch, pack_record, seal_batch
from ancu.server.bench.fleet import FINE, fleet, register_of
from ancu.server.ingest.columns import Flag, reading_rows
from ancu.server.ingest.keyring import keyring_of
from ancu.server.ingest.verify import Received, Receiver

NOW = 1_790_000_000_000
HOME, NEIGHBOUR = fleet(2)
BAND = HOME.bands[0]
CIPHERS = keyring_of(register_of([HOME, NEIGHBOUR])).ciphers


def hear(
    receiver: Receiver, *heard: Heard, edge: str = HOME.edge, lane: Lane = Lane.STATE, now_ms: int = NOW
) -> Received:
    header = BatchHeader(HOME.edge, lane, 1, 1, 1, len(heard), 0)
    batch = open_batch(seal_batch(header, [pack_record(one) for one in heard], HOME.keys.up), HOME.keys.up)
    return receiver.receive(batch.heard, CIPHERS, edge=edge, lane=lane, now_ms=now_ms)


def reasons(received: Received) -> dict[str, int]:
    return {str(reason): count for (_, reason), count in received.refused.items()}


def test_a_fresh_frame_is_believed_as_it_was_said():
    received = hear(Receiver(), BAND.heard(NOW))
    row = reading_rows(received.readings)[0]
    assert (row["band"], row["counter"], row["heart_bpm"], row["flags"]) == (BAND.number, NOW // 1000, 71, 0)


def test_the_same_frame_from_the_same_lane_is_a_replay_but_at_once_no_trouble():
    receiver = Receiver()
    heard = BAND.heard(NOW - 10_000)
    hear(receiver, heard)
    received = hear(receiver, dataclasses.replace(heard, at_ms=NOW))
    assert reasons(received) == {"replay": 1}
    assert not received.troubles


def test_a_frame_played_again_a_minute_later_is_trouble():
    receiver = Receiver()
    heard = BAND.heard(NOW - 70_000)
    hear(receiver, heard, BAND.heard(NOW - 40_000))
    received = hear(receiver, dataclasses.replace(heard, at_ms=NOW))
    assert received.troubles == {(BAND.number, FrameReason.REPLAY): 1}


def test_a_frame_heard_long_after_its_time_is_stale_whatever_lane_brings_it():
    heard = dataclasses.replace(BAND.heard(NOW - 200_000), at_ms=NOW)
    for lane in Lane:
        assert reasons(hear(Receiver(), heard, lane=lane)) == {"stale": 1}


def test_the_same_frame_heard_by_another_box_is_an_echo():
    receiver = Receiver()
    heard = BAND.heard(NOW)
    hear(receiver, heard)
    received = hear(receiver, heard, edge=NEIGHBOUR.edge)
    assert (received.echoes, received.count, reasons(received)) == (1, 0, {})


def test_an_urgent_frame_that_comes_by_both_lanes_is_kept_once():
    receiver = Receiver()
    heard = BAND.heard(NOW, dataclasses.replace(FINE, status=Status.SOS), urgent=True)
    assert hear(receiver, heard, lane=Lane.ALARM).count == 1
    assert hear(receiver, heard, lane=Lane.STATE).count == 0


def test_other_content_under_a_used_counter_is_a_clone():
    receiver = Receiver()
    hear(receiver, BAND.heard(NOW))
    other = BAND.heard(NOW, dataclasses.replace(FINE, heart_bpm=90))
    received = hear(receiver, other, edge=NEIGHBOUR.edge)
    assert received.troubles == {(BAND.number, FrameReason.CLONE): 1}


def test_state_that_alarms_overtook_is_kept_and_marked_late():
    receiver = Receiver()
    hear(receiver, BAND.heard(NOW), lane=Lane.ALARM)
    received = hear(receiver, BAND.heard(NOW - 20_000), lane=Lane.STATE)
    assert reading_rows(received.readings)["flags"].tolist() == [int(Flag.LATE)]


def test_stored_frames_are_kept_and_marked_late():
    received = hear(Receiver(), BAND.heard(NOW - 3_600_000), BAND.heard(NOW - 1_000))
    assert reading_rows(received.readings)["flags"].tolist() == [int(Flag.LATE), 0]


def test_a_frame_from_the_future_is_refused():
    assert reasons(hear(Receiver(), BAND.heard(NOW, counter=NOW // 1000 + 120))) == {"future": 1}
    assert reasons(hear(Receiver(), BAND.heard(NOW + 120_000))) == {"future": 1}


def test_an_unsynced_counter_needs_only_to_grow():
    receiver = Receiver()
    unsynced = dataclasses.replace(FINE, status=Status.UNSYNCED)
    assert hear(receiver, BAND.heard(NOW, unsynced, counter=5), BAND.heard(NOW, unsynced, counter=6)).count == 2
    assert reasons(hear(receiver, BAND.heard(NOW, unsynced, counter=6))) == {"replay": 1}


def test_an_unknown_band_is_counted_and_nobody_is_troubled():
    stranger = fleet(3)[2].bands[0].heard(NOW)
    received = hear(Receiver(), stranger)
    assert reasons(received) == {"unknown_band": 1}
    assert not received.troubles

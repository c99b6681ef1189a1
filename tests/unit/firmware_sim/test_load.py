import random

from ancu.firmware_sim.flash import MemoryFlash
from ancu.firmware_sim.load import LoadBand, Tally, VirtualEdge
from ancu.models.frame import frame_cipher, open_frame
from ancu.models.ids import BandNumber, EdgeId, OrderId, WardCode
from ancu.models.keys import derive_band_keys, derive_edge_keys
from ancu.models.topics import Lane
from ancu.models.wire import Batch, Confirmation, EdgeHeartbeat, encode_confirm, open_batch

NOW_MS = 1_750_000_000_000
BAND, EDGE = derive_band_keys(bytes(16), OrderId("order-1")), derive_edge_keys(bytes(32))


def edge_with(tally: Tally, bands: int = 3) -> VirtualEdge:
    heard = [
        LoadBand(BandNumber(i + 1), BAND, MemoryFlash(), random.Random(i), at_ms=NOW_MS, interval_ms=1000)
        for i in range(bands)
    ]
    return VirtualEdge(EdgeId("edge-1"), WardCode("w-01"), EDGE, heard, tally, at_ms=NOW_MS)


def take(edge: VirtualEdge, at_ms: int) -> Batch:
    body = edge.next_batch(at_ms)
    assert body is not None
    return open_batch(body, EDGE.up)


def confirm(batch: Batch, upto: int, key: bytes = EDGE.down) -> bytes:
    return encode_confirm(Confirmation(EdgeId("edge-1"), Lane.STATE, batch.header.epoch, upto), key)


def test_a_virtual_edge_states_sealed_frames_and_its_heartbeat():
    edge = edge_with(Tally())
    edge.listen(NOW_MS)
    batch = take(edge, NOW_MS)
    assert (batch.header.first, batch.header.count, batch.header.base) == (1, 4, 1)
    for _, heard in batch.heard_records():
        assert open_frame(heard.body, frame_cipher(BAND.frame), heard.address).counter == NOW_MS // 1000
    assert [type(fact) for _, fact in batch.facts] == [EdgeHeartbeat]
    assert edge.next_batch(NOW_MS) is None


def test_only_readings_under_an_authentic_confirm_count():
    tally = Tally()
    edge = edge_with(tally)
    edge.listen(NOW_MS)
    batch = take(edge, NOW_MS)
    edge.confirmed(confirm(batch, 4, key=bytes(32)), NOW_MS + 5)
    assert tally.confirmed == 0
    edge.confirmed(confirm(batch, 4), NOW_MS + 7)
    assert (tally.sent, tally.confirmed, tally.confirm_ms, edge.waiting) == (3, 3, [7], 0)


def test_what_is_overdue_goes_out_again_from_the_first_unconfirmed_record():
    tally = Tally()
    edge = edge_with(tally)
    edge.listen(NOW_MS)
    first = take(edge, NOW_MS)
    edge.listen(NOW_MS + 1100)
    take(edge, NOW_MS + 1100)
    edge.confirmed(confirm(first, 2), NOW_MS + 1200)
    assert edge.next_batch(NOW_MS + 9_000) is None
    again = take(edge, NOW_MS + 12_000)
    assert (again.header.first, again.header.base, again.header.count) == (3, 3, 5)
    assert tally.resent == 1


def test_a_confirm_of_another_epoch_or_a_second_time_changes_nothing():
    tally = Tally()
    edge = edge_with(tally)
    edge.listen(NOW_MS)
    batch = take(edge, NOW_MS)
    foreign = Confirmation(EdgeId("edge-1"), Lane.STATE, batch.header.epoch ^ 1, 4)
    edge.confirmed(encode_confirm(foreign, EDGE.down), NOW_MS)
    assert tally.confirmed == 0
    for _ in range(2):
        edge.confirmed(confirm(batch, 4), NOW_MS)
    assert tally.confirmed == 3

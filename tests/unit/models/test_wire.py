from __future__ import annotations

import msgspec
import numpy as np
import pytest

from ancu.models import wire
from ancu.models.errors import WireReason, WireRefused
from ancu.models.ids import BandNumber, EdgeId, GatewayId
from ancu.models.topics import Lane

KEY = bytes(range(32))
BODY = bytes(range(24))


def header(count: int) -> wire.BatchHeader:
    return wire.BatchHeader(EdgeId("home-001"), Lane.ALARM, epoch=9, base=1, first=4, count=count, sent_ms=5)


def heard(band: int, rssi: int = -60) -> wire.Heard:
    return wire.Heard(1_760_000_000_123, BandNumber(band), b"\x52\x34\x56\x8f\x9f\x2f", rssi, 3, BODY)


def seal(*records: bytes) -> bytes:
    return wire.seal_batch(header(len(records)), records, KEY)


def refusal(body: bytes, key: bytes = KEY) -> WireReason:
    with pytest.raises(WireRefused) as refused:
        wire.open_batch(body, key)
    return refused.value.reason


def test_numpy_reads_the_heard_records_of_a_batch_without_copying() -> None:
    fact = wire.pack_record(wire.MainsChanged(1, on=False))
    batch = wire.open_batch(seal(wire.pack_record(heard(1)), fact, wire.pack_record(heard(2, -71))), KEY)
    rows = np.frombuffer(batch.heard, np.dtype(list(wire.HEARD_FIELDS)))
    assert rows["band"].tolist() == [1, 2]
    assert rows["offset"].tolist() == [0, 2]
    assert rows["rssi_dbm"].tolist() == [-60, -71]
    assert rows["at_ms"].tolist() == [1_760_000_000_123] * 2
    assert rows["body"][1].tobytes() == BODY
    assert rows["address"][0].tobytes() == heard(1).address
    assert batch.facts == ((1, wire.MainsChanged(1, on=False)),)


def test_rssi_and_adverts_are_held_to_their_byte() -> None:
    wild = wire.Heard(1, BandNumber(1), bytes(6), -300, 999, BODY)
    back = wire.unpack_record(wire.pack_record(wild))
    assert isinstance(back, wire.Heard)
    assert (back.rssi_dbm, back.adverts) == (-128, 255)


def test_a_fact_of_the_future_is_listed_and_its_neighbours_kept() -> None:
    future = b"F" + msgspec.msgpack.encode(["of_the_future", False, {"at_ms": 1}])
    critical = b"F" + msgspec.msgpack.encode(["of_the_future", True, {"at_ms": 1}])
    broken = b"F" + msgspec.msgpack.encode(["mains", False, {"at_ms": "one"}])
    batch = wire.open_batch(seal(future, wire.pack_record(heard(1)), critical, broken), KEY)
    assert batch.refused == (
        wire.Refused(0, WireReason.VERSION),
        wire.Refused(2, WireReason.CRITICAL),
        wire.Refused(3, WireReason.LAYOUT),
    )
    assert [offset for offset, _ in batch.heard_records()] == [1]


def test_an_unknown_optional_field_of_a_fact_is_ignored() -> None:
    more = b"F" + msgspec.msgpack.encode(["mains", False, {"type": "mains", "at_ms": 1, "on": True, "volts": 230}])
    assert wire.open_batch(seal(more), KEY).facts == ((0, wire.MainsChanged(1, on=True)),)


def test_what_is_wrong_with_a_batch_is_named() -> None:
    body = seal(wire.pack_record(heard(1)))
    assert refusal(body, bytes(32)) is WireReason.SEAL
    assert refusal(body[:20]) is WireReason.SHORT
    assert refusal(b"XX" + body[2:]) is WireReason.MAGIC
    assert refusal(body[:2] + b"\x02" + body[3:]) is WireReason.VERSION
    assert refusal(body[:3] + b"\x09" + body[4:]) is WireReason.LAYOUT
    assert refusal(body[:5] + b"\x01" + body[6:]) is WireReason.CRITICAL
    assert refusal(bytes(wire.MAX_BATCH_BYTES + 1)) is WireReason.TOO_LARGE


def test_two_seals_of_the_same_records_differ() -> None:
    record = wire.pack_record(heard(1))
    assert seal(record) != seal(record)


@pytest.mark.parametrize("count", [0, wire.MAX_BATCH_RECORDS + 1])
def test_a_batch_of_none_or_too_many_is_not_sealed(count: int) -> None:
    with pytest.raises(ValueError, match="a batch holds"):
        wire.seal_batch(header(count), [wire.pack_record(heard(1))] * count, KEY)


def test_the_largest_batch_of_frames_fits_its_limit() -> None:
    records = [wire.pack_record(heard(1))] * wire.MAX_BATCH_RECORDS
    assert len(wire.seal_batch(header(len(records)), records, KEY)) < wire.MAX_BATCH_BYTES


def test_a_confirm_of_another_key_is_refused_but_readable() -> None:
    confirmation = wire.Confirmation(EdgeId("home-001"), Lane.STATE, 9, 41)
    body = wire.encode_confirm(confirmation, KEY)
    assert wire.peek_confirm(body) == confirmation
    with pytest.raises(WireRefused) as refused:
        wire.decode_confirm(body, bytes(32))
    assert refused.value.reason is WireReason.SEAL


def test_a_relay_without_items_is_a_heartbeat() -> None:
    relay = wire.decode_relay(wire.encode_relay(wire.Relay(GatewayId("gw-1"), 5)))
    assert (relay.items, relay.health) == ((), None)


def test_every_fact_has_a_decoder() -> None:
    assert {kind.__struct_config__.tag for kind in wire.Fact.__args__} == set(wire._FACTS)

"""What the server's receiver refuses: every flipped bit, every counter again, every recording."""

from __future__ import annotations

import random
from typing import Any

import pytest
from bleak.backends.device import BLEDevice
from bthome_ble import BTHomeBluetoothDeviceData
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from habluetooth import BluetoothServiceInfoBleak

from ancu.models.address import make_address
from ancu.models.errors import FrameReason
from ancu.models.frame import BODY_BYTES, Reading, Status, frame_cipher, seal_frame
from ancu.models.ids import BandNumber, OrderId
from ancu.models.keys import derive_band_keys
from ancu.models.topics import Lane
from ancu.models.wire import Heard, pack_record
from ancu.server.ingest.columns import Flag, reading_tuples
from ancu.server.ingest.verify import Received, Receiver

KEYS = derive_band_keys(bytes(16), OrderId("o-1"))
CIPHER = frame_cipher(KEYS.frame)
ADDRESS = make_address(KEYS.identity, 7)
BAND = 1
NOW_MS = 1_760_000_000_000
FINE = Reading(80, tamper=False, skin_deci_c=358, heart_bpm=71, spo2_percent=98, status=Status.SKIN, history_head=7)


def frame(counter: int, reading: Reading = FINE) -> bytes:
    return seal_frame(reading, CIPHER, ADDRESS, counter)


def heard(bodies: list[bytes], at_ms: int) -> memoryview:
    records = [pack_record(Heard(at_ms, BandNumber(BAND), ADDRESS, -60, 1, body))[1:] for body in bodies]
    return memoryview(b"".join(records))


def hear(receiver: Receiver, *bodies: bytes, at_ms: int = NOW_MS, edge: str = "a", lane: Lane = Lane.STATE) -> Received:
    ciphers: dict[int, AESCCM] = {BAND: CIPHER}
    return receiver.receive(heard(list(bodies), at_ms), ciphers, edge=edge, lane=lane, now_ms=at_ms + 500)


@pytest.mark.timeout(120)
def test_every_flip_of_one_bit_of_a_thousand_frames_is_refused_and_counted():
    rng, receiver, flips = random.Random(1), Receiver(), 0
    refused = 0
    for _ in range(1000):
        reading = Reading(
            rng.randrange(101), rng.random() < 0.5, rng.randrange(200, 420), rng.randrange(256), rng.randrange(256),
            Status(rng.randrange(64)), rng.randrange(2**24),
        )  # fmt: skip
        body = frame(NOW_MS // 1000 - 60, reading)
        spoiled = []
        for bit in range(BODY_BYTES * 8):
            flipped = bytearray(body)
            flipped[bit // 8] ^= 1 << bit % 8
            spoiled.append(bytes(flipped))
        received = hear(receiver, *spoiled)
        assert received.count == 0
        assert hear(Receiver(), body).count == 1
        refused += sum(received.refused.values())
        flips += len(spoiled)
    assert refused == flips == 192_000


class Unsealed:
    """The known-bad control: deciphers, and never looks at the tag."""

    def decrypt(self, nonce: bytes, data: bytes, _: object) -> bytes:
        counter = Cipher(algorithms.AES(KEYS.frame), modes.CTR(b"\x01" + nonce + b"\x00\x01"))
        return counter.decryptor().update(data[:-4])


def test_the_control_without_the_tag_most_flips_would_be_believed():
    body, believed = frame(NOW_MS // 1000 - 30), 0
    for bit in range(BODY_BYTES * 8):
        flipped = bytearray(body)
        flipped[bit // 8] ^= 1 << bit % 8
        one = heard([bytes(flipped)], NOW_MS)
        ciphers: Any = {BAND: Unsealed()}
        believed += Receiver().receive(one, ciphers, edge="a", lane=Lane.STATE, now_ms=NOW_MS).count
    assert believed > 96


def test_equal_and_lower_counters_are_refused_also_after_a_restart_of_the_server():
    second = NOW_MS // 1000
    receiver = Receiver()
    assert hear(receiver, frame(second)).count == 1
    again = Receiver()
    again.restore(receiver.snapshot())
    rebuilt = Receiver()
    rebuilt.remember(hear(Receiver(), frame(second)).readings, edge="a", lane=Lane.STATE)
    for each in (receiver, again, rebuilt):
        low = hear(each, frame(second), frame(second - 1), frame(1))
        assert low.count == 0
        assert low.refused[BAND, FrameReason.REPLAY] == 3


@pytest.mark.parametrize("after_s", [61, 24 * 3600])
@pytest.mark.parametrize("edge", ["a", "b"])
@pytest.mark.parametrize("heard_since", [True, False])
def test_what_was_recorded_and_is_played_later_is_refused(after_s: int, edge: str, *, heard_since: bool):
    """Also where nobody reported the frame before, at another edge, and where the band fell silent since."""
    receiver, second = Receiver(), NOW_MS // 1000
    hear(receiver, frame(second - 1))
    if heard_since:
        hear(receiver, frame(second + 30), at_ms=NOW_MS + 30_000)
    played = hear(receiver, frame(second), at_ms=NOW_MS + after_s * 1000, edge=edge)
    assert played.count == 0
    assert sum(played.refused.values()) == 1
    assert sum(played.troubles.values()) == 1


@pytest.mark.parametrize("edge", ["a", "b"])
def test_what_is_played_before_that_is_refused_where_it_was_heard_and_late_elsewhere(edge: str):
    receiver, second = Receiver(), NOW_MS // 1000
    hear(receiver, frame(second + 10))
    played = hear(receiver, frame(second), at_ms=NOW_MS + 40_000, edge=edge)
    assert all(row[-1] & Flag.LATE for row in reading_tuples(played.readings))
    assert played.count == (edge == "b")


@pytest.mark.parametrize("after_s", [61, 24 * 3600])
def test_the_control_a_receiver_of_bthome_takes_the_recording(after_s: int):
    """BTHome's own receiver decides by the counter alone, and forgets it with its process: the same bytes are news."""
    service = BluetoothServiceInfoBleak(
        name="band",
        address=ADDRESS.hex(":").upper(),
        rssi=-60,
        manufacturer_data={},
        service_data={"0000fcd2-0000-1000-8000-00805f9b34fb": frame(NOW_MS // 1000)},
        service_uuids=[],
        source="",
        device=BLEDevice(ADDRESS.hex(":").upper(), "band", None),
        advertisement=None,
        connectable=False,
        time=after_s,
        tx_power=None,
        raw=None,
    )
    parser = BTHomeBluetoothDeviceData(bindkey=KEYS.frame)
    parser.update(service)
    assert parser.bindkey_verified


def test_the_same_counter_from_a_second_edge_only_adds_signal_and_another_content_is_a_clone():
    receiver, second = Receiver(), NOW_MS // 1000
    hear(receiver, frame(second))
    echo = hear(receiver, frame(second), edge="b")
    assert (echo.count, echo.echoes) == (0, 1)
    other = Reading(
        79, tamper=False, skin_deci_c=358, heart_bpm=71, spo2_percent=98, status=Status.SKIN, history_head=7
    )
    clone = hear(receiver, frame(second, other), edge="b")
    assert clone.refused[BAND, FrameReason.CLONE] == 1
    assert clone.troubles[BAND, FrameReason.CLONE] == 1

import random

import pytest

from ancu.firmware_sim import attacker
from ancu.firmware_sim.band import Band, Sensed, Sent
from ancu.firmware_sim.flash import MemoryFlash
from ancu.models.errors import FrameReason, FrameRefused
from ancu.models.frame import advert_data, counter_of, frame_cipher, is_urgent, open_frame
from ancu.models.ids import OrderId
from ancu.models.keys import derive_band_keys

KEYS = derive_band_keys(bytes(16), OrderId("order-1"))
NOW_MS = 1_750_000_000_000


def recorded(count: int = 3) -> list[Sent]:
    band = Band(KEYS, MemoryFlash(), random.Random(1), at_ms=NOW_MS, unix_ms=NOW_MS)
    band.sense(NOW_MS, Sensed(True, True, False, 70, 98, 365, 80, False))
    return [sent for i in range(count) if (sent := band.advertise(NOW_MS + 3000 * i)) is not None]


def test_a_replay_is_the_oldest_advert_bit_for_bit():
    sent = recorded()
    pdu = attacker.replay(sent)
    assert (pdu.address, pdu.data) == (sent[0].address, advert_data(sent[0].body))


def test_a_flipped_frame_does_not_open():
    sent = recorded()
    pdu = attacker.flip(sent, random.Random(1))
    body = pdu.data[-24:]
    assert sum(a != b for a, b in zip(body, sent[-1].body, strict=True)) == 1
    with pytest.raises(FrameRefused) as refused:
        open_frame(body, frame_cipher(KEYS.frame), pdu.address)
    assert refused.value.reason is FrameReason.SEAL


def test_a_forged_frame_looks_urgent_and_fresh_and_does_not_open():
    pdu = attacker.forge(recorded(), random.Random(1), NOW_MS // 1000)
    body = pdu.data[-24:]
    assert is_urgent(body)
    assert counter_of(body) == NOW_MS // 1000
    with pytest.raises(FrameRefused):
        open_frame(body, frame_cipher(KEYS.frame), pdu.address)


def test_a_clone_opens_under_a_counter_already_used_with_other_content():
    sent = recorded()
    pdu = attacker.clone(sent, KEYS.frame)
    opened = open_frame(pdu.data[-24:], frame_cipher(KEYS.frame), pdu.address)
    assert opened.counter == sent[-1].counter
    assert pdu.data != sent[-1].data

"""A box's fingerprint of its place: what stays is stated, as hashes; phones and passers-by are not."""

from __future__ import annotations

from ancu.edge.fingerprint import DEVICES, HASH_BYTES, SCAN_S, Fingerprint
from ancu.models.wire import Neighbours

TV, FRIDGE, PHONE = b"tv-tv1", b"fridge", b"phone1"


def heard(fingerprint: Fingerprint, devices: dict[bytes, int], begin: int, end: int) -> list[Neighbours]:
    told = []
    for s in range(begin, end, 60):
        for address, rssi in devices.items():
            fingerprint.heard(address, rssi, s)
        said = fingerprint.tick(s * 1000, s)
        told += [said] if said else []
    return told


def test_what_is_heard_for_half_an_hour_is_stated_every_quarter_strongest_first() -> None:
    told = heard(Fingerprint(b"k" * 32, 0), {TV: -70, FRIDGE: -50}, 0, 3601)
    assert [said.at_ms // 1000 for said in told] == [1800, 2700, 3600]
    assert [rssi for _, rssi in told[-1].heard] == [-50, -70]


def test_a_phone_that_changes_its_address_and_a_visitor_are_never_stated() -> None:
    fingerprint = Fingerprint(b"k" * 32, 0)
    for quarter in range(8):
        begin = quarter * int(SCAN_S)
        assert heard(fingerprint, {PHONE + bytes([quarter]): -40}, begin, begin + int(SCAN_S)) == []


def test_what_went_away_is_not_stated_any_more() -> None:
    fingerprint = Fingerprint(b"k" * 32, 0)
    heard(fingerprint, {TV: -60, FRIDGE: -50}, 0, 2700)
    told = heard(fingerprint, {TV: -60}, 2700, 4600)
    assert len(told[-1].heard) == 1


def test_no_address_leaves_and_two_boxes_do_not_tell_the_same() -> None:
    (one,), (other,) = (heard(Fingerprint(key * 32, 0), {TV: -60}, 0, 1801) for key in (b"a", b"b"))
    assert len(one.heard[0][0]) == HASH_BYTES
    assert one.heard[0][0] not in (TV, other.heard[0][0])


def test_a_sprayer_of_addresses_fills_only_so_much() -> None:
    fingerprint = Fingerprint(b"k" * 32, 0)
    for n in range(DEVICES * 3):
        fingerprint.heard(n.to_bytes(6, "big"), -50, 1)
    assert len(fingerprint._devices) == DEVICES

"""A day of everything that a band puts on the air: what stays the same for longer than a quarter of an hour."""

from __future__ import annotations

import random

import pytest

from ancu.firmware_sim.band import ROTATE_AT_MOST_MS, Band, Sensed, Sent
from ancu.firmware_sim.flash import MemoryFlash
from ancu.firmware_sim.gatt import GattBand
from ancu.firmware_sim.radio import Air, OnAir
from ancu.models.ids import OrderId
from ancu.models.keys import BandKeys, derive_band_keys

NOW_MS = 1_760_000_000_000
CALM = Sensed(True, True, False, 70, 98, 365, 80, False)
# Flags, the header of the service data, the UUID and the device info are the same for every band; the counter is the
# time of day, the same for every band that knows it.
COMMON = {(6 + place) for place in (*range(8), *range(8 + 15, 8 + 15 + 4))}
WINDOW = 3  # bytes: two agree by chance too often


def day_of(keys: BandKeys, *, hours: int = 24) -> list[tuple[int, bytes]]:
    band = Band(keys, MemoryFlash(), random.Random(3), at_ms=NOW_MS, unix_ms=NOW_MS)
    band.sense(NOW_MS, CALM)
    sent = []
    while band.next_ms < NOW_MS + hours * 3_600_000:
        if (advert := band.advertise(band.next_ms)) is not None:
            sent.append((advert.at_ms, advert.address + advert.data))
    return sent


def longest_constant_ms(sent: list[tuple[int, bytes]]) -> int:
    """The longest time from the first to the last use of the same bytes at the same place."""
    first: dict[tuple[int, bytes], int] = {}
    longest = 0
    for at_ms, octets in sent:
        for place in range(len(octets) - WINDOW + 1):
            if not COMMON.isdisjoint(range(place, place + WINDOW)):
                continue
            began = first.setdefault((place, octets[place : place + WINDOW]), at_ms)
            longest = max(longest, at_ms - began)
    return longest


@pytest.mark.timeout(120)
def test_nothing_of_a_band_is_the_same_for_longer_than_fifteen_minutes():
    sent = day_of(derive_band_keys(bytes(16), OrderId("o-1")))
    assert len(sent) > 40_000
    addresses: dict[bytes, list[int]] = {}
    for at_ms, octets in sent:
        addresses.setdefault(octets[:6], []).append(at_ms)
    assert max(seen[-1] - seen[0] for seen in addresses.values()) <= ROTATE_AT_MOST_MS
    assert len(addresses) >= 24 * 4
    # Three bytes agree by chance among 43,000 adverts: what comes again must not come again for long without a break.
    runs: dict[tuple[int, bytes], tuple[int, int]] = {}
    for at_ms, octets in sent:
        for place in range(len(octets) - WINDOW + 1):
            if COMMON.isdisjoint(range(place, place + WINDOW)):
                key = (place, octets[place : place + WINDOW])
                began, last = runs.get(key, (at_ms, at_ms))
                runs[key] = (began if at_ms - last < 60_000 else at_ms, at_ms)
                assert at_ms - runs[key][0] <= ROTATE_AT_MOST_MS


def offers_of(keys: BandKeys, *, rotates: bool = True) -> list[tuple[int, OnAir]]:
    """A day of connectable adverts, which go beside the frames."""
    rng = random.Random(4)
    side = GattBand(Air(rng), 1, keys, Nobody(), rng)
    offers = []
    for step in range(24 * 1800):
        sent = Sent(NOW_MS + 2000 * step, bytes(6), bytes(24), 0, urgent=False)
        offer = side.beside(sent, in_range=True)
        if offer is not None:
            offers.append((sent.at_ms, offer))
            if not rotates:
                side._rotate_ms = NOW_MS * 2
    side.stop()
    return offers


class Nobody:
    """A wrist that is never asked."""

    band = None

    def now_ms(self) -> int:
        return NOW_MS

    def sensed(self) -> Sensed:
        return CALM

    async def touched(self, within_s: float) -> bool:
        return within_s < 0

    def let_in(self) -> None:
        """Nobody comes."""

    def reset(self) -> None:
        """Nor asks for it."""


def longest_address_ms(offers: list[tuple[int, OnAir]]) -> int:
    seen: dict[bytes, list[int]] = {}
    for at_ms, offer in offers:
        seen.setdefault(offer.address, []).append(at_ms)
    return max(times[-1] - times[0] for times in seen.values())


async def test_the_offers_of_a_day_are_under_an_address_for_fifteen_minutes_and_say_the_same_for_every_band():
    one, two = (offers_of(derive_band_keys(bytes([n]) * 16, OrderId("o-1"))) for n in (1, 2))
    assert len(one) == 24 * 900
    assert longest_address_ms(one) <= ROTATE_AT_MOST_MS
    assert {offer.address for _, offer in one}.isdisjoint({offer.address for _, offer in two})
    assert len({(offer.data, offer.response, offer.properties) for _, offer in (*one, *two)}) == 1
    frames = {octets[:6] for _, octets in day_of(derive_band_keys(bytes([1]) * 16, OrderId("o-1")), hours=24)}
    assert frames.isdisjoint({offer.address for _, offer in one})


async def test_the_control_a_band_that_offers_itself_under_one_address_would_be_found():
    assert longest_address_ms(offers_of(derive_band_keys(bytes(16), OrderId("o-1")), rotates=False)) > ROTATE_AT_MOST_MS


def test_a_band_that_kept_its_address_would_be_found():
    sent = [
        (at_ms, b"\x01" * 6 + octets[6:])
        for at_ms, octets in day_of(derive_band_keys(bytes(16), OrderId("o-1")), hours=1)
    ]
    assert longest_constant_ms(sent) > ROTATE_AT_MOST_MS


def test_the_counters_of_all_synchronised_bands_are_the_time_of_day():
    one, two = (day_of(derive_band_keys(bytes([n]) * 16, OrderId("o-1")), hours=1) for n in (1, 2))
    for sent in (one, two):
        assert all(abs(int.from_bytes(octets[29:33], "little") - at_ms // 1000) <= 8 for at_ms, octets in sent)

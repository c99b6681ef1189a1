import random

from ancu.firmware_sim.band import COUNTER_BLOCK, Band, Sensed, Sent
from ancu.firmware_sim.flash import MemoryFlash
from ancu.models.frame import Status, frame_cipher, open_frame
from ancu.models.ids import OrderId
from ancu.models.keys import derive_band_keys

KEYS = derive_band_keys(bytes(16), OrderId("order-1"))
NOW_MS = 1_750_000_000_000
CALM = Sensed(True, True, False, 70, 98, 365, 80, False)


def boot(flash: MemoryFlash, *, at_ms: int = NOW_MS, unix_ms: int | None = NOW_MS) -> Band:
    band = Band(KEYS, flash, random.Random(7), at_ms=at_ms, unix_ms=unix_ms)
    band.sense(at_ms, CALM)
    return band


def send(band: Band, at_ms: int) -> Sent:
    sent = band.advertise(at_ms)
    assert sent is not None
    return sent


def status(sent: Sent) -> Status:
    return open_frame(sent.body, frame_cipher(KEYS.frame), sent.address).reading.status


def test_a_band_advertises_every_two_seconds_with_a_little_jitter():
    band = boot(MemoryFlash())
    send(band, NOW_MS)
    assert NOW_MS + 2000 <= band.next_ms <= NOW_MS + 2010
    assert band.advertise(NOW_MS + 1999) is None


def test_a_band_without_a_clock_says_so_and_counts_on():
    flash = MemoryFlash()
    last = send(boot(flash), NOW_MS)
    later = NOW_MS + 3_600_000
    band = boot(flash, at_ms=later, unix_ms=None)
    sent = send(band, later)
    assert status(sent) & Status.UNSYNCED
    assert last.counter < sent.counter <= last.counter + COUNTER_BLOCK
    band.set_clock(later, later)
    sent = send(band, later + 3000)
    assert not status(sent) & Status.UNSYNCED
    assert sent.counter == later // 1000 + 3


def test_an_unsynchronised_counter_still_moves_with_time():
    flash = MemoryFlash()
    send(boot(flash), NOW_MS)
    band = boot(flash, unix_ms=None)
    first, second = send(band, NOW_MS), send(band, NOW_MS + 60_000)
    assert second.counter - first.counter == 60


def test_a_clock_that_is_set_back_takes_no_counter_back():
    band = boot(MemoryFlash())
    first = send(band, NOW_MS)
    band.set_clock(NOW_MS, NOW_MS - 3_600_000)
    assert send(band, NOW_MS + 2010).counter == first.counter + 1


def test_tampering_is_remembered_over_a_mended_strap_and_a_reset():
    flash = MemoryFlash()
    band = boot(flash)
    band.sense(NOW_MS, Sensed(False, False, False, 0, 0, 300, 80, False))
    band.sense(NOW_MS, CALM)
    reading = open_frame(*_args(send(band, NOW_MS))).reading
    assert reading.tamper
    assert not reading.status & Status.STRAP_OPEN
    assert open_frame(*_args(send(boot(flash), NOW_MS))).reading.tamper


def test_an_sos_shows_for_ten_minutes():
    band = boot(MemoryFlash())
    band.press(NOW_MS)
    assert status(send(band, NOW_MS)) & Status.SOS
    assert status(send(band, NOW_MS + 599_000)) & Status.SOS
    assert not status(send(band, NOW_MS + 603_000)) & Status.SOS


def test_an_alarm_is_repeated_every_ten_seconds_for_a_minute():
    band = boot(MemoryFlash())
    band.press(NOW_MS)
    urgent = []
    at_ms = NOW_MS
    while at_ms < NOW_MS + 120_000:
        if (sent := band.advertise(at_ms)) is not None and sent.urgent:
            urgent.append(at_ms - NOW_MS)
        at_ms = max(at_ms + 1, band.next_ms)
    assert urgent == [0, 120, 240, 360, 480, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000]


def test_a_band_whose_sensors_have_not_spoken_sends_nothing():
    band = Band(KEYS, MemoryFlash(), random.Random(7), at_ms=NOW_MS, unix_ms=NOW_MS)
    assert band.advertise(NOW_MS) is None


def test_the_history_grows_by_a_record_a_minute():
    flash = MemoryFlash()
    band = boot(flash)
    send(band, NOW_MS + 180_000)
    assert flash.read().history_head == 1 + 3  # the first says that the time is known


def _args(sent: Sent):
    return sent.body, frame_cipher(KEYS.frame), sent.address

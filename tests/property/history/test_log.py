"""A band's log, from its flash to the server's check: what must hold for every log and every fate of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ancu.firmware_sim.flash import MemoryFlash
from ancu.firmware_sim.log import Log
from ancu.models import history
from ancu.models.frame import Status
from ancu.models.history import CAPACITY, RECORD_BYTES, Clocked, Entry, Vitals
from ancu.server.history.chain import NOTHING, FaultKind, Held, check_run
from ancu.server.history.dating import Mark, Marks

KEY = bytes(range(32))
vitals = st.builds(
    Vitals,
    heart_bpm=st.integers(0, 255),
    spo2_percent=st.integers(0, 255),
    skin_deci_c=st.none() | st.integers(200, 454),
    battery_percent=st.integers(0, 255),
    status=st.integers(0, 63).map(Status),
    tamper=st.booleans(),
)
bodies = vitals | st.builds(Clocked, unix_s=st.integers(0, 2**32 - 1))
entries = st.builds(
    Entry,
    sequence=st.integers(1, 2**24 - 1),
    boot=st.integers(0, 255),
    ticks_s=st.integers(0, 2**24 - 1),
    body=bodies,
)


def written(count: int, *, free: int = 0, flash: MemoryFlash | None = None) -> Log:
    log = Log(flash or MemoryFlash(), KEY)
    for number in range(count):
        log.append(1, number * 60, Vitals(60 + number % 90, 97, 360, 80, Status.SKIN, tamper=False))
    if free:
        assert log.free(history.make_receipt(free, KEY))
    return log


@given(entries, st.binary(min_size=4, max_size=4), st.binary(min_size=32, max_size=32))
def test_what_a_band_writes_the_server_reads(entry: Entry, before: bytes, key: bytes):
    record = history.encode_entry(entry, key, before)
    assert len(record) == RECORD_BYTES
    assert history.read_entry(record, key) == entry
    assert record[-4:] == history.chain_tag(key, before, record)


@given(entries)
def test_nobody_without_the_key_reads_a_record(entry: Entry):
    record = history.encode_entry(entry, KEY, bytes(4))
    other = history.encode_entry(entry, bytes(32), bytes(4))
    assert record[:3] == other[:3]
    assert record[3:12] != other[3:12]


@given(st.integers(1, 120), st.integers(0, 119), st.lists(st.integers(1, 130), max_size=4))
def test_a_log_that_arrives_in_pieces_that_overlap_is_whole_and_once(count: int, free: int, cuts: list[int]):
    log = written(count, free=min(free, count - 1))
    held, taken = Held(min(free, count - 1), b""), []
    held = Held(held.upto, history.open_head(log.head(), KEY).anchor)
    for end in [*sorted(cuts), count]:
        run = log.records(max(1, held.upto - 3), min(end, count) - max(1, held.upto - 3) + 1)
        checked = check_run(log.head(), run, held, KEY)
        assert checked.fault is None
        held, taken = checked.held, taken + [each.entry.sequence for each in checked.records]
    assert taken == list(range(min(free, count - 1) + 1, count + 1))


@given(st.integers(2, 60), st.data())
def test_a_flipped_bit_anywhere_in_a_record_is_found_at_its_sequence(count: int, data: st.DataObject):
    log = written(count)
    records = bytearray(log.records(1, count))
    place = data.draw(st.integers(0, len(records) * 8 - 1))
    records[place // 8] ^= 1 << place % 8
    checked = check_run(log.head(), bytes(records), NOTHING, KEY)
    assert checked.fault is not None
    assert checked.fault.sequence == place // 8 // RECORD_BYTES + 1
    assert len(checked.records) == checked.fault.sequence - 1


@given(st.integers(3, 60), st.data())
def test_a_record_left_out_or_moved_is_found_at_its_sequence(count: int, data: st.DataObject):
    log = written(count)
    rows = list(history.split_records(log.records(1, count)))
    at = data.draw(st.integers(0, count - 2))
    without = rows[:at] + rows[at + 1 :]
    missing = check_run(log.head(), b"".join(without), NOTHING, KEY)
    assert (missing.fault.sequence, missing.fault.kind) == (at + 1, FaultKind.MISSING)
    swapped = [*rows[:at], rows[at + 1], rows[at], *rows[at + 2 :]]
    moved = check_run(log.head(), b"".join(swapped), NOTHING, KEY)
    assert (moved.fault.sequence, moved.fault.kind) == (at + 1, FaultKind.ORDER)


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_noise_is_refused_never_crashes(records: bytes, head: bytes):
    log = written(3)
    assert check_run(head, records, NOTHING, KEY).fault is not None
    assert len(check_run(log.head(), records, NOTHING, KEY).records) == 0


def test_a_log_that_ran_over_says_so_in_a_word_that_nobody_else_can_say():
    log = written(CAPACITY + 10)
    base = log.stored.history_base
    assert base == 12
    checked = check_run(log.head(), log.records(0, 5), Held(3, b"1234"), KEY)
    assert checked.fault is None
    assert checked.lost == base - 4
    assert [each.entry.sequence for each in checked.records] == list(range(base, base + 5))
    forged = history.encode_head(history.Head(base + 5, log.stored.history_head + 1, bytes(4)), bytes(32))
    assert check_run(forged, log.records(base + 5, 5), Held(3, b"1234"), KEY).fault.kind is FaultKind.HEAD


def test_a_band_that_serves_another_order_begins_its_log_anew():
    flash = MemoryFlash()
    written(20, flash=flash)
    assert Log(flash, KEY).stored.history_head == 20
    assert Log(flash, bytes(32)).stored.history_head == 0


def test_only_the_servers_receipt_frees_and_never_what_is_not_there():
    log = written(10)
    assert not log.free(history.make_receipt(5, bytes(32)))
    assert not log.free(history.make_receipt(11, KEY))
    assert not log.free(b"")
    assert log.stored.history_base == 1
    assert log.free(history.make_receipt(5, KEY))
    assert log.free(history.make_receipt(4, KEY))  # an older one again: nothing comes back
    assert log.stored.history_base == 6


@given(st.integers(-200, 200), st.integers(1, 14 * 1440), st.integers(0, 14 * 86400))
def test_two_marks_share_out_the_drift_of_a_crystal(ppm: int, minutes: int, ticks: int):
    true = lambda at: 1_760_000_000 + at * (1 + ppm * 1e-6)  # noqa: E731
    marks = Marks([Mark(0, round(true(0))), Mark(14 * 86400, round(true(14 * 86400)))])
    assert abs(marks.date_ms(ticks) / 1000 - true(ticks)) < 2
    del minutes


def test_a_boot_that_nobody_told_the_time_has_none():
    assert Marks([]).date_ms(60) is None
    assert Marks([Mark(100, 1_760_000_000)]).date_ms(40) == 1_759_999_940_000

"""What an edge states about its bands, whatever the air brings."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from ancu.edge.bands import LISTEN_S, REPLAY_EVERY_S, REPLAYED_S, Action, Bands, Moment, Rescan, Say
from ancu.models.address import make_address
from ancu.models.ids import BandNumber
from ancu.models.topics import Lane
from ancu.models.wire import Heard, Unseen

KEYS = {BandNumber(n): bytes([n]) * 16 for n in (1, 2, 3)}
REPORT_S, UNSEEN_S = 10.0, 20.0


def body(counter: int, *, urgent: bool = False, fill: int = 0) -> bytes:
    return bytes([0x45 if urgent else 0x41]) + bytes([fill]) * 15 + counter.to_bytes(4, "little") + bytes(4)


def moment(at_s: float) -> Moment:
    return Moment(1_800_000_000_000 + round(at_s * 1000), at_s)


class Edge:
    """Bands with a scan that restarts whenever it is asked to."""

    def __init__(self, *, radio: bool = True) -> None:
        self.bands = Bands(KEYS, moment(0), report_s=REPORT_S, unseen_s=UNSEEN_S)
        self.radio = radio
        self.said: list[tuple[float, Say]] = []
        self.rescans: list[float] = []
        if radio:
            self.bands.scanning(moment(0))

    def hear(self, band: int, frame: bytes, at_s: float, *, rssi_dbm: int = -60) -> None:
        address = make_address(KEYS[BandNumber(band)], int(at_s) // 900)
        self._do(self.bands.heard(address, frame, rssi_dbm, moment(at_s)), at_s)

    def tick(self, at_s: float) -> None:
        self._do(self.bands.tick(moment(at_s)), at_s)

    def _do(self, actions: list[Action], at_s: float) -> None:
        for action in actions:
            if isinstance(action, Rescan):
                self.rescans.append(at_s)
                if self.radio:
                    self.bands.scanning(moment(at_s))
            else:
                self.said.append((at_s, action))

    def frames(self, band: int) -> list[tuple[float, Heard]]:
        return [(at, say.record) for at, say in self.said if isinstance(say.record, Heard) and say.record.band == band]

    def absences(self, band: int) -> list[tuple[float, Unseen]]:
        return [(at, say.record) for at, say in self.said if isinstance(say.record, Unseen) and say.record.band == band]


events = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 40), st.booleans(), st.floats(0, 15), st.integers(0, 1)), max_size=80
)


@settings(max_examples=150, deadline=None)
@given(events)
def test_every_new_urgent_frame_goes_at_once_and_no_frame_goes_twice_but_as_a_replay(
    events: list[tuple[int, int, bool, float, int]],
):
    edge, now, heard = Edge(), 0.0, set()
    for band, counter, urgent, wait_s, fill in events:
        for _ in range(int(wait_s)):
            now += 1
            edge.tick(now)
        frame = body(counter, urgent=urgent, fill=fill)
        before = len(edge.said)
        edge.hear(band, frame, now)
        if urgent and (band, frame) not in heard and sum(1 for b, f in heard if b == band and f[0] == 0x45) < 15:
            assert any(say.lane is Lane.ALARM and say.record.body == frame for _, say in edge.said[before:])  # type: ignore[union-attr]
        heard.add((band, frame))
    for band in (1, 2, 3):
        told: dict[bytes, list[float]] = {}
        for at, record in edge.frames(band):
            told.setdefault(record.body, []).append(at)
        again = sorted(at for times in told.values() for at in times[1:])
        assert all(later - times[0] >= REPLAYED_S - REPORT_S for times in told.values() for later in times[1:])
        assert all(later - earlier >= REPLAY_EVERY_S for earlier, later in itertools.pairwise(again))
        assert {(band, each) for each in told} <= heard


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0.5, 60), min_size=1, max_size=40))
def test_an_absence_is_stated_once_and_only_after_a_scan_that_heard_nothing(gaps: list[float]):
    edge, now = Edge(), 0.0
    for counter, gap in enumerate(gaps, 1):
        edge.hear(1, body(counter), now)
        heard_s, end = now, now + gap
        stated = len(edge.absences(1))
        while now + 1 < end:
            now += 1
            edge.tick(now)
        now = end
        new = edge.absences(1)[stated:]
        assert len(new) == (gap > UNSEEN_S + LISTEN_S + 3) or UNSEEN_S + LISTEN_S <= gap <= UNSEEN_S + LISTEN_S + 3
        for at, fact in new:
            assert fact.last_heard_ms == moment(heard_s).at_ms
            assert fact.rescans >= 1
            assert any(heard_s + UNSEEN_S <= scan <= at - LISTEN_S for scan in edge.rescans)


@settings(max_examples=60, deadline=None)
@given(st.integers(30, 200), st.floats(0.5, 4))
def test_a_band_that_is_there_is_reported_once_a_period(seconds: int, every_s: float):
    edge, now, counter = Edge(), 0.0, 0
    while now < seconds:
        counter += 1
        edge.hear(1, body(counter), now)
        edge.tick(now)
        now += every_s
    times = [at for at, _ in edge.frames(1)]
    assert times[0] == 0.0
    assert all(REPORT_S <= later - earlier <= REPORT_S + every_s for earlier, later in itertools.pairwise(times))
    assert not edge.absences(1)


@given(st.binary(max_size=40), st.binary(min_size=6, max_size=6))
def test_noise_is_counted_and_says_nothing(noise: bytes, address: bytes):
    edge = Edge()
    edge._do(edge.bands.heard(address, noise, -60, moment(1)), 1)
    edge._do(edge.bands.heard(make_address(KEYS[BandNumber(1)], 1), noise[:23], -60, moment(1)), 1)
    assert not edge.said
    assert edge.bands.strangers + edge.bands.malformed == 2


def test_a_recording_played_later_is_passed_on_once_a_minute_and_keeps_nobody_present():
    edge = Edge()
    for second in range(0, 10, 2):
        edge.hear(1, body(second + 1), second)
    for second in range(10, 95):
        edge.hear(1, body(9), second)  # what it said last, played on after it left
        edge.tick(second)
    assert len(edge.absences(1)) == 1
    replays = [(at, record) for at, record in edge.frames(1) if at >= 8 + REPLAYED_S]
    assert [record.body for _, record in replays] == [body(9)]


def test_a_deaf_edge_states_no_absence_until_it_scans_again():
    edge = Edge(radio=False)
    for second in range(100):
        edge.tick(second)
    assert not edge.said
    edge.radio = True
    edge.bands.scanning(moment(100))
    for second in range(100, 120):
        edge.tick(second)
    assert {say.record.band for _, say in edge.said} == {1, 2, 3}
    assert all(100 + LISTEN_S <= at <= 100 + LISTEN_S + 1 for at, _ in edge.said)


def test_a_recorded_frame_played_again_does_not_hide_an_absence():
    edge = Edge()
    edge.hear(1, body(1), 0)
    for second in range(1, 40):
        edge.hear(1, body(1), second)
        edge.tick(second)
    assert len(edge.absences(1)) == 1


def test_the_loudest_of_a_period_and_the_number_of_adverts_are_told():
    edge = Edge()
    edge.hear(1, body(1), 0)
    for counter, rssi in ((2, -80), (2, -55), (3, -70), (4, -90)):
        edge.hear(1, body(counter), counter, rssi_dbm=rssi)
    edge.tick(10)
    _, report = edge.frames(1)[-1]
    assert (report.body, report.rssi_dbm, report.adverts) == (body(4), -55, 4)


def test_a_forged_frame_cannot_push_the_true_one_out_of_a_report():
    edge = Edge()
    edge.hear(1, body(1), 0)
    edge.hear(1, body(5), 5)
    edge.hear(1, body(9_999_999, fill=66), 6)
    edge.hear(1, body(7), 7)
    edge.tick(10)
    assert {record.body for _, record in edge.frames(1)} == {body(1), body(9_999_999, fill=66), body(7)}


def test_of_two_frames_under_one_counter_the_one_heard_first_is_told_first():
    edge = Edge()
    edge.hear(1, body(1), 0)
    edge.hear(1, body(5), 5)
    edge.hear(1, body(5, fill=66), 6)  # from a device that has the key
    edge.tick(10)
    assert [record.body for _, record in edge.frames(1)][1:] == [body(5), body(5, fill=66)]


def test_a_frame_that_a_newer_one_replaced_is_told_after_all_when_another_comes_under_its_counter():
    edge = Edge()
    edge.hear(1, body(1), 0)
    edge.hear(1, body(5), 5)
    edge.hear(1, body(7), 7)
    edge.hear(1, body(5, fill=66), 8)
    edge.tick(10)
    edge.hear(1, body(7, fill=66), 11)  # what it contradicts was told: it goes alone
    edge.tick(20)
    told = [body(5), body(5, fill=66), body(7), body(7, fill=66)]
    assert [record.body for _, record in edge.frames(1)][1:] == told


def test_a_flood_of_forged_urgent_frames_does_not_fill_the_alarm_lane():
    edge = Edge()
    for counter in range(5000):
        edge.hear(1, body(counter, urgent=True), counter / 100)
    assert len([say for _, say in edge.said if say.lane is Lane.ALARM]) < 200


def test_what_waits_goes_before_an_urgent_frame_so_that_counters_stay_in_order():
    edge = Edge()
    edge.hear(1, body(1), 0)
    edge.hear(1, body(2), 2)
    edge.hear(1, body(3, urgent=True), 3)
    assert [(say.lane, say.record.body) for _, say in edge.said[1:]] == [  # type: ignore[union-attr]
        (Lane.ALARM, body(2)),
        (Lane.ALARM, body(3, urgent=True)),
    ]


def test_a_band_handed_on_gets_a_new_key_and_the_others_keep_what_is_known_of_them():
    edge = Edge()
    edge.hear(1, body(1), 0)
    edge.hear(2, body(1), 0)
    edge.bands.rekey({BandNumber(1): KEYS[BandNumber(1)], BandNumber(2): bytes(16)}, moment(5))
    edge.hear(2, body(2), 6)  # under its old key: a stranger now
    assert edge.bands.strangers == 1
    assert [(last.band, last.at_ms) for last in edge.bands.last_heard()] == [(1, moment(0).at_ms), (2, None)]

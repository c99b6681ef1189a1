"""Near and far by how loud a band is, and what must hold of it on seeded traces."""

import pytest

from ancu.edge.presence import FAR_S, SLOT_S, SLOTS, Nearness, Thresholds
from ancu.edge.presence_bench import bench_presence
from ancu.edge.presence_home import HomeNearness
from ancu.edge.presence_traces import measure
from ancu.models.ids import BandNumber

LIMITS = Thresholds(near_dbm=-80.0, far_dbm=-88.0)
BAND = BandNumber(7)


class Listener:
    """Feeds one Nearness a level, slot by slot."""

    def __init__(self) -> None:
        self.now = 0.0
        self.near = Nearness(LIMITS, 0.0)

    def hear(self, rssi_dbm: float | None, for_s: float) -> bool | None:
        until = self.now + for_s
        while self.now < until:
            self.now += SLOT_S
            if rssi_dbm is not None:
                self.near.heard(rssi_dbm, self.now - 1)
            self.near.tick(self.now)
        return self.near.near


def test_two_loud_slots_are_near():
    assert Listener().hear(-70, 2 * SLOT_S) is True


def test_between_the_thresholds_nothing_changes():
    listener = Listener()
    assert listener.hear(-84, 600) is None
    listener.hear(-70, 20)
    assert listener.hear(-84, 600) is True
    assert listener.hear(None, 600) is False
    assert listener.hear(-84, 600) is False


@pytest.mark.parametrize("faint", [-95, None])
def test_far_has_to_last(faint: float | None):
    listener = Listener()
    listener.hear(-70, 100)
    assert listener.hear(faint, FAR_S) is True
    assert listener.hear(faint, (SLOTS // 2 + 2) * SLOT_S) is False


def test_a_fade_that_ends_in_time_is_no_absence():
    listener = Listener()
    for _ in range(5):
        listener.hear(-70, 100)
        assert listener.hear(-95, FAR_S) is True


def test_a_single_lost_slot_or_a_single_loud_one_changes_nothing():
    listener = Listener()
    listener.hear(-70, 100)
    for _ in range(20):
        assert listener.hear(None, SLOT_S) is True
        assert listener.hear(-84, 2 * SLOT_S) is True
    listener.hear(None, 600)
    assert listener.hear(-70, SLOT_S) is False


def test_a_lost_scan_makes_it_unknown_and_a_restarted_one_loses_nothing():
    home = HomeNearness(LIMITS, [BAND], 0.0)
    home.listening(0.0)
    for now in range(1, 60):
        home.heard(BAND, -70, now)
        home.tick(now)
    assert home.near(BAND) is True
    home.deaf(60)
    home.listening(61)
    assert home.near(BAND) is True
    home.deaf(62)
    home.tick(62 + SLOT_S)
    assert home.near(BAND) is None
    for now in range(80, 1000):
        home.tick(now)
    assert home.near(BAND) is None


def test_other_bands_begin_anew_and_those_that_stay_keep_what_is_known():
    home = HomeNearness(LIMITS, [BAND], 0.0)
    home.listening(0.0)
    for now in range(1, 60):
        home.heard(BAND, -70, now)
    home.rekey([BAND, BandNumber(8)], 60)
    assert home.near(BAND) is True
    assert home.near(8) is None
    assert home.near(9) is None


@pytest.mark.timeout(300)  # 30 wearer-days and the controls: seconds, on a busy machine more
def test_false_departures_are_rare_true_ones_are_noticed_and_the_known_bad_fails():
    figures = bench_presence(days=30, seed=3, control_days=10)
    assert figures["holds"], figures
    bad = figures["known_bad"]
    assert isinstance(bad, dict)
    assert bad["no_hysteresis_no_dwell_false_away_per_30_days"] > 100
    assert bad["no_health_gate_away_behind_a_dead_edge"] > 0


def test_the_same_seed_gives_the_same_figures():
    assert measure(seed=5, days=2, homes=1) == measure(seed=5, days=2, homes=1)

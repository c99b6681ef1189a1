import random

from ancu.firmware_sim.wearer import DOOR_M, Wearer

NOON_MS = 1_750_050_000_000 // 86_400_000 * 86_400_000 + 5 * 3_600_000  # 12:00 in Hanoi
MINUTE_MS = 60_000


def live(wearer: Wearer, start_ms: int, minutes: int):
    return [wearer.sensed(start_ms + i * 10_000) for i in range(minutes * 6)]


def test_the_same_seed_lives_the_same_day():
    days = [live(Wearer(random.Random(3), at_ms=NOON_MS), NOON_MS, 30) for _ in range(2)]
    assert days[0] == days[1]


def test_vitals_move_and_stay_plausible_for_a_day():
    seen = live(Wearer(random.Random(4), at_ms=NOON_MS), NOON_MS, 24 * 60)
    assert len({s.heart_bpm for s in seen}) > 5
    assert all(40 <= s.heart_bpm <= 160 and 93 <= s.spo2_percent <= 100 for s in seen)
    assert all(350 <= s.skin_deci_c < 380 for s in seen)


def test_a_sleeper_is_calmer_than_one_awake():
    wearer = Wearer(random.Random(5), at_ms=NOON_MS)
    day = [s.heart_bpm for s in live(wearer, NOON_MS, 360)]
    night = [s.heart_bpm for s in live(wearer, NOON_MS + 13 * 3_600_000, 240)]
    assert sum(night) / len(night) < sum(day) / len(day) - 2


def test_a_band_off_the_wrist_cools_and_has_no_pulse():
    wearer = Wearer(random.Random(6), at_ms=NOON_MS)
    wearer.take_off()
    after = live(wearer, NOON_MS, 20)[-1]
    assert after.strap_closed
    assert not after.skin
    assert not after.motion
    assert after.heart_bpm == after.spo2_percent == 0
    assert after.skin_deci_c < 310


def test_leaving_passes_the_door_and_returning_comes_in():
    wearer = Wearer(random.Random(7), at_ms=NOON_MS)
    assert wearer.distance_m(NOON_MS) < DOOR_M
    left_ms = wearer.leave(NOON_MS)
    assert abs(wearer.distance_m(left_ms) - DOOR_M) < 0.01
    assert wearer.distance_m(NOON_MS + 5 * MINUTE_MS) > 100
    back_ms = wearer.come_back(NOON_MS + 6 * MINUTE_MS)
    assert back_ms < NOON_MS + 7 * MINUTE_MS
    assert abs(wearer.distance_m(back_ms) - DOOR_M) < 0.01
    assert wearer.distance_m(NOON_MS + 7 * MINUTE_MS) < DOOR_M


def test_a_battery_drains_in_a_week_and_charges_in_an_hour_and_a_half():
    wearer = Wearer(random.Random(8), at_ms=NOON_MS)
    wearer.set_battery(100)
    assert wearer.sensed(NOON_MS + 84 * 60 * MINUTE_MS).battery_percent in {50, 51}
    wearer.charge(on=True)
    charged = wearer.sensed(NOON_MS + (84 * 60 + 90) * MINUTE_MS)
    assert charged.charging
    assert charged.battery_percent == 100


def test_a_fever_shows_within_half_an_hour():
    wearer = Wearer(random.Random(9), at_ms=NOON_MS)
    wearer.set_fever(38.8)
    assert live(wearer, NOON_MS, 30)[-1].skin_deci_c >= 380

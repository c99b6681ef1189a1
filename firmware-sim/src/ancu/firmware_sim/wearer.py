"""A person who wears a band: body, whereabouts and what they do to it. Pure and seeded; time is an argument."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from ancu.firmware_sim.band import Sensed

__all__ = ["DOOR_M", "Wearer"]

DOOR_M = 9.0  # from the receiver: further away is outside, behind a wall
_AWAY_M = 200.0
_WALK_M_S = 1.4
_DAY_S = 86_400
_LOCAL_S = 7 * 3600  # Vietnam's clock: sleep follows it
_BATTERY_DAYS = 7.0  # a charge lasts so long at one advert every two seconds
_CHARGE_S = 90 * 60.0
_AMBIENT_DECI_C = 285.0
_COOLING_S = 300.0
_STEP_S = 5.0  # the body moves in steps of this, whoever asks how often
_CATCH_UP_STEPS = 720  # after a long silence the body need not be lived through in full


@dataclass(frozen=True, slots=True)
class _Walk:
    start_ms: int
    from_m: float
    to_m: float

    def at(self, at_ms: int) -> float:
        walked = _WALK_M_S * max(0, at_ms - self.start_ms) / 1000
        span = abs(self.to_m - self.from_m)
        return self.to_m if walked >= span else self.from_m + math.copysign(walked, self.to_m - self.from_m)

    def passes_ms(self, distance_m: float) -> int:
        """When the walker is `distance_m` away, if that is on the way; else when the walk begins."""
        return self.start_ms + round(1000 * abs(distance_m - self.from_m) / _WALK_M_S)


class Wearer:
    """One person at home, awake or asleep, with a band on."""

    def __init__(self, rng: random.Random, *, at_ms: int) -> None:
        self._rng = rng
        self._body_ms = at_ms
        self._rest_bpm = rng.gauss(66, 6)
        self._core_deci_c = rng.gauss(365, 1.5)
        self._fever_deci_c = 0.0
        self._effort = 0.2  # 0 asleep .. 1 brisk
        self._noise_bpm = 0.0
        self._skin_deci_c = self._core_deci_c
        self._spo2 = rng.gauss(97.5, 0.5)
        self._strap_closed, self._worn = True, True
        self._battery, self._charging = rng.uniform(60, 100), False
        self._walk = _Walk(at_ms, rng.uniform(1.5, 6), rng.uniform(1.5, 6))
        self._away = False

    # --- what they do ---

    def cut_strap(self) -> None:
        self._strap_closed, self._worn = False, False

    def take_off(self) -> None:
        """Slip out of a strap that stays whole."""
        self._worn = False

    def put_on(self) -> None:
        """Wear it again, with a whole strap."""
        self._strap_closed, self._worn = True, True

    def leave(self, at_ms: int) -> int:
        """Walk out; returns when they pass the door, unix milliseconds."""
        self._away = True
        self._walk = _Walk(at_ms, self.distance_m(at_ms), _AWAY_M)
        return self._walk.passes_ms(DOOR_M)

    def come_back(self, at_ms: int) -> int:
        """Come in from the corner of the street; returns when they pass the door."""
        self._away = False
        self._walk = _Walk(at_ms, min(self.distance_m(at_ms), DOOR_M + 6), self._rng.uniform(1.5, 5))
        return self._walk.passes_ms(DOOR_M)

    def charge(self, *, on: bool) -> None:
        self._charging = on

    def set_battery(self, percent: float) -> None:
        self._battery = percent

    def set_fever(self, celsius: float) -> None:
        """Run a temperature; 0 ends it."""
        self._fever_deci_c = max(0.0, celsius * 10 - self._core_deci_c) if celsius else 0.0

    # --- what shows ---

    @property
    def battery_percent(self) -> int:
        return max(0, min(100, math.ceil(self._battery)))

    @property
    def strap_closed(self) -> bool:
        return self._strap_closed

    @property
    def worn(self) -> bool:
        return self._worn

    def distance_m(self, at_ms: int) -> float:
        """From the receiver of the home."""
        return self._walk.at(at_ms)

    def sensed(self, at_ms: int) -> Sensed:
        """What the band's hardware senses now."""
        self._live(at_ms)
        heart = self._rest_bpm + 45 * self._effort + self._noise_bpm + 0.8 * self._fever_deci_c
        return Sensed(
            strap_closed=self._strap_closed,
            skin=self._worn,
            motion=self._worn and (self._effort > 0.15 or self._away),
            heart_bpm=max(35, min(200, round(heart))) if self._worn else 0,
            spo2_percent=max(70, min(100, round(self._spo2))) if self._worn else 0,
            skin_deci_c=round(self._skin_deci_c),
            battery_percent=self.battery_percent,
            charging=self._charging,
        )

    def _live(self, at_ms: int) -> None:
        steps = int((at_ms - self._body_ms) / 1000 / _STEP_S)
        if steps <= 0:
            return
        self._use_battery(steps * _STEP_S)
        self._body_ms += round(steps * _STEP_S * 1000)
        for _ in range(min(steps, _CATCH_UP_STEPS)):
            self._step(self._body_ms)

    def _step(self, at_ms: int) -> None:
        rng = self._rng
        hour = (at_ms / 1000 + _LOCAL_S) % _DAY_S / 3600
        asleep = hour < 6 or hour >= 22.5
        if rng.random() < (0.002 if asleep else 0.03):  # they get up, or sit down
            self._effort = rng.uniform(0.1, 0.3) if asleep else rng.uniform(0.0, 0.8)
            if self._effort > 0.15 and not self._away:
                self._walk = _Walk(at_ms, self.distance_m(at_ms), rng.uniform(1.5, 7))
        self._effort += (0.02 - self._effort) * (0.05 if asleep else 0.02)
        self._noise_bpm = 0.9 * self._noise_bpm + rng.gauss(0, 1.2)
        self._spo2 += 0.05 * (97.5 - self._spo2) + rng.gauss(0, 0.1)
        circadian = 2.5 * math.sin(2 * math.pi * (hour - 11) / 24)  # lowest at 5 in the morning
        core = self._core_deci_c + circadian + self._fever_deci_c
        goal = core if self._worn else _AMBIENT_DECI_C
        self._skin_deci_c += (goal - self._skin_deci_c) * _STEP_S / _COOLING_S + rng.gauss(0, 0.15)

    def _use_battery(self, seconds: float) -> None:
        rate = 100 / _CHARGE_S if self._charging else -100 / (_BATTERY_DAYS * _DAY_S)
        self._battery = max(0.0, min(100.0, self._battery + rate * seconds))

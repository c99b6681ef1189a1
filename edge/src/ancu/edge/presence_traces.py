"""Seeded radio traces of people at home, and what presence makes of them. Pure.

A home has one receiver or two and rooms at known levels. Adverts come every 2 s; 40 % are lost; what is left is moved
by 6 dB (slow shadow and fast fading together), and several times a day a body stands in the way of a receiver for five
minutes and takes 15 dB. People change rooms, leave now and then, and now and then a receiver dies.
"""

from __future__ import annotations

import math
import random
from bisect import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from statistics import NormalDist

from ancu.edge.calibration import Calibration, Place, calibrate
from ancu.edge.presence import SILENT_DBM, SLOT_S, Nearness, Thresholds
from ancu.models.presence import Receiver, State, presence

__all__ = ["Figures", "Judge", "measure"]

ADVERTS = 5  # of a slot
LOSS = 0.4
FAST_DB, SLOW_DB = 4.5, 4.0  # together 6 dB
SLOW_S = 60.0  # memory of the slow shadow
FADE_DB, FADE_S, FADES_A_DAY = 15.0, 300.0, 8.0  # of each receiver
FLOOR_DBM = -97.0  # what no receiver hears
DAY_S = 86_400.0
STAY_S = 2400.0  # in a room, mean
OUT_EVERY_S, OUT_S = 1.5 * DAY_S, 2700.0
WALK_OUT_DB_S = 3.0  # through the door and down the stairs: 60 dB in twenty seconds
DEAD_EVERY_S, DEAD_S = 5 * DAY_S, 3600.0  # of each receiver
WALK_SLOTS = 9  # that somebody stands in each room of the calibration walk

_HEARD = list(
    accumulate(math.comb(ADVERTS, n) * (1 - LOSS) ** n * LOSS ** (ADVERTS - n) for n in range(ADVERTS))
)  # chance that at most n adverts of a slot come through
_NORMAL = NormalDist()

Judge = Callable[[Thresholds, float], Nearness]


@dataclass
class Figures:
    """Counts and times of a measurement."""

    wearer_days: float = 0.0
    homes: int = 0
    refused_homes: int = 0  # their walk found a room that is not covered: they need another receiver
    false_away: int = 0
    departures: int = 0
    unnoticed: int = 0  # he was back before it was noticed
    blind: int = 0  # departures while a receiver was dead: unknown, and not counted among the noticed
    notice_s: list[float] = field(default_factory=list)
    return_s: list[float] = field(default_factory=list)
    dead_s: float = 0.0
    dead_away: int = 0  # times that the state was away because a receiver was dead
    home_s: float = 0.0
    home_known_s: float = 0.0  # of them, shown as home


@dataclass
class _Ear:
    """A receiver of a home: its thresholds and its momentary shadow."""

    rooms_dbm: Sequence[float]
    slow_db: float = 0.0
    fade_until_s: float = 0.0
    fade_next_s: float = math.inf
    dead_until_s: float = 0.0
    dead_next_s: float = math.inf

    def start(self, rng: random.Random) -> None:
        self.fade_next_s = rng.expovariate(FADES_A_DAY / DAY_S)
        self.dead_next_s = rng.expovariate(1 / DEAD_EVERY_S)

    def slot(self, rng: random.Random, mean_dbm: float, at_s: float) -> float:
        """The loudest advert of a slot."""
        keep = math.exp(-SLOT_S / SLOW_S)
        self.slow_db = keep * self.slow_db + rng.gauss(0, SLOW_DB * math.sqrt(1 - keep * keep))
        if at_s >= self.fade_next_s:
            self.fade_until_s = at_s + FADE_S
            self.fade_next_s = self.fade_until_s + rng.expovariate(FADES_A_DAY / DAY_S)
        mean = mean_dbm + self.slow_db - (FADE_DB if at_s < self.fade_until_s else 0.0)
        heard = bisect(_HEARD, rng.random())
        if not heard:
            return SILENT_DBM
        # The loudest of n adverts in one draw: it lies where all n do with the chance u.
        loudest = mean + FAST_DB * _NORMAL.inv_cdf(max(1e-12, rng.random() ** (1 / heard)))
        return loudest if loudest > FLOOR_DBM else SILENT_DBM

    def is_dead(self, rng: random.Random, at_s: float) -> bool:
        if at_s >= self.dead_next_s:
            self.dead_until_s = at_s + DEAD_S
            self.dead_next_s = self.dead_until_s + rng.expovariate(1 / DEAD_EVERY_S)
        return at_s < self.dead_until_s


def measure(*, seed: int, days: float, homes: int, judge: Judge = Nearness, gated: bool = True) -> Figures:
    """Let `judge` watch `homes` homes for `days` together. Without `gated`, a dead receiver's silence is an absence."""
    rng = random.Random(seed)  # noqa: S311 - a simulation
    figures = Figures()
    while figures.homes < homes:
        ears = _make_home(rng)
        calibration = _walk(rng, ears)
        if not calibration.proven:
            figures.refused_homes += 1
            continue
        figures.homes += 1
        _Watch(rng, ears, calibration, judge, figures, gated=gated).run(days / homes * DAY_S)
    return figures


def _make_home(rng: random.Random) -> list[_Ear]:
    """Rooms at 1 to 10 m of a receiver, behind up to one wall; a second receiver in half of the homes."""
    rooms = rng.randint(2, 5)
    receivers = rng.choice((1, 2))
    return [_Ear([rng.uniform(-88.0, -62.0) for _ in range(rooms)]) for _ in range(receivers)]


def _walk(rng: random.Random, ears: list[_Ear]) -> Calibration:
    def stand(ear: _Ear, room: int) -> list[float]:
        return [ear.slot(rng, ear.rooms_dbm[room], 0.0) for _ in range(WALK_SLOTS)]

    rooms = [
        Place(f"room-{room}", {str(n): stand(ear, room) for n, ear in enumerate(ears)})
        for room in range(len(ears[0].rooms_dbm))
    ]
    for ear in ears:
        ear.start(rng)
    return calibrate(rooms, None)


@dataclass
class _Outing:
    """The next time out."""

    leaves_s: float
    home_s: float = 0.0  # since when at home
    noticed: bool = False
    blind: bool = False  # a receiver was dead before it was noticed
    welcomed: bool = False  # shown as home since he came back

    @property
    def back_s(self) -> float:
        return self.leaves_s + OUT_S


class _Watch:
    """One home, watched."""

    def __init__(
        self,
        rng: random.Random,
        ears: list[_Ear],
        calibration: Calibration,
        judge: Judge,
        figures: Figures,
        *,
        gated: bool,
    ) -> None:
        self._rng, self._figures, self._gated = rng, figures, gated
        # A receiver that is the best one of no room has no thresholds, and no say.
        self._ears = [(ears[int(name)], judge(limits, 0.0)) for name, limits in calibration.thresholds.items()]
        self._rooms = len(ears[0].rooms_dbm)

    def run(self, for_s: float) -> None:
        rng = self._rng
        room, move_s = 0, rng.expovariate(1 / STAY_S)
        outing = _Outing(rng.expovariate(1 / OUT_EVERY_S))
        was: State = "unknown"
        for step in range(int(for_s / SLOT_S)):
            at_s = step * SLOT_S
            if at_s >= outing.back_s:
                outing = self._come_back(outing)
            if at_s >= move_s:
                room, move_s = rng.randrange(self._rooms), at_s + rng.expovariate(1 / STAY_S)
            away = at_s >= outing.leaves_s
            outside_db = WALK_OUT_DB_S * (at_s - outing.leaves_s) if away else 0.0
            dead = self._slot(room, outside_db, at_s)
            state = self._state(dead)
            self._count(state, was, outing, at_s + SLOT_S, dead=any(dead))
            was = state
        self._figures.wearer_days += for_s / DAY_S

    def _come_back(self, outing: _Outing) -> _Outing:
        self._figures.departures += 1
        self._figures.blind += outing.blind
        self._figures.unnoticed += not outing.noticed and not outing.blind
        return _Outing(outing.back_s + self._rng.expovariate(1 / OUT_EVERY_S), outing.back_s)

    def _slot(self, room: int, outside_db: float, at_s: float) -> list[bool]:
        dead = []
        for ear, near in self._ears:
            loudest = ear.slot(self._rng, ear.rooms_dbm[room] - outside_db, at_s)
            dead.append(ear.is_dead(self._rng, at_s))
            if dead[-1] and self._gated:
                near.deaf(at_s + SLOT_S)
                continue
            if not dead[-1] and loudest > SILENT_DBM:
                near.heard(loudest, at_s + SLOT_S / 2)
            near.tick(at_s + SLOT_S)
        return dead

    def _state(self, dead: list[bool]) -> State:
        return presence(
            Receiver(not (is_dead and self._gated), near.near)
            for (_, near), is_dead in zip(self._ears, dead, strict=True)
        )

    def _count(self, state: State, was: State, outing: _Outing, at_s: float, *, dead: bool) -> None:
        figures = self._figures
        figures.dead_s += SLOT_S * dead
        if at_s > outing.leaves_s:
            outing.blind = outing.blind or (dead and not outing.noticed)
            if state == "away" and not outing.noticed:
                outing.noticed = True
                if not outing.blind:
                    figures.notice_s.append(at_s - outing.leaves_s)
            return
        figures.home_s += SLOT_S
        figures.home_known_s += SLOT_S * (state == "home")
        if state == "home" and not outing.welcomed:
            outing.welcomed = True
            figures.return_s.append(at_s - outing.home_s)
        if state == "away" and was != "away":
            figures.dead_away += dead
            figures.false_away += not dead

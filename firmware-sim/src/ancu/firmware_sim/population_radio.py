"""When a box does not hear a band although both work: the gaps of one stay in a room. Pure and seeded.

A band advertises every 2 s. What is received follows the margin of the place over the receiver's floor, a slow shadow
of people who turn and move (first order, sampled every `BLOCK_S`), fast fading of each packet, and plain loss. Only
gaps of `GAP_S` and more are told: shorter ones change no decision.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from ancu.firmware_sim.population_params import Radio, Spot

__all__ = ["ADVERT_MS", "GAP_S", "gaps", "margin_db", "still_gap"]

ADVERT_MS = 2_000
GAP_S = 22.0  # a box searches after 16 s and listens for 6 s more before it says anything
BLOCK_S = 30.0
_FINE_SIGMAS = 4.0  # of the slow shadow: a place with so much margin is never lost
_HEARD = 0.4  # with less loss than this a run of eleven lost adverts is too rare to look for


def margin_db(radio: Radio, rng: random.Random, spot: Spot) -> float:
    """How far the mean signal from a place in a home lies over the floor."""
    distance = rng.uniform(*spot.distance_m)
    walls = rng.randint(*spot.walls)
    return _mean_dbm(radio, distance) - walls * radio.wall_db - radio.floor_dbm


def outside_db(radio: Radio, distance_m: float, walls: int) -> float:
    """The margin from outside, behind the door's wall and so many of another house."""
    return _mean_dbm(radio, distance_m) - radio.door_wall_db - walls * radio.wall_db - radio.floor_dbm


def gaps(radio: Radio, rng: random.Random, margin: float, start_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
    """Spans without a received advert during a stay of someone who moves about."""
    if margin > _FINE_SIGMAS * radio.slow_sigma_db:
        return
    keep = math.exp(-BLOCK_S / radio.slow_memory_s)
    spread = radio.slow_sigma_db * math.sqrt(1 - keep * keep)
    gauss, shadow = rng.gauss, rng.gauss(0, radio.slow_sigma_db)
    last, at, block = start_ms, start_ms, round(BLOCK_S * 1000)
    fine = radio.fast_sigma_db - margin  # with so much shadow left hardly more is lost than the plain loss
    while at < end_ms:
        until = min(at + block, end_ms)
        if shadow > fine:
            if at - last >= GAP_S * 1000:
                yield last, at
            last = until
        else:
            lost = 1 - heard_share(radio, margin + shadow)
            for advert in range(at, until, ADVERT_MS):
                if rng.random() >= lost:
                    if advert - last >= GAP_S * 1000:
                        yield last, advert
                    last = advert
        shadow = keep * shadow + gauss(0, spread)
        at = until
    if end_ms - last >= GAP_S * 1000:
        yield last, end_ms


def still_gap(radio: Radio, rng: random.Random, margin: float, start_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
    """The same for someone who lies still: the shadow does not change, so it is all of the time or nothing."""
    lost = 1 - heard_share(radio, margin + rng.gauss(0, radio.slow_sigma_db))
    if lost < _HEARD:
        return
    at = start_ms
    while lost < 1 and at < end_ms:  # the next run of lost adverts: their lengths are geometric
        run = ADVERT_MS * (1 + int(math.log(1 - rng.random()) / math.log(lost)))
        if min(at + run, end_ms) - at >= GAP_S * 1000:
            yield at, min(at + run, end_ms)
        at += run
        if lost < 0.6:  # long runs are rare: skip to the next one
            at += round(ADVERT_MS * rng.expovariate(lost**10) / (1 - lost))


def heard_share(radio: Radio, margin: float) -> float:
    """The share of adverts that are received at a margin over the floor."""
    return (1 - radio.loss) * 0.5 * math.erfc(-margin / radio.fast_sigma_db / math.sqrt(2))


def _mean_dbm(radio: Radio, distance_m: float) -> float:
    return radio.at_1_m_dbm - radio.db_a_decade * math.log10(max(0.3, distance_m))

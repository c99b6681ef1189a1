"""One person's days: rooms, nights, walks, what they do to the band, and what the band makes of it. Pure and seeded."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from ancu.firmware_sim.population_params import Params
from ancu.firmware_sim.population_radio import gaps, heard_share, margin_db, outside_db, still_gap
from ancu.firmware_sim.population_types import Gap, Happening, Home, Look, Person, Press, World, lognormal

__all__ = ["Draft", "live"]

_DAY_MS, _HOUR_MS, _MIN_MS = 86_400_000, 3_600_000, 60_000
_MIDNIGHT_MS = 8 * _HOUR_MS  # a world starts at eight in the morning
_EXIT_MIN = 3.0
_LAST_ASKED_H = 21.0  # nobody is asked in the evening what he could only miss at night
_LOW, _FLAT, _FINE, _SOON = 20, 5, 30, 8
_BODY_DECI_C = 340
_TURN_MS = 4_000
_GET_UP_MS = 30_000  # to rise, dress and reach the door
_HEARD_OF_MS = 11 * _MIN_MS  # the list shows a band that lies about after ten minutes
_WARM_HEARD_OF_MS = 61 * _MIN_MS  # and one that is as warm as a body after an hour


@dataclass(slots=True)
class Draft:
    """A life that is being drawn."""

    params: Params
    rng: random.Random
    world: World
    home: Home
    number: int
    lost: list[Gap] = field(default_factory=list)
    off: list[tuple[int, int, str]] = field(default_factory=list)  # not on the skin, strap whole
    cut: list[tuple[int, int]] = field(default_factory=list)
    charging: list[tuple[int, int]] = field(default_factory=list)
    levels: list[tuple[int, float]] = field(default_factory=list)  # battery at the ends of straight lines
    fever: list[tuple[int, int, int, int]] = field(default_factory=list)  # start, end, skin, SpO2
    out: list[tuple[int, int]] = field(default_factory=list)
    asleep: list[tuple[int, int]] = field(default_factory=list)
    turns: list[tuple[int, int]] = field(default_factory=list)  # in sleep, that put the wrist under the body
    leave: list[tuple[int, int]] = field(default_factory=list)
    loose: bool = False

    def say(self, kind: str, start: int, end: int, cause: str, who: str | None = None) -> None:
        self.world.happenings.append(Happening(kind, who or f"p-{self.number:05d}", start, end, cause))

    def is_free(self, start: int, end: int) -> bool:
        """Whether nothing else was planned then."""
        busy = [*self.out, *((s, e) for s, e, _ in self.off), *self.cut]
        return all(end + _MIN_MS < s or e + _MIN_MS < start for s, e in busy)


def live(draft: Draft) -> Person:
    """Draw the days of one person."""
    person, before = Person(draft.number, draft.home.number), len(draft.world.happenings)
    draft.loose = draft.rng.random() < draft.params.wear.loose_share
    began = _activation(draft)
    _breaches(draft, person)
    _battery(draft)
    _removals(draft)
    _health(draft)
    _faults(draft)
    _rooms(draft)
    _refit(draft, before)
    person.gaps = _union([*draft.lost, *([Gap(draft.world.start_ms - 1, began, "never_worn")] if began else [])])
    person.looks = _looks(draft)
    person.checkins = list(_checkins(draft))
    return person


def _refit(draft: Draft, before: int) -> None:
    """A strap that came off is tightened once an officer knows: what it would have done afterwards does not happen.

    `before`: how many happenings of the world are other people's.
    """
    wear, rng = draft.params.wear, draft.rng
    heard_of = sorted(
        start
        for start, end, cause in draft.off
        if cause != "charging" and end - start >= (_WARM_HEARD_OF_MS if cause == "contact_lost" else _HEARD_OF_MS)
    )
    acted_on = next((start for start in heard_of if rng.random() < wear.refit_share), None)
    if acted_on is None:
        return
    tight_ms = acted_on + round(rng.uniform(*wear.refit_h) * _HOUR_MS)
    draft.off = [span for span in draft.off if span[0] < tight_ms or span[2] == "left_behind"]
    draft.world.happenings[before:] = [
        h
        for h in draft.world.happenings[before:]
        if h.kind not in ("off", "contact_lost") or h.start_ms < tight_ms or h.cause == "left_behind"
    ]


def _activation(draft: Draft) -> int:
    """When the band is first worn; 0: from the start."""
    wear, rng, world = draft.params.wear, draft.rng, draft.world
    roll = rng.random()
    if roll < wear.never_worn_share:
        began = world.end_ms + _DAY_MS
    elif roll < wear.never_worn_share + wear.late_worn_share:
        began = world.start_ms + round(rng.uniform(*wear.late_worn_h) * _HOUR_MS)
    else:
        return 0
    draft.out.append((world.start_ms, began))  # nothing else happens before
    draft.say("never_worn", world.start_ms, began, "never_worn")
    return began


# --- what they do against the order, and for help --------------------------------------------------------------------


def _breaches(draft: Draft, person: Person) -> None:
    breaches, rng = draft.params.breaches, draft.rng
    for at in _moments(draft, breaches.cut_per_day):
        end = at + round(rng.uniform(*breaches.replaced_h) * _HOUR_MS)
        if draft.is_free(at, end):
            draft.cut.append((at, end))
            draft.say("cut", at, end, "cut")
    for at in _moments(draft, breaches.sos_per_day):
        if _at(at, draft.out):
            continue  # a band that nobody wears yet
        person.presses.append(Press(at))
        draft.say("sos", at, at + 10 * _MIN_MS, "sos")
    if draft.loose:
        for at in _moments(draft, breaches.left_behind_per_day, by_day=True):
            end = at + round(max(10.0, lognormal(rng, breaches.walk_median_min, breaches.walk_sigma)) * _MIN_MS)
            if draft.is_free(at, end):
                draft.off.append((at - 30_000, end + 30_000, "left_behind"))
                draft.say("left_behind", at, end, "left_behind")
                draft.say("off", at - 30_000, end + 30_000, "left_behind")
                _crossings(draft, at, end)
    _walks(draft, person)
    _leaves(draft, person)


def _walks(draft: Draft, person: Person) -> None:
    """Out of the home, for long or to the gate."""
    breaches, rng = draft.params.breaches, draft.rng
    for at in _moments(draft, breaches.walk_per_day, by_day=True):
        end = at + round(max(_EXIT_MIN, lognormal(rng, breaches.walk_median_min, breaches.walk_sigma)) * _MIN_MS)
        if draft.is_free(at, end):
            _walk(draft, person, at, end)
    for at in _moments(draft, breaches.gate_per_day, by_day=True):
        end = at + round(max(15.0, lognormal(rng, breaches.gate_median_s, breaches.gate_sigma)) * 1000)
        if draft.is_free(at, end):
            draft.out.append((at, end))
            draft.say("out", at, end, "gate")
            _outside(draft, at, end, rng.uniform(*breaches.near_m), walls=0)
            _crossings(draft, at, end)


def _leaves(draft: Draft, person: Person) -> None:
    """Away with leave, that the desk has written down."""
    absences, rng = draft.params.absences, draft.rng
    for at in _moments(draft, absences.per_day, by_day=True):
        end = at + round(lognormal(rng, absences.median_min, 0.5) * _MIN_MS)
        if draft.is_free(at, end):
            draft.out.append((at, end))
            draft.lost.append(Gap(at + rng.randint(0, 4_000), end, "authorised"))
            leave = (at - 15 * _MIN_MS, end + 15 * _MIN_MS)
            draft.leave.append(leave)
            person.absences.append((at - 2 * _HOUR_MS, leave))


def _walk(draft: Draft, person: Person, at: int, end: int) -> None:
    """Leave, openly or hidden by one of the ways of a cheat."""
    cheats, breaches, rng = draft.params.cheats, draft.params.breaches, draft.rng
    draft.out.append((at, end))
    _crossings(draft, at, end)
    roll, way = rng.random(), "walk"
    for name, share in (
        ("pouch", cheats.pouch_share),
        ("jam", cheats.jam_share),
        ("clone", cheats.clone_share),
        ("relay", cheats.relay_share),
    ):
        if roll < share:
            way = name
            break
        roll -= share
    near = rng.random() < breaches.near_share
    distance = rng.uniform(*breaches.near_m) if near else breaches.far_m
    if way == "walk" and near:
        way = "near"
    draft.say("out", at, end, way)
    if not near and rng.random() < breaches.scanned_share:
        person.scans.append(rng.randint(at + 60_000, max(at + 60_000, end - 60_000)))
        draft.say("scanned", person.scans[-1], person.scans[-1] + 1_000, way)
    if way == "relay":
        return  # the box hears it all the time
    if way in ("pouch", "jam"):
        draft.lost.append(Gap(at - 20_000, end + 20_000, way))
        if way == "jam":
            draft.say("jam", at - 20_000, end + 20_000, "jam", draft.home.edge)
        return
    if way == "clone":
        person.replays.append((at + 5_000, end))
        draft.say("replayed", at, end, "clone", draft.home.edge)
    _outside(draft, at, end, distance, walls=breaches.near_walls)


def _outside(draft: Draft, at: int, end: int, distance_m: float, *, walls: int) -> None:
    """What the box still hears of someone outside."""
    radio, rng = draft.params.radio, draft.rng
    margin = outside_db(radio, distance_m, walls)
    if heard_share(radio, margin + 3 * radio.slow_sigma_db) < 0.02:
        draft.lost.append(Gap(at + rng.randint(0, 4_000), end + rng.randint(0, 2_000), "out"))
    else:
        draft.lost += [Gap(s, e, "out") for s, e in gaps(radio, rng, margin, at, end)]


def _crossings(draft: Draft, at: int, end: int) -> None:
    """The door of a site is watched."""
    if draft.params.layout.site:
        camera = _camera_of(draft)
        for moment, way in ((at, "out"), (end, "in")):
            if draft.rng.random() < draft.params.devices.camera_detects:
                camera.crossings.append((moment + draft.rng.randint(500, 2_500), way))


def _camera_of(draft: Draft) -> Home:
    return next(home for home in draft.world.homes if home.place == draft.home.place and home.camera)


# --- battery, removals, body, faults ---------------------------------------------------------------------------------


def _battery(draft: Draft) -> None:
    battery, rng, world = draft.params.battery, draft.rng, draft.world
    drain = 100 / (battery.days * _DAY_MS)
    at, level = world.start_ms, rng.uniform(25, 100)
    draft.levels.append((at, level))
    while at < world.end_ms:
        low_at = at + round(max(0.0, level - _LOW) / drain)
        dead_at = at + round(level / drain)
        wait = rng.expovariate(1 / battery.charge_after_h) * _HOUR_MS
        tempted_at = at + round(max(0.0, level - rng.uniform(*battery.charge_at_percent)) / drain)
        charge_at = _daytime(draft, round(tempted_at + wait))
        if rng.random() < battery.forget_share or charge_at >= dead_at:
            charge_at = _daytime(draft, round(dead_at + wait))
            draft.levels.append((dead_at, 0.0))
            draft.lost.append(Gap(dead_at, charge_at + 120_000, "battery_dead"))
            draft.say("battery_dead", dead_at, charge_at + 120_000, "battery_dead")
            level = 0.0
        else:
            level -= drain * (charge_at - at)
        draft.levels.append((charge_at, level))
        done = charge_at + round(battery.charge_min * _MIN_MS * (100 - level) / 100)
        if low_at < charge_at:
            draft.say("battery_low", low_at, done, "battery_low")
        draft.charging.append((charge_at, done))
        if draft.loose and rng.random() < battery.off_wrist_share and draft.is_free(charge_at, done):
            draft.off.append((charge_at, done, "charging"))
            draft.say("off", charge_at, done, "charging")
        at, level = done, 100.0
        draft.levels.append((at, level))


def _removals(draft: Draft) -> None:
    wear, rng = draft.params.wear, draft.rng
    if not draft.loose:
        return
    for at in _moments(draft, wear.comfort_off_per_day):
        end = at + round(lognormal(rng, wear.comfort_off_median_min, 0.7) * _MIN_MS)
        if draft.is_free(at, end):
            draft.off.append((at, end, "comfort"))
            draft.say("off", at, end, "comfort")


def _health(draft: Draft) -> None:
    health, rng, world = draft.params.health, draft.rng, draft.world
    if rng.random() >= health.fever_share:
        return
    start = rng.randint(world.start_ms, world.end_ms)
    end = start + round(rng.uniform(*health.fever_h) * _HOUR_MS)
    spo2 = 97
    if rng.random() < health.low_spo2_share:
        spo2 = rng.randint(*health.low_spo2_percent)
        draft.say("low_spo2", start, end, "low_spo2")
    draft.fever.append((start, end, round(rng.uniform(*health.fever_deci_c)), spo2))
    draft.say("fever", start, end, "fever")


def _faults(draft: Draft) -> None:
    for at in _moments(draft, draft.params.devices.band_fault_per_day):
        end = at + round(draft.rng.uniform(*draft.params.breaches.replaced_h) * _HOUR_MS)
        draft.lost.append(Gap(at, end, "band_fault"))
        draft.say("band_fault", at, end, "band_fault")


def _checkins(draft: Draft) -> Iterator[tuple[int, int | None]]:
    checkins, rng = draft.params.checkins, draft.rng
    before = 0
    for at in sorted(_moments(draft, checkins.per_day, by_day=True)):
        hour = (at - draft.world.start_ms + _MIDNIGHT_MS) % _DAY_MS / _HOUR_MS
        if at - before < _HOUR_MS or hour >= _LAST_ASKED_H:
            continue
        before, answered = at, None
        delay_ms = round(lognormal(rng, checkins.answer_median_min, 0.8) * _MIN_MS)
        forgets = rng.random() < checkins.forget_share
        if forgets and rng.random() < checkins.reminded_share:
            forgets, delay_ms = False, delay_ms + round(checkins.reminder_after_min * _MIN_MS)
        if not forgets and draft.is_free(at, at):
            answered = at + delay_ms
        late_ms = at + round(checkins.late_after_min * _MIN_MS)
        if (answered is None or answered > late_ms) and not _at(at, draft.leave):
            draft.say("checkin_missed", at, max(answered or 0, late_ms), "checkin_missed")
        yield at, answered


# --- rooms and nights ------------------------------------------------------------------------------------------------


def _rooms(draft: Draft) -> None:
    """Day by day through the home, with what the radio loses in each room."""
    radio, routine, rng, world = draft.params.radio, draft.params.routine, draft.rng, draft.world
    margins = {
        name: margin_db(radio, rng, spot)
        for name, spot in (
            ("bed", radio.bed),
            ("living", radio.living),
            ("kitchen", radio.kitchen),
            ("bath", radio.bath),
        )
    }
    proven = {name: max(margin, radio.calibrated_db) for name, margin in margins.items()}
    at = world.start_ms
    while at < world.end_ms:
        midnight = at - (at - world.start_ms + _MIDNIGHT_MS) % _DAY_MS
        sleep = midnight + round((routine.sleep_h + rng.gauss(0, routine.spread_h)) * _HOUR_MS)
        wake = midnight + _DAY_MS + round((routine.wake_h + rng.gauss(0, routine.spread_h)) * _HOUR_MS)
        _awake(draft, margins, proven, at, min(sleep, world.end_ms))
        bed = (proven if max(at, sleep) >= draft.home.walked_ms else margins)["bed"]
        _asleep(draft, bed, max(at, sleep), min(wake, world.end_ms))
        at = max(wake, at + _HOUR_MS)


def _awake(draft: Draft, margins: dict[str, float], proven: dict[str, float], at: int, until: int) -> None:
    params, rng = draft.params, draft.rng
    routine, radio = params.routine, params.radio
    hours = 16.0
    stays = 60 * hours / routine.room_median_min
    weights = (
        ("bath", routine.toilet_per_day / stays),
        ("shower", routine.shower_per_day / stays),
        ("visit", routine.visitors_per_day / stays),
    )
    while at < until:
        roll, what = rng.random(), "room"
        for name, share in weights:
            if roll < share:
                what = name
                break
            roll -= share
        room = rng.choice(("living", "living", "bed", "kitchen"))
        minutes = lognormal(rng, routine.room_median_min, 0.6)
        shade = 0.0
        if what == "bath":
            room, minutes = "bath", lognormal(rng, routine.toilet_median_min, 0.5)
        elif what == "shower":
            room, minutes = "bath", lognormal(rng, routine.shower_median_min, 0.4)
        elif what == "visit":
            minutes, shade = lognormal(rng, routine.visit_median_min, 0.5), rng.uniform(*radio.crowd_db)
        end = min(until, at + round(minutes * _MIN_MS))
        if what == "shower" and draft.loose and rng.random() < params.wear.shower_off_share and draft.is_free(at, end):
            draft.off.append((at, end, "shower"))
            draft.say("off", at, end, "shower")
        margin = (proven if at >= draft.home.walked_ms else margins)[room]
        draft.lost += [Gap(s, e, "shadow") for s, e in gaps(radio, rng, margin - shade, at, end)]
        at = end


def _asleep(draft: Draft, margin: float, at: int, until: int) -> None:
    params, rng = draft.params, draft.rng
    if at < until:
        draft.asleep.append((at, until))
    while at < until:
        end = min(until, at + round(rng.expovariate(params.routine.turns_per_night_h) * _HOUR_MS) + _MIN_MS)
        shade = rng.uniform(*params.radio.under_body_db) if rng.random() < params.radio.under_body_share else 0.0
        for start, stop in still_gap(params.radio, rng, margin - shade, at, end):
            up_ms = min((s - _GET_UP_MS for s, e in draft.out if e > start), default=stop)
            if min(up_ms, stop) > start:
                draft.turns += [(start - _TURN_MS, start + 1)] if start == at else []
                draft.lost.append(Gap(start, min(up_ms, stop), "asleep"))
        if draft.loose and rng.random() < params.wear.contact_lost_share and draft.is_free(at, end):
            draft.off.append((at, end, "contact_lost"))
            draft.say("contact_lost", at, end, "contact_lost")
        at = end


# --- what the band senses --------------------------------------------------------------------------------------------


def _looks(draft: Draft) -> list[Look]:
    """The band's senses at every moment at which one of them changes."""
    world = draft.world
    moments = {world.start_ms}
    cold = [
        (start + round(draft.params.wear.cooling_min * _MIN_MS), end)
        for start, end, cause in draft.off
        if cause != "contact_lost"
    ]
    spans = [
        *draft.cut,
        *(span for span in cold if span[0] < span[1]),
        *((start - _GET_UP_MS, end) for start, end in draft.out),
        *draft.charging,
        *draft.asleep,
        *draft.turns,
        *((s, e) for s, e, _ in draft.off),
        *((s, e) for s, e, _, _ in draft.fever),
    ]
    for start, end in spans:
        moments |= {start, end}
    for (start, before), (end, after) in pairwise(draft.levels):
        for level in (_LOW, _FLAT, _FINE, _SOON, 100):
            if min(before, after) <= level <= max(before, after) and before != after:
                moments.add(start + round((end - start) * (level - before) / (after - before)) + 1_000)
    looks = [_look(draft, at) for at in sorted(moments) if world.start_ms <= at < world.end_ms]
    return [look for index, look in enumerate(looks) if index == 0 or _differs(look, looks[index - 1])]


def _look(draft: Draft, at: int) -> Look:
    cut = _at(at, draft.cut)
    off = next((span for span in draft.off if span[0] <= at < span[1]), None)
    charging = _at(at, draft.charging)
    worn = not cut and off is None
    up = _at(at, draft.turns) or any(start - _GET_UP_MS <= at < end for start, end in draft.out)
    skin, spo2 = 364, 97
    for start, end, fever, low in draft.fever:
        if start <= at < end:
            skin, spo2 = fever, low
    return Look(
        at_ms=at,
        strap_closed=not cut,
        skin=worn,
        motion=worn and (up or not _at(at, draft.asleep)),
        charging=charging,
        tampered=cut,
        battery_percent=_level(draft.levels, at),
        skin_deci_c=skin if off is None else _off_deci_c(draft, at, off),
        heart_bpm=72 if worn else 0,
        spo2_percent=spo2 if worn else 0,
    )


def _off_deci_c(draft: Draft, at: int, off: tuple[int, int, str]) -> int:
    """What a band feels that nobody's skin touches: the same for the whole of a span."""
    wear, rng = draft.params.wear, random.Random(f"{draft.number}:{off[0]}")
    if off[2] == "contact_lost":
        return round(rng.uniform(*wear.contact_lost_deci_c))
    return _BODY_DECI_C if at - off[0] < wear.cooling_min * _MIN_MS else round(rng.uniform(*wear.room_deci_c))


def _differs(now: Look, before: Look) -> bool:
    def key(look: Look) -> tuple[object, ...]:
        level = look.battery_percent
        band = (level <= _FLAT, level <= _SOON, level <= _LOW, level < _FINE)
        return (
            look.strap_closed,
            look.skin,
            look.motion,
            look.charging,
            look.tampered,
            look.skin_deci_c,
            look.spo2_percent,
            band,
        )

    return key(now) != key(before)


def _level(levels: list[tuple[int, float]], at: int) -> int:
    for (start, before), (end, after) in pairwise(levels):
        if start <= at <= end:
            share = (at - start) / (end - start) if end > start else 1.0
            return max(0, min(100, math.ceil(before + (after - before) * share)))
    return max(0, min(100, math.ceil(levels[-1][1])))


def _at(at: int, spans: list[tuple[int, int]]) -> bool:
    return any(start <= at < end for start, end in spans)


# --- helpers ---------------------------------------------------------------------------------------------------------


def _moments(draft: Draft, per_day: float, *, by_day: bool = False) -> Iterator[int]:
    """Moments at random, so many a day on average; by day they are moved out of the night."""
    if per_day <= 0:
        return
    at = float(draft.world.start_ms + 10 * _MIN_MS)
    while True:
        at += draft.rng.expovariate(per_day) * _DAY_MS
        if at >= draft.world.end_ms:
            return
        moment = _daytime(draft, round(at)) if by_day else round(at)
        if moment < draft.world.end_ms:
            yield moment


def _daytime(draft: Draft, at: int) -> int:
    """`at`, or the morning after if that is in the night."""
    hour = (at - draft.world.start_ms + _MIDNIGHT_MS) % _DAY_MS / _HOUR_MS
    if 6.5 <= hour < 22:
        return at
    hours = (6.5 - hour) % 24 + draft.rng.uniform(0, 3)
    return at + round(hours * _HOUR_MS)


def _union(lost: list[Gap]) -> list[Gap]:
    """Gaps in order, joined where nothing is heard between them."""
    merged: list[Gap] = []
    for gap in sorted(lost, key=lambda g: (g.start_ms, g.end_ms, g.cause)):
        if merged and gap.start_ms <= merged[-1].end_ms + 2_000:
            last = merged[-1]
            longer = gap if gap.end_ms - gap.start_ms > last.end_ms - last.start_ms else last
            merged[-1] = Gap(last.start_ms, max(last.end_ms, gap.end_ms), longer.cause)
        else:
            merged.append(gap)
    return merged

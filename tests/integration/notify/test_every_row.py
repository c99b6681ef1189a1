"""Every row of the breach table, from a sealed frame or a told fact to the officer whose telephone says so.

Each row has a twin that comes near it and must stay silent. Waits are the policy's own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from ancu.models.frame import Reading, Status
from ancu.models.keys import derive_band_keys
from ancu.models.topics import Lane
from ancu.models.wire import CameraCrossing, CameraHealth, CameraZone, MainsChanged, Neighbours
from ancu.server.alerts.events import Raised, Reopened, SeverityRaised
from ancu.server.bench.fleet import Band
from ancu.server.cases.codes import Kind
from ancu.server.cases.inputs import (
    AbsenceGranted,
    ChallengeSettled,
    CheckinAnswered,
    CheckinAsked,
    CheckpointScanned,
    SelfReported,
)
from ancu.server.policies import load_policy
from ancu.server.projection import events_of

from .street import WORN, Street, cool

pytestmark = pytest.mark.timeout(90)  # hours of a street in virtual time

Scene = Callable[[Street], None]
QUARTER_S = 900


@dataclass(frozen=True)
class Row:
    """`who`: whose telephone; empty: on the work list, and nobody's telephone. Breaches go on until somebody hears."""

    number: int
    kind: Kind
    who: str
    breach: Scene
    quiet: Scene
    homes: int = 4


def worn(**changes: object) -> Reading:
    return dataclasses.replace(WORN, **changes)


def settled(street: Street) -> Street:
    """Everyone at home for a while."""
    street.live(60)
    return street


def frame(reading: Reading, ago_s: float = 0) -> Scene:
    def scene(street: Street) -> None:
        settled(street)
        street.at += timedelta(seconds=1)
        street.frame(reading, ago_s=ago_s)
        street.live(60)

    return scene


def wearing(reading: Reading, seconds: int) -> Scene:
    def scene(street: Street) -> None:
        settled(street)
        street.life.reading = reading
        street.live(seconds)

    return scene


def scanned(*, allowed: bool) -> Scene:
    def scene(street: Street) -> None:
        settled(street)
        if allowed:
            start, end = street.at, street.at + timedelta(hours=2)
            street.told(AbsenceGranted(street.at, street.person, "a1", start, end, ("bridge",)))
        street.live(60)
        street.told(CheckpointScanned(street.at, street.person, "s1", "bridge"))
        street.live(60)

    return scene


def gone(seconds: int, *, back_after: int | None = None, testifies: bool = True) -> Scene:
    def scene(street: Street) -> None:
        settled(street)
        street.life.testifies = testifies
        street.life.reading = None
        if back_after is not None:
            street.live(back_after)
            street.life.reading = WORN
        street.live(seconds)

    return scene


def dying_battery(*, silent: bool) -> Scene:
    def scene(street: Street) -> None:
        settled(street)
        street.life.reading = worn(battery_percent=4)
        street.live(120)
        if silent:
            street.life.testifies = False
            street.life.reading = None
        street.live(900)

    return scene


def boxes_die(count: int, seconds: int, back_after: int | None = None) -> Scene:
    def scene(street: Street) -> None:
        settled(street)
        for life in street.lives[:count]:
            life.alive = False
        if back_after is not None:
            street.live(back_after)
            for life in street.lives[:count]:
                life.alive = True
        street.live(seconds)

    return scene


def mains(*, on: bool) -> Scene:
    def scene(street: Street) -> None:
        settled(street)
        street.state(MainsChanged(street.now_ms, on), lane=Lane.STATE)
        street.live(60)

    return scene


def moved(odd_scans: int, *, comes_back: bool) -> Scene:
    here, there = ([(bytes([place]) * 7 + bytes([n]), -70) for n in range(6)] for place in (1, 2))
    back = [here] * 2 if comes_back else []

    def scene(street: Street) -> None:
        for devices in [here] * 6 + [there] * odd_scans + back:
            street.live(60)
            street.state(Neighbours(street.now_ms, tuple(devices)), lane=Lane.BULK)
        street.live(60)

    return scene


def crossing(direction: str) -> Scene:
    def scene(street: Street) -> None:
        settled(street)
        street.state(CameraCrossing(street.now_ms, "gate", "main", direction, 4, 0.9, 3))
        street.live(60)

    return scene


def zone(watch: str, people: int, leaves_after: int | None = None) -> Scene:
    def scene(street: Street) -> None:
        settled(street)
        street.state(CameraZone(street.now_ms, "gate", f"z-{watch}", watch, people, street.now_ms))
        if leaves_after is not None:
            street.at += timedelta(seconds=leaves_after)
            street.state(CameraZone(street.now_ms, "gate", f"z-{watch}", watch, 0, street.now_ms))
        street.live(120)

    return scene


def covered(*, clears_after: int | None = None) -> Scene:
    def scene(street: Street) -> None:
        settled(street)
        street.state(CameraHealth(street.now_ms, "gate", "covered", street.now_ms), lane=Lane.STATE)
        if clears_after is not None:
            street.live(clears_after)
            street.state(CameraHealth(street.now_ms, "gate", "ok", street.now_ms), lane=Lane.STATE)
        street.live(60)

    return scene


def checkin(*answers: bool | None) -> Scene:
    """Asked; answered after a minute each, None: by a tap that nobody checked."""

    def scene(street: Street) -> None:
        settled(street)
        street.told(CheckinAsked(street.at, street.person, "c1"))
        for face in answers:
            street.live(60)
            street.told(CheckinAnswered(street.at, street.person, "c1", face))
        street.live(1800)

    return scene


def hot(times: int, *, says_so: bool = False) -> Scene:
    def scene(street: Street) -> None:
        settled(street)
        for _ in range(times):
            street.life.reading = worn(skin_deci_c=391)
            street.live(10)
            street.life.reading = WORN
            street.live(QUARTER_S + 10)
        if says_so:
            street.told(SelfReported(street.at, street.person, feverish=True))
        street.live(60)

    return scene


def challenged(*outcomes: str) -> Scene:
    """Asked each five minutes, and heard all the while."""

    def scene(street: Street) -> None:
        settled(street)
        for outcome in outcomes:
            street.live(300)
            asked = street.at - timedelta(seconds=60)
            band, edge = street.home.bands[0].number, street.home.edge
            street.told(ChallengeSettled(street.at, street.person, band, edge, asked, outcome))
        street.live(60)

    return scene


def declares(*symptoms: str, before: tuple[str, ...] = ()) -> Scene:
    def scene(street: Street) -> None:
        settled(street)
        new = tuple(symptom for symptom in symptoms if symptom not in before)
        street.told(SelfReported(street.at, street.person, False, symptoms, new))
        street.live(60)

    return scene


def faint(*, near_after: int | None = None) -> Scene:
    """Heard, but by the only box of the home as from outside."""

    def scene(street: Street) -> None:
        settled(street)
        street.life.near = False
        if near_after is not None:
            street.live(near_after)
            street.life.near = True
        street.live(900)

    return scene


def never_worn(*, once: bool) -> Scene:
    def scene(street: Street) -> None:
        street.seat(starts_at=street.began)
        street.life.reading = None
        street.life.testifies = False
        if once:
            street.live(60)
            street.life.reading = WORN
        street.live(2 * 3600 + 120)

    return scene


def forged(street: Street) -> None:
    settled(street)
    band = street.home.bands[0]
    thief = Band(band.number, band.order, band.person, derive_band_keys(b"another key 1234", band.order), band.address)
    for _ in range(3):
        street.at += timedelta(seconds=2)
        street.say(street.home, thief.heard(street.now_ms), lane=Lane.STATE)
    street.live(60)


def sent_again(street: Street) -> None:
    """A gateway that heard no confirm sends the same once more."""
    settled(street)
    street.at += timedelta(seconds=2)
    topic, body = street.say(street.home, street.home.bands[0].heard(street.now_ms), lane=Lane.STATE)
    for _ in range(3):
        street.relay(topic, body)
    street.live(60)


def over(*, worn_still: bool) -> Scene:
    def scene(street: Street) -> None:
        settled(street)
        street.seat(ended_at=street.at)
        if not worn_still:
            street.life.reading = cool(worn(status=Status(0)))
        street.live(3600)

    return scene


SKIN = Status.SKIN
ROWS = [
    Row(1, Kind.SOS, "police", frame(worn(status=SKIN | Status.SOS)), frame(worn(status=SKIN | Status.SOS), 3600)),
    Row(
        2,
        Kind.STRAP_CUT,
        "police",
        frame(worn(status=SKIN | Status.STRAP_OPEN)),
        frame(worn(status=SKIN | Status.STRAP_OPEN), 3600),
    ),
    Row(3, Kind.CHECKPOINT_SCAN, "police", scanned(allowed=False), scanned(allowed=True)),
    Row(4, Kind.OUT_OF_RANGE, "police", gone(300), gone(600, back_after=60)),
    Row(4, Kind.OUT_OF_RANGE, "police", faint(), faint(near_after=200)),
    Row(5, Kind.BAND_SILENT, "police", gone(600, testifies=False), gone(900, back_after=120, testifies=False)),
    Row(
        6,
        Kind.BAND_REMOVED,
        "police",
        wearing(cool(worn(status=Status(0))), 900),
        wearing(worn(status=SKIN), 3600),  # asleep
    ),
    Row(7, Kind.BATTERY_LOW, "", wearing(worn(battery_percent=7), 300), wearing(worn(battery_percent=35), 300)),
    Row(7, Kind.BATTERY_DEAD, "police", dying_battery(silent=True), dying_battery(silent=False)),
    Row(8, Kind.EDGE_SILENT, "police", boxes_die(1, 2400), boxes_die(1, 900, back_after=300)),
    Row(8, Kind.GATEWAY_SILENT, "police", boxes_die(4, 1200), boxes_die(4, 900, back_after=300)),
    Row(8, Kind.AREA_OUTAGE, "", boxes_die(3, 2400), boxes_die(3, 900, back_after=300)),
    Row(9, Kind.MAINS_LOST, "", mains(on=False), mains(on=True)),
    Row(10, Kind.EDGE_MOVED, "police", moved(3, comes_back=False), moved(2, comes_back=True)),
    Row(11, Kind.CAMERA_EXIT, "police", crossing("out"), crossing("in")),
    Row(12, Kind.FORBIDDEN_ZONE, "police", zone("forbidden", 1), zone("forbidden", 1, leaves_after=3)),
    Row(12, Kind.GATHERING, "police", zone("gathering", 3), zone("gathering", 2)),
    Row(13, Kind.CAMERA_FAULT, "police", covered(), covered(clears_after=10)),
    Row(14, Kind.CHECKIN_MISSED, "police", checkin(), checkin(None)),
    Row(
        14,
        Kind.CHALLENGE_MISSED,
        "police",
        challenged("missed", "missed"),
        challenged("missed", "worn", "missed", "not_worn"),
    ),
    Row(15, Kind.CHECKIN_WRONG, "police", checkin(False, False), checkin(False, True)),
    Row(16, Kind.FEVER, "health", hot(2), hot(1)),
    Row(16, Kind.FEVER, "health", hot(1, says_so=True), hot(0, says_so=True)),
    Row(16, Kind.SYMPTOM_CHANGE, "health", declares("cough"), declares("cough", before=("cough",))),
    Row(16, Kind.SYMPTOM_CHANGE, "health", declares("breathless"), declares()),
    Row(
        17,
        Kind.SPO2_LOW,
        "health",
        wearing(worn(spo2_percent=92, status=SKIN), 60),
        wearing(worn(spo2_percent=92), 60),  # in motion
    ),
    Row(
        18,
        Kind.HEART_RATE,
        "health",
        wearing(worn(heart_bpm=140, status=SKIN), 400),
        wearing(worn(heart_bpm=140), 400),
    ),
    Row(19, Kind.NEVER_ACTIVATED, "police", never_worn(once=False), never_worn(once=True), homes=1),
    Row(20, Kind.TECHNICAL, "operator", forged, sent_again),
    Row(21, Kind.BAND_STILL_WORN, "", over(worn_still=True), over(worn_still=False)),
]
NAMES = [f"row {row.number} {row.kind} {n}" for n, row in enumerate(ROWS)]


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_a_breach_reaches_who_has_to_act(tmp_path: Path, row: Row):
    street = Street(tmp_path, row.homes)
    row.breach(street)
    assert row.kind in street.listed()
    if not row.who:
        street.live(600)
        assert street.listed()[row.kind] == "L"
        assert street.who_heard(row.kind) == set()
        return
    heard = until_heard(street, row.kind, row.who)
    if row.who == "health":
        assert not heard & {"police", "site"}


def until_heard(street: Street, kind: Kind, who: str) -> set[str]:
    """Live on until he hears of it, at most as long as the row's ladder and some hours."""
    latest = street.began + timedelta(minutes=street.policy.rules.of(kind).next_level_min[-1] + 240)
    while who not in street.who_heard(kind) and street.at < latest:
        street.live(60)
    assert who in street.who_heard(kind)
    return street.who_heard(kind)


LASTING = [row for row in ROWS if row.who and row.kind is not Kind.TECHNICAL]  # forged frames that stop are over


@pytest.mark.parametrize("row", LASTING, ids=[f"row {row.number} {row.kind} {n}" for n, row in enumerate(LASTING)])
def test_what_nobody_takes_reaches_the_province_by_its_ladder(tmp_path: Path, row: Row):
    street = Street(tmp_path, row.homes)
    row.breach(street)
    until_heard(street, row.kind, "province")
    heard = next(one for one in street.heard if one.officer == "province")
    assert heard.at <= last_step(street, heard.due.message.items[0].alert) + timedelta(seconds=20)


def last_step(street: Street, alert: str) -> datetime:
    """When the ladder that was frozen at raising has its last step."""
    ladders = [event.ladder for _, event in events_of(street.store, alert) if isinstance(event, _FREEZE)]
    return max(due.at for ladder in ladders for due in ladder)


_FREEZE = (Raised, SeverityRaised, Reopened)


def test_the_twins_find_a_policy_that_does_not_wait(tmp_path: Path):
    policy = load_policy("default")
    hasty = msgspec.structs.replace(policy.rules.out_of_range, opens_after_s=0)
    street = Street(
        tmp_path,
        policy=msgspec.structs.replace(policy, rules=msgspec.structs.replace(policy.rules, out_of_range=hasty)),
    )
    gone(600, back_after=60)(street)
    assert "police" in street.who_heard(Kind.OUT_OF_RANGE)


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_what_comes_near_a_breach_wakes_nobody(tmp_path: Path, row: Row):
    street = Street(tmp_path, row.homes)
    row.quiet(street)
    assert street.heard == []
    assert street.listed().get(row.kind, "L") == "L"
    if not row.who:
        assert row.kind not in street.listed()


def test_every_row_and_every_kind_of_the_table_is_here():
    assert {row.number for row in ROWS} == set(range(1, 22))
    assert {row.kind for row in ROWS} == set(Kind)

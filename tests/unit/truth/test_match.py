"""Alerts are matched with the truth by strict rules, a row a kind."""

from __future__ import annotations

from ancu.firmware_sim.population_types import Happening, Person, World
from ancu.models.clock import from_ms
from ancu.server.alerts.events import Attached, Escalated, Raised, Sign, Subject
from ancu.server.cases.codes import CONCERN_OF, Desk, Kind, Say, SubjectKind
from ancu.server.ports import Severity
from ancu.truth.match import NEEDS, TRUE_OF, Met, match
from ancu.truth.report import figures
from ancu.truth.run import Entry, Outcome

START, END = 1_772_413_200_000, 1_772_413_200_000 + 86_400_000
WALK = Happening("out", "p-00001", START + 3_600_000, START + 5_400_000, "walk")


def world(*happenings: Happening) -> World:
    return World(START, END, [], [Person(1, 0), Person(2, 0)], list(happenings), {}, {}, {})


def raised(kind: Kind, person: str, since_ms: int, at_ms: int, *, paged: bool = True) -> Entry:
    subject = Subject(SubjectKind.PERSON, person, "00001", person)
    sign = Sign(Say.UNSEEN_RESCANNED, from_ms(at_ms))
    event = Raised(
        f"{kind}-{person}-{since_ms}",
        from_ms(at_ms),
        "default@1",
        kind,
        CONCERN_OF[kind],
        subject,
        Severity.HIGH,
        Desk.WARD,
        from_ms(since_ms),
        (sign,),
        (),
        paged,
        (),
    )
    return Entry(at_ms, event)


def test_an_alert_is_true_while_the_person_is_out():
    at = WALK.start_ms + 90_000
    matched = match(world(WALK), [raised(Kind.OUT_OF_RANGE, "p-00001", WALK.start_ms, at)])
    assert [alert.true for alert in matched.alerts] == [True]
    assert matched.needs["out_of_range"] == [Met(WALK, 90_000, 90_000)]


def test_an_alert_about_another_person_is_false_and_finds_nothing():
    matched = match(world(WALK), [raised(Kind.OUT_OF_RANGE, "p-00002", WALK.start_ms, WALK.start_ms + 90_000)])
    assert [alert.true for alert in matched.alerts] == [False]
    assert matched.needs["out_of_range"] == [Met(WALK, None, None)]


def test_an_alert_after_the_return_is_false_and_too_late_for_the_walk():
    late = WALK.end_ms + 300_000
    matched = match(world(WALK), [raised(Kind.OUT_OF_RANGE, "p-00001", late - 90_000, late)])
    assert [alert.true for alert in matched.alerts] == [False]
    assert matched.needs["out_of_range"] == [Met(WALK, None, None)]


def test_an_alert_of_the_wrong_kind_does_not_find_a_cut():
    cut = Happening("cut", "p-00001", WALK.start_ms, WALK.end_ms, "cut")
    matched = match(world(cut), [raised(Kind.BATTERY_LOW, "p-00001", cut.start_ms, cut.start_ms + 1_000)])
    assert matched.needs["strap_cut"] == [Met(cut, None, None)]


def test_evidence_attached_to_an_open_incident_counts_as_told():
    first = raised(Kind.BAND_SILENT, "p-00001", WALK.start_ms - 600_000, WALK.start_ms - 300_000)
    attached = Attached(
        first.event.alert, from_ms(WALK.start_ms + 60_000), Kind.OUT_OF_RANGE, from_ms(WALK.start_ms), ()
    )
    matched = match(world(WALK), [first, Entry(WALK.start_ms + 60_000, attached)])
    assert matched.needs["out_of_range"] == [Met(WALK, 60_000, None)]


def test_two_incidents_of_one_episode_are_found():
    first = raised(Kind.OUT_OF_RANGE, "p-00001", WALK.start_ms, WALK.start_ms + 90_000)
    second = raised(Kind.OUT_OF_RANGE, "p-00001", WALK.start_ms + 600_000, WALK.start_ms + 900_000)
    assert match(world(WALK), [first, second]).double == [("out_of_range", WALK)]


def test_figures_count_pages_apart_from_rungs_of_the_ladder():
    first = raised(Kind.OUT_OF_RANGE, "p-00001", WALK.start_ms, WALK.start_ms + 90_000)
    rung = Entry(
        first.at_ms + 180_000, Escalated(first.event.alert, from_ms(first.at_ms + 180_000), 1, from_ms(0), True)
    )
    truth = world(WALK)
    outcome = Outcome(truth, [first, rung])
    report = figures(outcome, match(truth, outcome.journal), people=100, days=1.0, seed=1, preset="x", policy="y")
    assert (report["alerts_per_100_days"], report["pages_per_100_days"], report["rings_per_100_days"]) == (
        1.0,
        1.0,
        2.0,
    )
    assert report["paged_precision"] == 1.0
    assert report["kinds"]["out_of_range"]["latency_s"] == {"p50": 90.0, "p95": 90.0, "p99": 90.0}


def test_every_kind_that_the_judge_has_is_matched_by_a_row():
    assert {kind.value for kind in Kind} <= set(TRUE_OF)


def test_every_need_is_met_by_kinds_that_have_a_row():
    assert {kind for need in NEEDS for kind in need.kinds} <= set(TRUE_OF)

"""Fever, blood oxygen and heart rate: for the health worker, and only on as many readings as the table asks."""

from __future__ import annotations

from typing import Any

from ancu.models.frame import Status
from ancu.server.alerts.events import Raised
from ancu.server.cases.codes import Concern, Desk, Say
from ancu.server.cases.inputs import SelfReported
from ancu.server.ports import Severity

STILL = Status.SKIN


def test_two_hot_readings_a_quarter_of_an_hour_apart_are_a_fever_for_the_health_worker(story: Any):
    story.run(60)
    story.wear(1, skin_deci_c=380)
    story.run(60 + 900)
    assert story.alerts == []
    story.run(60 + 901)
    raised = story.said(Raised)[0]
    assert (raised.kind, raised.severity, raised.desk) == ("fever", Severity.HIGH, Desk.HEALTH)
    assert raised.since == story.at(60)
    assert raised.concern is Concern.HEALTH


def test_a_tenth_of_a_degree_less_or_a_few_minutes_less_is_none(story: Any):
    story.wear(1, skin_deci_c=379)
    story.run(2000)
    story.wear(1, skin_deci_c=390)
    story.run(2890)
    story.come_back()
    story.run(4000)
    assert story.alerts == []


def test_one_hot_reading_beside_a_self_report_is_enough_in_either_order(tell_story: Any):
    for first in ("report", "reading"):
        story = tell_story()
        story.run(60)
        if first == "report":
            story.tell(SelfReported(story.at(story.t), "p1", feverish=True))
        story.wear(1, skin_deci_c=384)
        story.run(71)
        if first == "reading":
            assert story.alerts == []
            story.tell(SelfReported(story.at(story.t), "p1", feverish=True))
        story.run(72)
        assert story.only.said == {Say.FEVER_READING, Say.FEVER_REPORTED}


def test_a_self_report_without_a_hot_reading_or_of_no_fever_is_none(story: Any):
    story.tell(SelfReported(story.at(0), "p1", feverish=True))
    story.run(600)
    assert story.alerts == []
    again = type(story)()
    again.tell(SelfReported(again.at(0), "p1", feverish=False))
    again.wear(1, skin_deci_c=385)
    again.run(600)
    assert again.alerts == []


def test_a_fever_is_over_when_the_skin_was_not_hot_for_two_hours(story: Any):
    story.wear(1, skin_deci_c=385)
    story.run(1000)
    story.come_back()
    story.run(1000 + 7000)
    assert story.only.ended_at is None
    story.run(1000 + 7300)
    assert story.only.ended_at is not None


def test_a_band_in_the_sun_on_a_table_has_no_fever(story: Any):
    story.wear(1, skin_deci_c=410, status=Status.MOTION)
    story.run(1200)
    assert story.kinds == []


def test_three_low_readings_without_motion_are_high_and_three_of_ninety_critical(story: Any):
    story.run(60)
    story.wear(1, spo2_percent=93, status=STILL)
    story.run(80)
    assert story.alerts == []
    story.run(81)
    assert (story.only.kind, story.only.severity) == ("spo2_low", Severity.HIGH)
    story.wear(1, spo2_percent=90, status=STILL)
    story.run(101)
    assert story.only.severity is Severity.HIGH
    story.run(111)
    assert story.only.severity is Severity.CRITICAL
    story.wear(1, status=STILL)
    story.run(200)
    assert story.only.ended_at is not None


def test_motion_unknown_values_and_ninety_four_are_no_low_oxygen(story: Any):
    for changes in (
        {"spo2_percent": 85, "status": Status.SKIN | Status.MOTION},
        {"spo2_percent": 0, "status": STILL},
        {"spo2_percent": 94, "status": STILL},
    ):
        story.wear(1, **changes)
        story.run(story.t + 120)
    assert story.alerts == []


def test_two_low_readings_and_a_good_one_begin_anew(story: Any):
    for _ in range(5):
        story.wear(1, spo2_percent=88, status=STILL)
        story.run(story.t + 20)
        story.wear(1, status=STILL)
        story.run(story.t + 10)
    assert story.alerts == []


def test_a_fast_heart_at_rest_for_five_minutes_is_reported_and_a_normal_one_ends_it(story: Any):
    story.wear(1, heart_bpm=131, status=STILL)
    story.run(300)
    assert story.alerts == []
    story.run(301)
    assert (story.only.kind, story.only.desk) == ("heart_rate", Desk.HEALTH)
    story.wear(1, heart_bpm=80, status=STILL)
    story.run(320)
    assert story.only.ended_at is not None


def test_a_slow_heart_is_reported_too(story: Any):
    story.wear(1, heart_bpm=39, status=STILL)
    story.run(301)
    assert story.kinds == ["heart_rate"]


def test_a_fast_heart_in_motion_at_its_bounds_or_with_gaps_is_not(story: Any):
    story.wear(1, heart_bpm=170)
    story.run(400)
    story.wear(1, heart_bpm=130, status=STILL)
    story.run(800)
    story.wear(1, heart_bpm=40, status=STILL)
    story.run(1200)
    for _ in range(4):
        story.wear(1, heart_bpm=150, status=STILL)
        story.run(story.t + 100)
        story.wear(1, heart_bpm=0, status=STILL)
        story.run(story.t + 130)
    assert story.alerts == []


def test_fever_is_never_evidence_of_a_breach(story: Any):
    story.wear(1, skin_deci_c=390)
    story.run(1000)
    story.leave()
    story.run(1200)
    assert sorted(story.kinds) == ["fever", "out_of_range"]
    assert {a.concern for a in story.alerts} == {Concern.HEALTH, Concern.WHEREABOUTS}


def test_stored_readings_that_come_late_make_nobody_ill(story: Any):
    story.run(60)
    story.leave()
    hot = story.judge.latest(1).reading
    for t in range(61, 2000, 100):
        story.hear(1, type(hot)(80, False, 400, 150, 80, STILL, 0), t=t, late=True)
    assert story.alerts == []

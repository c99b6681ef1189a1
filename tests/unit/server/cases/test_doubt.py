"""Rows 4 and 5 under the default policy: a band that is not heard and may well be at home is a doubt."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ancu.models.frame import Status
from ancu.server.alerts.alert import Acknowledge
from ancu.server.alerts.events import Escalated, Raised, Reopened, SeverityRaised
from ancu.server.cases.codes import Kind, Say
from ancu.server.policies import load_policy
from ancu.server.ports import Severity

from .conftest import Story

STILL, MOVING = Status.SKIN, Status.SKIN | Status.MOTION


def gone_after(story: Story, status: Status) -> int:
    """Worn like this from second 70 on, and last heard so at 100; returns that second."""
    story.run(61)
    story.wear(status=status)
    story.run(101)
    story.leave()
    return 100


def test_who_was_in_motion_and_is_not_heard_is_away_after_165_seconds(calm: Story):
    last = gone_after(calm, MOVING)
    calm.run(last + 164)
    assert calm.alerts == []
    calm.run(last + 165)
    assert (calm.only.kind, calm.only.severity) == (Kind.OUT_OF_RANGE, Severity.HIGH)
    assert not calm.only.said & {Say.LAST_STILL, Say.RADIO_UNPROVEN}
    assert [event.paged for event in calm.said(Raised)] == [True]


def test_who_lay_still_is_a_doubt_after_30_minutes_that_stands_on_the_list(calm: Story):
    last = gone_after(calm, STILL)
    calm.run(last + 1799)
    assert calm.alerts == []
    assert calm.where() == "unknown"
    calm.run(last + 1800)
    assert (calm.only.kind, calm.only.severity) == (Kind.OUT_OF_RANGE, Severity.MEDIUM)
    assert {Say.UNSEEN_RESCANNED, Say.LAST_STILL} == calm.only.said
    assert [event.paged for event in calm.said(Raised)] == [False]


def test_a_turn_in_bed_is_no_leaving(calm: Story):
    gone_after(calm, STILL)
    calm.wear(status=MOVING)
    calm.run(111)  # one frame in motion, at 110
    calm.leave()
    calm.run(110 + 1799)
    assert calm.alerts == []
    calm.run(110 + 1800)
    assert calm.only.severity is Severity.MEDIUM


def test_who_moves_for_longer_than_a_turn_in_bed_may_have_left(calm: Story):
    gone_after(calm, STILL)
    calm.wear(status=MOVING)
    calm.run(131)  # in motion from 110 to 130
    calm.leave()
    calm.run(130 + 165)
    assert calm.only.severity is Severity.HIGH


def test_a_band_that_nobody_wore_is_no_doubt(calm: Story):
    last = gone_after(calm, Status(0))
    calm.run(last + 165)
    assert calm.only.severity is Severity.HIGH


def test_a_doubt_that_does_not_end_grows_into_high_after_two_hours_and_rings(calm: Story):
    last = gone_after(calm, STILL)
    calm.run(last + 7199)
    assert calm.only.severity is Severity.MEDIUM
    calm.run(last + 7200)
    assert calm.only.severity is Severity.HIGH
    (worse,) = calm.said(SeverityRaised)
    assert (worse.kind, worse.paged) == (Kind.OUT_OF_RANGE, True)
    assert [(due.level, due.at) for due in worse.ladder] == [
        (level, calm.at(last + 7200 + 60 * minutes)) for level, minutes in ((1, 3), (2, 10), (3, 20))
    ]


def test_a_doubt_that_is_heard_again_ends_and_never_grows(calm: Story):
    last = gone_after(calm, STILL)
    calm.run(last + 3000)
    calm.come_back()
    calm.run(last + 8000)
    assert calm.only.ended_at is not None
    assert calm.said(SeverityRaised) == []


def test_the_ladder_of_a_doubt_is_slower(calm: Story):
    last = gone_after(calm, STILL)
    calm.run(last + 1800)
    assert [due.at for due in calm.only.ladder] == [calm.at(last + 1800 + 60 * minutes) for minutes in (60, 120)]


def test_where_nobody_walked_the_rooms_a_moving_band_is_a_doubt_after_10_minutes(calm: Story):
    calm.unproven.add("e1")
    last = gone_after(calm, MOVING)
    calm.run(last + 599)
    assert calm.alerts == []
    calm.run(last + 600)
    assert (calm.only.severity, calm.only.said) == (Severity.MEDIUM, {Say.UNSEEN_RESCANNED, Say.RADIO_UNPROVEN})
    calm.run(last + 7200)
    assert calm.only.severity is Severity.HIGH


def test_where_somebody_walked_the_rooms_meanwhile_it_is_none(calm: Story):
    calm.unproven.add("e1")
    calm.run(31)
    calm.unproven.clear()
    last = gone_after(calm, MOVING)
    calm.run(last + 165)
    assert calm.only.severity is Severity.HIGH


def test_who_lay_still_where_nobody_walked_waits_the_longer_and_both_are_said(calm: Story):
    calm.unproven.add("e1")
    last = gone_after(calm, STILL)
    calm.run(last + 1799)
    assert calm.alerts == []
    calm.run(last + 1800)
    assert {Say.LAST_STILL, Say.RADIO_UNPROVEN} <= calm.only.said


def test_a_door_that_was_crossed_ends_every_doubt_at_once(calm: Story):
    calm.unproven.add("e1")
    last = gone_after(calm, STILL)
    calm.run(last + 170)
    assert calm.alerts == []
    calm.cross()
    calm.run(last + 171)
    assert (calm.only.kind, calm.only.severity) == (Kind.OUT_OF_RANGE, Severity.CRITICAL)
    assert {Say.UNSEEN_RESCANNED, Say.DOOR_OUT} <= calm.only.said
    assert not calm.only.said & {Say.LAST_STILL, Say.RADIO_UNPROVEN}


def test_a_door_that_was_crossed_long_after_agrees_with_nothing(calm: Story):
    last = gone_after(calm, STILL)
    calm.run(last + 181)
    calm.cross()
    calm.run(last + 400)
    assert (calm.only.kind, calm.only.severity) == (Kind.CAMERA_EXIT, Severity.MEDIUM)


def test_a_silent_band_waits_an_hour_if_its_wearer_lay_still_and_5_minutes_if_not(tell_story: type[Story], calm: Story):
    last = gone_after(calm, STILL)
    calm.testified.add(1)  # the box never says that it scanned again
    calm.run(last + 3599)
    assert calm.alerts == []
    calm.run(last + 3600)
    assert (calm.only.kind, calm.only.severity) == (Kind.BAND_SILENT, Severity.HIGH)

    awake = tell_story(policy=calm.policy)
    last = gone_after(awake, MOVING)
    awake.testified.add(1)
    awake.run(last + 299)
    assert awake.alerts == []
    awake.run(last + 300)
    assert awake.only.kind is Kind.BAND_SILENT


@pytest.mark.parametrize("taken", [False, True])
def test_a_doubt_that_reopens_an_exit_at_night_rings_before_the_morning(tell_story: type[Story], taken: bool):
    night = tell_story(policy=load_policy("default"), start=datetime(2026, 3, 2, 16, 0, tzinfo=UTC))  # 23:00
    last = gone_after(night, MOVING)
    night.run(last + 200)
    if taken:
        night.officer(night.only, Acknowledge("officer"))
    night.come_back()
    night.wear(status=STILL)
    night.run(last + 240)
    night.leave()
    reopened = last + 240 + 1800
    night.run(reopened + 10)
    assert [event.paged for event in night.said(Reopened)] == [False]
    night.run(reopened + 3600 + 10)
    rung = [event for event in night.said(Escalated) if event.paged and event.at > night.at(reopened)]
    assert len(rung) == 1, "a real exit must not wait for the morning"

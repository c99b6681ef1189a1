"""Quiet hours and the ladder, as functions and as stories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ancu.server.alerts.alert import Acknowledge, Command, Contact, Snooze
from ancu.server.alerts.events import Escalated, Raised
from ancu.server.cases.codes import Kind
from ancu.server.cases.paging import is_quiet, ladder, pages_at, quiet_end
from ancu.server.policies import load_policy
from ancu.server.ports import Severity

from .conftest import Story

POLICY = load_policy("table")
PAGING = POLICY.paging
NIGHT = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)  # 03:00 in Ho Chi Minh City


def local(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 2, hour, minute, tzinfo=UTC) - timedelta(hours=7)


@pytest.mark.parametrize(
    ("hour", "minute", "quiet"), [(21, 59, False), (22, 0, True), (0, 0, True), (5, 59, True), (6, 0, False)]
)
def test_quiet_hours_are_22_to_6_local_time(hour: int, minute: int, quiet: bool):
    assert is_quiet(PAGING, local(hour, minute)) is quiet


def test_quiet_hours_end_at_6_whichever_side_of_midnight():
    assert quiet_end(PAGING, local(23)) == local(6) + timedelta(days=1)
    assert quiet_end(PAGING, local(3)) == local(6)
    assert quiet_end(PAGING, local(12)) == local(12)


@pytest.mark.parametrize("severity", [Severity.CRITICAL, Severity.HIGH])
def test_critical_and_high_page_at_any_hour(severity: Severity):
    assert pages_at(PAGING, severity, local(3))


def test_medium_waits_for_the_morning_and_low_never_pages():
    assert not pages_at(PAGING, Severity.MEDIUM, local(3))
    assert pages_at(PAGING, Severity.MEDIUM, local(12))
    assert not pages_at(PAGING, Severity.LOW, local(12))


def test_a_ladder_of_a_muted_alert_begins_when_quiet_hours_end():
    steps = ladder(PAGING, POLICY.rules.edge_silent, Severity.MEDIUM, local(3))
    assert [(d.level, d.at) for d in steps] == [
        (0, local(6)),
        (1, local(6, 15)),
        (2, local(6, 30)),
        (3, local(7)),
    ]


def test_a_ladder_that_would_step_into_the_night_waits():
    steps = ladder(PAGING, POLICY.rules.edge_silent, Severity.MEDIUM, local(21, 40))
    assert [d.at for d in steps] == [local(21, 55), local(6) + timedelta(days=1), local(6) + timedelta(days=1)]


def test_a_box_that_dies_at_night_pages_in_the_morning(tell_story: type[Story]):
    story = tell_story(start=NIGHT + timedelta(hours=2, minutes=30))  # 05:30
    story.run(61)
    story.box_dies()
    story.run(1799)
    (raised,) = story.said(Raised)
    assert not raised.paged
    assert story.said(Escalated) == []
    story.run(1801)
    (page,) = story.said(Escalated)
    assert (page.level, page.paged) == (0, True)


def test_an_escape_at_night_pages_at_once(tell_story: type[Story]):
    story = tell_story(start=NIGHT)
    story.run(61)
    story.leave()
    story.run(200)
    assert [e.paged for e in story.said(Raised)] == [True]


def test_nobody_acknowledges_and_the_next_level_hears_of_it_at_3_10_and_20_minutes(story: Story):
    story.run(61)
    story.leave()
    story.run(150 + 179)
    assert story.said(Escalated) == []
    story.run(4000)
    assert [(e.level, (e.at - story.at(150)).seconds) for e in story.said(Escalated)] == [(1, 180), (2, 600), (3, 1200)]


@pytest.mark.parametrize("command", [Acknowledge("off-1"), Contact("off-1", "phone")])
def test_whoever_takes_it_stops_the_ladder(story: Story, command: Command):
    story.run(61)
    story.leave()
    story.run(200)
    story.officer(story.only, command)
    story.run(4000)
    assert story.said(Escalated) == []


def test_a_snoozed_alert_escalates_when_it_wakes(story: Story):
    story.run(61)
    story.leave()
    story.run(200)
    story.officer(story.only, Snooze("off-1", story.at(1000)))
    story.run(999)
    assert story.said(Escalated) == []
    story.run(1001)
    assert [e.level for e in story.said(Escalated)] == [1, 2]


def test_an_escape_that_ended_climbs_no_further_but_a_cut_strap_does(story: Story):
    story.run(61)
    story.leave()
    story.run(200)
    story.come_back()
    story.run(1200)
    assert story.said(Escalated) == []
    story.wear(tamper=True)
    story.run(1215)
    story.come_back()
    story.run(1490)
    assert [e.level for e in story.said(Escalated)] == [1]


def test_an_alert_that_grows_worse_climbs_anew_though_it_was_owned(tell_story: type[Story]):
    story = tell_story(homes=2, place="site-a")
    story.run(61)
    story.leave(1)
    story.run(200)
    story.officer(story.only, Acknowledge("off-1"))
    story.cross()
    assert story.only.severity is Severity.CRITICAL
    assert story.only.owner == "off-1"
    story.run(400)
    assert [e.level for e in story.said(Escalated)] == [1]


def test_the_ladder_of_an_alert_is_frozen_when_it_is_raised(story: Story):
    story.run(61)
    story.leave()
    story.run(160)
    before = story.only.ladder
    story.judge.policy = load_policy("demo")
    story.run(170)
    assert story.only.ladder == before


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_rule(kind: Kind):
    assert POLICY.rules.of(kind).severity in Severity

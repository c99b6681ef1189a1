"""What stands on the list before it rings, and what rings again inside an open incident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ancu.models.frame import Status
from ancu.server.alerts.alert import Acknowledge
from ancu.server.alerts.events import Attached, Escalated, Raised, SeverityRaised
from ancu.server.cases.codes import Kind
from ancu.server.cases.paging import ladder, pages_at, rings_first
from ancu.server.policies import load_policy
from ancu.server.ports import Severity

from .conftest import Story

POLICY = load_policy("default")
SIX = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)  # 06:00 in Ho Chi Minh City
COLD_OFF = {"status": Status(0), "skin_deci_c": 290}
SILENT = 60 + 1800


def silent_box(story: Story) -> None:
    story.run(61)
    story.box_dies()
    story.run(SILENT)


@pytest.mark.parametrize(
    ("severity", "rings"),
    [(Severity.CRITICAL, True), (Severity.HIGH, True), (Severity.MEDIUM, False), (Severity.LOW, False)],
)
def test_by_day_only_critical_and_high_ring_when_they_are_raised(severity: Severity, rings: bool):
    noon = SIX + timedelta(hours=6)
    assert rings_first(POLICY.paging, severity, noon) is rings
    assert rings_first(load_policy("table").paging, severity, noon) is pages_at(POLICY.paging, severity, noon)


def test_medium_rings_at_the_first_step_of_its_ladder(calm: Story):
    silent_box(calm)
    assert [event.paged for event in calm.said(Raised)] == [False]
    calm.run(SILENT + 15 * 60 - 1)
    assert calm.said(Escalated) == []
    calm.run(SILENT + 15 * 60)
    assert [(event.level, event.paged) for event in calm.said(Escalated)] == [(1, True)]


def test_medium_that_somebody_took_from_the_list_never_rings(calm: Story):
    silent_box(calm)
    calm.officer(calm.only, Acknowledge("off-1"))
    calm.run(SILENT + 2 * 3600)
    assert calm.said(Escalated) == []


def test_medium_that_is_over_before_its_first_step_never_rings(calm: Story):
    silent_box(calm)
    calm.box_lives()
    calm.run(SILENT + 3600)
    assert calm.only.ended_at is not None
    assert calm.said(Escalated) == []


def test_by_the_literal_table_medium_rings_at_once(story: Story):
    silent_box(story)
    assert [event.paged for event in story.said(Raised)] == [True]


def test_what_is_listed_at_night_climbs_from_the_morning_on_and_does_not_ring_when_it_begins(tell_story: type[Story]):
    night = SIX - timedelta(minutes=40)
    steps = ladder(POLICY.paging, POLICY.rules.edge_silent, Severity.MEDIUM, night)
    assert [(due.level, due.at - SIX) for due in steps] == [
        (level, timedelta(minutes=minutes)) for level, minutes in ((1, 15), (2, 30), (3, 60))
    ]
    story = tell_story(policy=POLICY, start=night)
    silent_box(story)  # at 05:51
    story.run(40 * 60 + 15 * 60 - 1)
    assert [event.paged for event in (*story.said(Raised), *story.said(Escalated))] == [False]
    story.run(40 * 60 + 15 * 60)
    assert [(event.level, event.paged, event.at) for event in story.said(Escalated)] == [
        (1, True, SIX + timedelta(minutes=15))
    ]


def absent_again(story: Story, from_s: int, until_s: int) -> None:
    """The band, which lies about unworn, is carried out of reach for a while."""
    story.run(from_s)
    story.leave()
    story.run(until_s)
    story.wear(**COLD_OFF)


def test_a_second_absence_inside_an_open_high_incident_rings_again_after_10_minutes_and_not_before(calm: Story):
    calm.run(61)
    calm.wear(**COLD_OFF)
    calm.run(1872)
    (worse,) = calm.said(SeverityRaised)  # it lay there for half an hour: high
    assert (worse.kind, worse.paged, worse.at) == (Kind.BAND_REMOVED, True, calm.at(1870))
    absent_again(calm, 1901, 2200)  # told at 2065, 195 s after the page
    absent_again(calm, 2211, 2390)  # told at 2375, 505 s after it
    absent_again(calm, 2411, 2600)  # told at 2575, 705 s after it
    absences = [event for event in calm.said(Attached) if event.kind is Kind.OUT_OF_RANGE]
    assert [(event.at, event.paged) for event in absences] == [
        (calm.at(2065), False),
        (calm.at(2375), False),
        (calm.at(2575), True),
    ]
    assert len(calm.alerts) == 1


def test_one_absence_that_goes_on_rings_once(calm: Story):
    calm.run(61)
    calm.wear(**COLD_OFF)
    absent_again(calm, 1901, 4000)
    assert len([event for event in calm.said(Attached) if event.kind is Kind.OUT_OF_RANGE]) == 1

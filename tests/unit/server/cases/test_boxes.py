"""Rows 8 and 9 of the breach table: boxes, gateways, neighbourhoods, and a judge that was deaf itself."""

from __future__ import annotations

from ancu.models.ids import EdgeId
from ancu.server.alerts.events import Raised
from ancu.server.cases.codes import Kind, Say
from ancu.server.cases.edge import EdgeState, edge_silent
from ancu.server.cases.inputs import EdgeAlive
from ancu.server.cases.verdict import Holds, Wait
from ancu.server.policies import load_policy
from ancu.server.ports import Severity

from .conftest import Story


def test_a_silent_box_is_medium_after_10_minutes(story: Story):
    story.run(61)
    story.box_dies()
    story.run(60 + 599)
    assert story.alerts == []
    story.run(60 + 600)
    alert = story.only
    assert (alert.kind, alert.severity, alert.subject.id, alert.subject.person) == (
        Kind.EDGE_SILENT,
        Severity.MEDIUM,
        "e1",
        "p1",
    )
    assert story.judge.edge_state("e1", story.at(700)) == "silent"


def test_a_silent_box_that_returns_ends_it(story: Story):
    story.run(61)
    story.box_dies()
    story.run(700)
    story.box_lives()
    story.run(712)
    assert story.only.ended_at is not None
    assert story.where() == "home"


def test_two_silent_boxes_are_two_alerts(tell_story: type[Story]):
    story = tell_story(homes=4)
    story.run(61)
    story.box_dies(1)
    story.box_dies(2)
    story.run(800)
    assert story.kinds == ["edge_silent", "edge_silent"]


def test_three_neighbours_silent_together_are_one_outage_with_the_homes_behind_it(tell_story: type[Story]):
    story = tell_story(homes=5)
    story.run(61)
    for n in (1, 2, 3):
        story.box_dies(n)
        story.run(story.t + 20)
    story.run(2000)
    assert (story.only.kind, story.only.severity) == (Kind.AREA_OUTAGE, Severity.LOW)
    (raised,) = story.said(Raised)
    assert raised.signs[0].values["edges"] == 3
    assert not raised.paged
    assert [story.where(n) for n in (1, 2, 3, 4)] == ["unknown"] * 3 + ["home"]


def test_three_boxes_that_fall_silent_far_apart_are_no_outage(tell_story: type[Story]):
    story = tell_story(homes=5)
    story.run(61)
    for n in (1, 2, 3):
        story.box_dies(n)
        story.run(story.t + 200)
    story.run(2000)
    assert story.kinds == ["edge_silent"] * 3


def test_when_power_returns_stragglers_get_their_own_wait(tell_story: type[Story]):
    story = tell_story(homes=5)
    story.run(61)
    for n in (1, 2, 3):
        story.box_dies(n)
    story.run(1000)
    story.box_lives(1)
    story.box_lives(2)
    story.run(1003)
    assert story.only.ended_at is not None
    story.run(1500)
    assert len(story.alerts) == 1
    story.run(1700)
    assert story.kinds == ["area_outage", "edge_silent"]


def test_a_silent_gateway_is_one_alert_not_one_a_home(tell_story: type[Story]):
    story = tell_story(homes=6)
    story.run(61)
    story.gateway_lives = False
    story.run(60 + 599)
    assert story.alerts == []
    story.run(5000)
    assert (story.only.kind, story.only.severity) == (Kind.GATEWAY_SILENT, Severity.MEDIUM)
    (raised,) = story.said(Raised)
    assert raised.signs[0].values["edges"] == 6
    assert raised.signs[0].values["people"] == 6
    assert {story.where(n) for n in range(1, 7)} == {"unknown"}


def test_a_gateway_that_returns_ends_it_and_its_boxes_are_not_blamed(tell_story: type[Story]):
    story = tell_story(homes=6)
    story.run(61)
    story.gateway_lives = False
    story.run(2000)
    story.gateway_lives = True
    story.run(3000)
    assert story.kinds == ["gateway_silent"]
    assert story.only.ended_at is not None


def test_a_box_that_stays_silent_behind_a_returned_gateway_is_told_after_its_own_wait(tell_story: type[Story]):
    story = tell_story(homes=2)
    story.run(61)
    story.gateway_lives = False
    story.box_dies(1)
    story.run(2000)
    story.gateway_lives = True
    story.run(2599)
    assert story.kinds == ["gateway_silent"]
    story.run(2602)
    assert story.kinds == ["gateway_silent", "edge_silent"]


def test_when_the_judge_was_deaf_no_silence_of_that_time_counts(tell_story: type[Story]):
    story = tell_story(homes=4)
    story.run(61)
    story.gateway_lives = story.ticks = False  # cut off from everything: it does not tick
    story.run(5000)
    story.gateway_lives = story.ticks = True
    story.run(6000)
    assert story.alerts == []


def test_mains_lost_is_work_and_silence_afterwards_makes_it_worse(story: Story):
    story.run(61)
    story.mains(on=False)
    assert (story.only.kind, story.only.severity) == (Kind.MAINS_LOST, Severity.LOW)
    story.box_dies()
    story.run(1000)
    assert (story.only.kind, story.only.severity) == (Kind.EDGE_SILENT, Severity.MEDIUM)
    assert {Say.MAINS_OFF, Say.EDGE_QUIET} <= story.only.said


def test_mains_that_return_end_it(story: Story):
    story.run(61)
    story.mains(on=False)
    story.run(100)
    story.mains(on=True)
    assert story.only.ended_at is not None


def test_an_outage_that_returns_after_a_flicker_is_told_again(tell_story: type[Story]):
    story = tell_story(homes=5)
    story.run(61)
    for n in (1, 2, 3):
        story.box_dies(n)
    story.run(1000)
    story.box_lives(1)
    story.run(1012)
    assert story.only.ended_at is not None
    story.box_dies(1)
    story.run(3000)
    going_on = [alert for alert in story.alerts if alert.ended_at is None]
    silent = {alert.subject.id for alert in going_on if alert.kind is Kind.EDGE_SILENT}
    assert silent == {"e1", "e2", "e3"} or [alert.kind for alert in going_on] == [Kind.AREA_OUTAGE]


def test_a_box_that_still_tells_of_its_past_is_waited_for():
    policy, last_ms, now_ms = load_policy("table"), 1_000_000_000, 1_000_000_000 + 4 * 3_600_000
    ask = {"people": 1, "ruled_out": (), "at_ms": now_ms, "policy": policy}
    silent = EdgeState(alive_ms=last_ms, radio_ok=True)
    assert isinstance(edge_silent(EdgeId("e1"), silent, 0, **ask), Holds)
    silent.told_late(now_ms - 5_000)
    assert silent.is_catching_up(now_ms, policy)
    assert edge_silent(EdgeId("e1"), silent, 0, **ask) == Wait(now_ms - 5_000 + 600_000)


def test_late_heartbeats_say_that_a_box_is_catching_up(story: Story):
    story.run(61)
    story.box_dies()
    story.run(5000)
    beat = EdgeAlive(story.at(100), EdgeId("e1"), 10, mains=True, radio_ok=True, late=True)
    story.tell(beat)
    state = story.judge._observed.edges["e1"]
    assert state.is_catching_up(round(story.at(5001).timestamp() * 1000), story.judge.policy)

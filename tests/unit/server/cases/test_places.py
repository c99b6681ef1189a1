"""Zones in a camera's picture, and boxes that were moved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ancu.models.ids import EdgeId
from ancu.server.alerts.events import Raised
from ancu.server.cases.codes import SubjectKind
from ancu.server.cases.inputs import NeighboursScanned, ZoneCounted
from ancu.server.ports import Severity

HOME = frozenset(bytes([1, n]) for n in range(6))
AWAY = frozenset(bytes([2, n]) for n in range(6))
QUARTER = 900


def count(story: Any, people: int, *, zone: str = "z", watch: str = "forbidden", ago: float = 0, late: bool = False):
    at = story.at(story.t)
    since = at - timedelta(seconds=ago)
    return story.tell(ZoneCounted(at, EdgeId("e1"), "gate", zone, watch, people, since, late))


def scans(story: Any, devices: frozenset[bytes], times: int) -> None:
    for _ in range(times):
        story.t += QUARTER
        story.tell(NeighboursScanned(story.at(story.t), EdgeId("e1"), devices))


def test_five_seconds_in_a_forbidden_zone_and_not_four(story: Any):
    story.run(60)
    count(story, 1, ago=1)
    story.run(63)
    assert story.alerts == []
    story.run(64)
    assert (story.only.kind, story.only.severity, story.only.since) == ("forbidden_zone", "M", story.at(59))
    assert story.only.subject.kind is SubjectKind.CAMERA
    count(story, 0)
    assert story.only.ended_at is not None


def test_three_who_gather_for_a_minute_and_not_two_nor_for_less(story: Any):
    story.run(60)
    count(story, 2, watch="gathering")
    story.run(200)
    count(story, 3, watch="gathering")
    story.run(259)
    count(story, 4, watch="gathering")  # one more joins: it is the same gathering
    assert story.alerts == []
    story.run(260)
    assert (story.only.kind, story.only.since) == ("gathering", story.at(200))


def test_who_leaves_in_time_was_no_alert(story: Any):
    story.run(60)
    for _ in range(5):
        count(story, 1)
        story.run(story.t + 4)
        count(story, 0)
        story.run(story.t + 10)
    assert story.alerts == []


def test_a_camera_that_went_blind_or_a_box_that_died_or_began_anew_proves_nobody_there(tell_story: Any):
    for what in ("blind", "dead", "anew"):
        story = tell_story()
        story.run(60)
        if what == "dead":
            story.box_dies()
            story.run(125)
        count(story, 1)
        if what == "blind":
            story.camera("dead")
        if what == "anew":
            story.run(61)
            story.reboot()
        story.run(story.t + 25)
        assert "forbidden_zone" not in story.kinds


def test_a_count_that_came_twice_or_out_of_order_changes_nothing(story: Any):
    story.run(60)
    count(story, 1)
    count(story, 1)
    story.run(70)
    old = ZoneCounted(story.at(50), EdgeId("e1"), "gate", "z", "forbidden", 0, story.at(50))
    assert story.tell(old) == []
    assert len(story.said(Raised)) == 1


def test_a_box_that_hears_other_neighbours_in_three_scans_was_moved(story: Any):
    scans(story, HOME, 4)
    scans(story, AWAY, 2)
    assert story.alerts == []
    scans(story, AWAY, 1)
    assert (story.only.kind, story.only.severity, story.only.subject.id) == ("edge_moved", Severity.HIGH, "e1")
    assert story.only.since == story.at(5 * QUARTER)
    scans(story, HOME, 1)
    assert story.only.ended_at is not None


def test_two_odd_scans_a_thin_one_and_neighbours_that_change_slowly_are_no_move(story: Any):
    scans(story, HOME, 4)
    for _ in range(3):
        scans(story, AWAY, 2)
        scans(story, HOME, 1)
    scans(story, frozenset(list(AWAY)[:3]), 9)  # next to nothing is heard: nothing is said
    now = list(HOME)
    for n in range(6):
        now = [*now[1:], bytes([3, n])]
        scans(story, frozenset(now), 8)
    assert story.alerts == []


def test_a_box_that_never_learned_its_place_accuses_nobody(story: Any):
    scans(story, HOME, 2)
    scans(story, AWAY, 9)
    assert story.alerts == []


def test_after_a_day_the_new_place_is_the_place(story: Any):
    scans(story, HOME, 4)
    scans(story, AWAY, 96 + 4)
    assert story.only.ended_at is not None
    scans(story, HOME, 3)
    assert len([a for a in story.alerts if a.ended_at is None]) == 1

"""Checkpoints, authorised absences and check-ins: each row fires where it must, and is silent where it must be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ancu.models.ids import BandNumber, EdgeId, OrderId
from ancu.server.alerts.alert import Alert
from ancu.server.alerts.events import Raised
from ancu.server.cases.codes import Say
from ancu.server.cases.inputs import (
    AbsenceEnded,
    AbsenceGranted,
    CheckinAnswered,
    CheckinAsked,
    CheckpointScanned,
    Tick,
)
from ancu.server.cases.roster import BandSeat, EdgeSeat
from ancu.server.ports import Severity

HOUR = 3600


def scan(story: Any, t: float | None = None, checkpoint: str = "bridge", person: str = "p1") -> Any:
    at = story.at(story.t if t is None else t)
    return story.tell(CheckpointScanned(at, person, f"s{t}", checkpoint))


def grant(story: Any, start: float, until: float, *, id_: str = "a1", checkpoints: tuple[str, ...] = ()) -> Any:
    window = (story.at(start), story.at(until))
    return story.tell(AbsenceGranted(story.at(story.t), "p1", id_, *window, checkpoints))


def ask(story: Any, id_: str = "c1") -> Any:
    return story.tell(CheckinAsked(story.at(story.t), "p1", id_))


def answer(story: Any, *, id_: str = "c1", face: bool | None = None, place: bool | None = None) -> Any:
    return story.tell(CheckinAnswered(story.at(story.t), "p1", id_, face, place))


def alert(story: Any, kind: str) -> Alert:
    (found,) = [a for a in story.alerts if a.kind == kind]
    return found


# --- row 3 -----------------------------------------------------------------------------------------------------------


def test_a_scan_under_an_active_order_is_a_breach_at_once(story: Any):
    story.run(60)
    (raised,) = scan(story)
    assert isinstance(raised, Raised)
    assert (raised.kind, raised.severity, raised.paged) == ("checkpoint_scan", Severity.CRITICAL, True)
    assert raised.signs[0].values == {"checkpoint": "bridge", "scan": "sNone"}
    assert raised.at == story.at(60)


def test_a_scan_inside_an_absence_is_nobody_s_business(story: Any):
    story.run(60)
    grant(story, 100, HOUR)
    story.run(100)
    assert scan(story) == []
    story.run(HOUR + 599)  # on the way home
    assert scan(story) == []


def test_a_scan_before_the_window_and_one_after_the_way_home_are_breaches(story: Any):
    story.run(60)
    grant(story, 100, 400)
    story.run(99)
    assert scan(story)
    again = type(story)()
    grant(again, 100, 400)
    again.run(1000)
    (raised,) = scan(again)
    assert [sign.code for sign in raised.ruled_out] == [Say.ABSENCE_OVER]


def test_an_absence_for_the_hospital_does_not_allow_the_bridge(story: Any):
    grant(story, 0, HOUR, checkpoints=("hospital",))
    story.run(60)
    assert scan(story, checkpoint="hospital") == []
    (raised,) = scan(story)
    assert [sign.code for sign in raised.ruled_out] == [Say.ABSENCE_ELSEWHERE]


def test_whoever_is_under_no_order_is_not_judged(story: Any):
    story.run(60)
    assert scan(story, person="stranger") == []
    story.end_order()
    story.run(61)
    assert scan(story) == []
    assert scan(story, t=30) == []  # it was a breach then; the order that ended took it along


def test_a_scan_that_comes_hours_late_is_on_the_work_list_and_pages_nobody(story: Any):
    story.run(2000)
    assert scan(story, t=2000 - 901)
    assert alert(story, "checkpoint_scan").severity is Severity.LOW
    assert not any(getattr(event, "paged", False) for event in story.events)
    assert scan(story, t=2000 - 900)
    assert [a.severity for a in story.alerts if a.kind == "checkpoint_scan"].count(Severity.CRITICAL) == 1


def test_an_absence_that_is_written_down_afterwards_explains_the_scan(story: Any):
    story.run(60)
    scan(story)
    story.run(120)
    grant(story, 0, HOUR)
    assert alert(story, "checkpoint_scan").ended_at == story.at(120)


# --- absences --------------------------------------------------------------------------------------------------------


def test_whoever_may_be_away_is_away_and_no_alert(story: Any):
    story.run(60)
    grant(story, 100, HOUR)
    story.run(110)
    story.leave()
    story.cross("out")
    story.run(HOUR)
    assert story.where() == "away"
    assert story.alerts == []


def test_whoever_is_back_in_time_was_never_an_alert(story: Any):
    grant(story, 100, HOUR)
    story.run(110)
    story.leave()
    story.run(HOUR - 10)
    story.come_back()
    story.run(2 * HOUR)
    assert story.alerts == []
    assert story.where() == "home"


def test_whoever_is_still_away_after_the_way_home_is_out_of_range_from_the_window_s_end(story: Any):
    grant(story, 100, HOUR)
    story.run(110)
    story.leave()
    story.run(HOUR + 599)
    assert story.alerts == []
    story.run(HOUR + 601)
    raised = story.said(Raised)[0]
    assert (raised.kind, raised.since) == ("out_of_range", story.at(HOUR))
    assert Say.ABSENCE_OVER in [sign.code for sign in raised.signs]
    story.come_back()
    story.run(HOUR + 700)
    assert story.only.ended_at is not None


def test_an_absence_that_an_officer_ends_is_over_and_one_called_off_never_was(story: Any):
    grant(story, 0, HOUR)
    grant(story, 2 * HOUR, 3 * HOUR, id_="a2")
    story.run(60)
    story.leave()
    story.run(300)
    story.tell(AbsenceEnded(story.at(story.t), "p1", "a1"))
    story.tell(AbsenceEnded(story.at(story.t), "p1", "a2"))
    story.run(899)
    assert story.alerts == []
    story.run(901)
    assert story.kinds == ["out_of_range"]
    assert story.only.since == story.at(300)
    story.run(2 * HOUR + 10)
    assert story.only.ended_at is None  # the second window never opens


def test_an_alert_that_runs_ends_when_the_window_opens_and_returns_when_it_closes(story: Any):
    story.run(60)
    story.leave()
    story.run(200)
    assert story.only.ended_at is None
    grant(story, 600, HOUR)
    story.run(599)
    assert story.only.ended_at is None
    story.run(601)
    assert story.only.ended_at is not None
    story.run(HOUR + 601)
    assert [a.ended_at is None for a in story.alerts].count(True) == 1


def test_an_absence_explains_neither_a_cut_strap_nor_a_call_for_help(story: Any):
    grant(story, 0, HOUR)
    story.run(60)
    story.wear(1, tamper=True)
    story.tap_sos()
    story.run(80)
    assert sorted(story.kinds) == ["sos", "strap_cut"]


def test_an_absence_of_one_does_not_explain_the_other_of_a_household(tell_story: Any):
    story = tell_story(homes=2, place="house")
    both = (EdgeId("e1"), EdgeId("e2"))
    story.seats = {n: replace(seat, edges=both) for n, seat in story.seats.items()}
    story.seat()
    grant(story, 0, HOUR)
    story.run(60)
    story.leave(1)
    story.leave(2)
    story.run(400)
    assert [(str(a.kind), a.subject.id) for a in story.alerts] == [("out_of_range", "p2")]


def test_a_camera_s_crossing_is_explained_by_who_may_go(tell_story: Any):
    story = tell_story(homes=2, place="site")
    story.run(60)
    grant(story, 60, HOUR)
    story.cross("out")
    assert story.alerts == []
    story.run(HOUR + 700)
    story.cross("out")
    assert story.kinds == ["camera_exit"]


# --- orders that start, grow, end and span -------------------------------------------------------------------------


def order_until(story: Any, until: datetime) -> None:
    order = story.orders[OrderId("o1")]
    story.orders = {**story.orders, order.id: replace(order, until=until)}
    story.seat()


def test_an_order_that_ends_at_local_midnight_releases_by_itself_and_not_a_second_early(tell_story: Any):
    story = tell_story(start=datetime(2026, 3, 2, 16, 50, tzinfo=UTC))  # 23:50 in Ho Chi Minh City
    order_until(story, datetime(2026, 3, 2, 17, 0, tzinfo=UTC))
    story.run(300)
    story.leave()
    story.run(599)
    assert [(a.kind, a.ended_at) for a in story.alerts] == [("out_of_range", None)]
    story.run(600)
    assert story.only.ended_at == story.at(600)
    assert scan(story) == []


def test_an_order_that_is_extended_goes_on_without_a_gap(story: Any):
    order_until(story, story.at(600))
    story.run(300)
    order_until(story, story.at(2 * HOUR))
    story.leave()
    story.run(700)
    assert [(a.kind, a.ended_at) for a in story.alerts] == [("out_of_range", None)]


def test_an_order_that_has_not_begun_raises_nothing(story: Any):
    order = story.orders[OrderId("o1")]
    story.orders = {order.id: replace(order, starts_at=story.at(HOUR))}
    story.seat()
    story.run(60)
    scan(story)
    story.leave()
    story.run(600)
    assert story.alerts == []


def test_devices_whose_clocks_jump_neither_release_nor_accuse(story: Any):
    order_until(story, story.at(HOUR))
    story.run(60)
    for jump in (timedelta(hours=-1), timedelta(days=2)):
        story.hear(1, story.readings[1], t=story.t + jump.total_seconds(), late=jump.days < 0)
    story.tell(CheckpointScanned(datetime(1970, 1, 1, tzinfo=UTC), "p1", "old", "bridge"))
    story.last[1] = story.t
    story.run(70)
    assert story.alerts == []
    assert story.said(Raised) == []


def test_time_that_is_put_back_an_hour_makes_no_alert(story: Any):
    story.run(60)
    ask(story)
    for s in range(30):
        story.tell(Tick(story.at(60 - HOUR + s)))
    story.run(120)
    assert story.alerts == []


def test_a_person_who_moves_to_a_site_is_unknown_until_the_site_hears_them(tell_story: Any):
    story = tell_story(homes=2)
    story.readings[2] = None  # the site's own box, with nobody there yet
    del story.seats[BandNumber(2)]
    story.run(60)
    story.edges[EdgeId("e2")] = EdgeSeat(EdgeId("e2"), story.edges[EdgeId("e2")].ward, "site:a", None)
    story.seats[BandNumber(1)] = BandSeat(BandNumber(1), OrderId("o1"), (EdgeId("e2"),))
    story.seat()
    story.leave(1)
    story.run(90)
    assert story.where() == "unknown"
    story.hear(1, story.readings[1] or replace(_worn(story)), edge="e2")
    assert story.where() == "home"
    assert story.alerts == []


def _worn(story: Any) -> Any:
    latest = story.judge.latest(BandNumber(1))
    assert latest is not None
    return latest.reading


# --- rows 14 and 15 --------------------------------------------------------------------------------------------------


def test_a_check_in_is_missed_after_the_reminder_s_time_and_not_a_second_before(story: Any):
    story.run(60)
    ask(story)
    story.run(60 + 1499)
    assert story.alerts == []
    story.run(60 + 1500)
    assert (story.only.kind, story.only.severity, story.only.since) == ("checkin_missed", "M", story.at(60))
    answer(story)
    assert story.only.ended_at is not None


def test_a_check_in_that_is_answered_in_the_last_second_is_nothing(story: Any):
    story.run(60)
    ask(story)
    story.run(60 + 1499)
    answer(story)
    story.run(3000)
    assert story.alerts == []


def test_a_check_in_that_runs_into_the_quiet_hours_proves_nothing(tell_story: Any):
    story = tell_story(start=datetime(2026, 3, 2, 14, 40, tzinfo=UTC))  # 21:40: its end would be at 22:05
    ask(story)
    story.run(2000)
    assert story.alerts == []


def test_a_check_in_during_an_absence_proves_nothing(story: Any):
    ask(story)
    story.run(600)
    grant(story, 610, HOUR)
    story.leave()
    story.run(2000)
    assert story.alerts == []


def test_nobody_can_answer_a_server_that_is_not_there(story: Any):
    story.run(60)
    ask(story)
    story.ticks = False
    story.t = 60 + 1600
    story.ticks = True
    story.run(60 + 1700)
    assert story.alerts == []
    story.run(60 + 1600 + 1510)
    assert story.kinds == ["checkin_missed"]


def test_a_second_wrong_face_or_place_is_reported_and_the_first_is_not(story: Any):
    story.run(60)
    ask(story)
    answer(story, face=False)
    story.run(70)
    assert story.alerts == []
    answer(story, place=False)
    assert (story.only.kind, story.only.severity) == ("checkin_wrong", "H")
    assert story.only.said == {Say.CHECKIN_WRONG_FACE, Say.CHECKIN_WRONG_PLACE}
    story.run(2000)
    answer(story)  # a tap that nobody checked does not undo it
    assert story.only.ended_at is None
    assert story.kinds == ["checkin_wrong"]  # and it is not missed as well
    answer(story, face=True, place=True)
    assert story.only.ended_at is not None


def test_an_answer_to_another_check_in_answers_nothing(story: Any):
    ask(story)
    answer(story, id_="c0")
    story.run(1501)
    assert story.kinds == ["checkin_missed"]


def test_an_order_s_end_takes_the_check_in_with_it(story: Any):
    ask(story)
    story.run(1501)
    story.end_order()
    story.run(1503)
    assert story.only.ended_at is not None


@pytest.mark.parametrize("twice", [True, False])
def test_inputs_that_come_twice_change_nothing(story: Any, twice: bool):
    story.run(60)
    for _ in range(1 + twice):
        grant(story, 100, 200)
        ask(story)
        scan(story, t=60)
    assert len(story.said(Raised)) == 1

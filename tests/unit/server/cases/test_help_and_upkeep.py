"""Rows 1, 7, 13, 19, 20 and 21 of the breach table, and late data, as stories."""

from __future__ import annotations

from dataclasses import replace

from ancu.models.frame import Status
from ancu.server.alerts.alert import Acknowledge, Resolve
from ancu.server.alerts.events import Attached, Raised, Reopened, SeverityRaised
from ancu.server.cases.codes import Desk, Kind, Say
from ancu.server.ports import Outcome, Severity

from .conftest import Story

SOS = Status.SKIN | Status.SOS


def test_sos_from_the_band_is_critical_at_once(story: Story):
    story.run(61)
    (raised,) = story.hear(1, replace(story.readings[1], status=SOS))
    assert (raised.kind, raised.severity, raised.paged) == (Kind.SOS, Severity.CRITICAL, True)
    assert [d.at for d in raised.ladder] == [story.at(61 + 60), story.at(61 + 180)]


def test_sos_from_the_page_is_critical_at_once(story: Story):
    story.run(61)
    (raised,) = story.tap_sos()
    assert (raised.kind, raised.subject.id) == (Kind.SOS, "p1")


def test_an_sos_never_hides_behind_another_incident_of_the_person(story: Story):
    story.run(61)
    story.leave()
    story.run(200)
    story.tap_sos()
    assert story.kinds == ["out_of_range", "sos"]


def test_an_sos_does_not_end_by_itself(story: Story):
    story.run(61)
    story.wear(status=SOS)
    story.run(75)
    story.come_back()
    story.run(4000)
    assert story.only.ended_at is None
    story.officer(story.only, Resolve("off-1", Outcome.MEDICAL))
    assert story.only.ended_at == story.at(4000)


def test_a_button_that_stays_lit_after_resolution_is_not_a_new_call(story: Story):
    story.run(61)
    story.wear(status=SOS)
    story.run(75)
    story.officer(story.only, Resolve("off-1", Outcome.MEDICAL))
    story.run(4000)
    assert len(story.said(Raised)) == 1
    assert story.said(Reopened) == []


def test_a_second_press_after_resolution_reopens_and_pages(story: Story):
    story.run(61)
    story.tap_sos()
    story.officer(story.only, Resolve("off-1", Outcome.MEDICAL))
    story.run(300)
    (again,) = story.tap_sos()
    assert isinstance(again, Reopened)
    assert again.paged


def test_a_second_press_though_someone_owns_it_asks_again(story: Story):
    story.run(61)
    story.tap_sos()
    story.officer(story.only, Acknowledge("off-1"))
    story.run(300)
    (more,) = story.tap_sos()
    assert isinstance(more, Attached)
    assert more.paged


def test_an_sos_is_heard_after_the_order_ended(story: Story):
    story.run(61)
    story.end_order()
    story.run(65)
    story.hear(1, replace(story.readings[1], status=SOS))
    assert "sos" in story.kinds


def test_a_low_battery_is_work_not_a_page(story: Story):
    story.run(61)
    story.wear(battery_percent=20)
    story.run(200)
    (raised,) = story.said(Raised)
    assert (raised.kind, raised.severity, raised.paged) == (Kind.BATTERY_LOW, Severity.LOW, False)
    story.wear(battery_percent=25)
    story.run(300)
    assert story.only.ended_at is None
    story.wear(battery_percent=90)
    story.run(400)
    assert story.only.ended_at is not None


def test_21_percent_is_not_low(story: Story):
    story.wear(battery_percent=21)
    story.run(400)
    assert story.alerts == []


def test_a_dead_battery_is_medium_after_silence_and_never_an_escape(story: Story):
    story.wear(battery_percent=5)
    story.run(61)
    story.leave()
    story.run(60 + 299)
    assert story.only.kind is Kind.BATTERY_LOW
    story.run(1200)
    assert (story.only.kind, story.only.severity) == (Kind.BATTERY_DEAD, Severity.MEDIUM)
    assert [type(e) for e in story.events] == [Raised, Attached, SeverityRaised]
    assert story.where() == "unknown"


def test_six_percent_and_then_gone_is_an_escape(story: Story):
    story.wear(battery_percent=6)
    story.run(61)
    story.leave()
    story.run(200)
    assert "out_of_range" in story.kinds


def test_a_band_that_never_spoke_is_told_two_hours_after_the_order_began(story: Story):
    story.leave()
    story.run(7200 - 60 - 1)
    assert story.alerts == []
    story.run(7200 - 60)
    assert (story.only.kind, story.only.severity) == (Kind.NEVER_ACTIVATED, Severity.MEDIUM)
    story.come_back()
    story.run(7300)
    assert story.only.ended_at is not None


def test_a_band_worn_after_the_order_ended_is_work(story: Story):
    story.run(61)
    story.end_order()
    story.run(120)
    assert (story.only.kind, story.only.severity) == (Kind.BAND_STILL_WORN, Severity.LOW)
    story.wear(status=Status(0))
    story.run(140)
    assert story.only.ended_at is not None


def test_forged_frames_go_to_the_technical_desk(story: Story):
    story.run(61)
    (raised,) = story.trouble("seal", 3)
    assert (raised.kind, raised.severity, raised.desk) == (Kind.TECHNICAL, Severity.HIGH, Desk.TECHNICAL)
    assert raised.signs[0].code is Say.FORGED
    assert raised.signs[0].values["count"] == 3


def test_a_flood_of_forged_frames_is_one_readable_incident(story: Story):
    for t in range(61, 661):
        story.run(t)
        story.trouble("seal")
    assert len(story.said(Raised)) == 1
    assert len(story.said(Attached)) == 1


def test_another_kind_of_trouble_is_attached_at_once(story: Story):
    story.run(61)
    story.trouble("replay")
    story.run(62)
    story.trouble("clone")
    story.trouble("something_new")
    assert {Say.REPLAYED, Say.CLONED, Say.BODY_REFUSED} <= story.only.said


def test_trouble_that_stopped_ends_after_its_hold(story: Story):
    story.run(61)
    story.trouble("gap")
    story.run(61 + 599)
    assert story.only.ended_at is None
    story.run(61 + 601)
    assert story.only.ended_at is not None


def test_a_covered_camera_is_high_after_30_seconds(story: Story):
    story.run(61)
    story.camera("covered")
    story.run(61 + 29)
    assert story.alerts == []
    story.run(61 + 30)
    assert (story.only.kind, story.only.severity) == (Kind.CAMERA_FAULT, Severity.HIGH)
    story.camera("ok")
    assert story.only.ended_at is not None


def test_a_camera_that_recovers_in_time_is_no_alert(story: Story):
    story.run(61)
    story.camera("frozen")
    story.run(80)
    story.camera("ok")
    story.run(200)
    assert story.alerts == []


def test_late_frames_never_page_and_never_move_the_present_back(story: Story):
    story.run(301)
    before = story.judge.latest(1)
    late = replace(story.readings[1], status=Status.STRAP_OPEN, battery_percent=3)
    events = story.hear(1, late, t=100, late=True)
    assert story.judge.latest(1) == before
    assert story.where() == "home"
    (raised, _) = events
    assert (raised.severity, raised.paged, raised.late, raised.ladder) == (Severity.LOW, False, True, ())
    assert raised.signs[0].late
    story.run(900)
    assert len(story.said(Raised)) == 1


def test_late_frames_of_one_day_are_one_work_item(story: Story):
    story.run(301)
    late = replace(story.readings[1], status=SOS)
    for t in range(100, 200):
        story.hear(1, late, t=t, late=True)
    assert len(story.alerts) == 1


def test_a_late_strap_cut_is_shown_with_the_incident_it_belongs_to(story: Story):
    story.run(61)
    story.leave()
    story.run(300)
    (attached,) = story.hear(1, replace(story.judge.latest(1).reading, status=Status.STRAP_OPEN), t=62, late=True)
    assert (attached.alert, attached.late, attached.paged) == (story.alerts[0].id, True, False)
    assert story.only.severity is Severity.HIGH


def test_a_live_cut_after_a_late_one_pages(story: Story):
    story.run(301)
    cut = replace(story.readings[1], status=Status.STRAP_OPEN)
    story.hear(1, cut, t=200, late=True)
    story.hear(1, cut, t=302)
    raised = story.said(Raised)[-1]
    assert (raised.severity, raised.paged) == (Severity.CRITICAL, True)


def test_a_late_crossing_raises_nothing(story: Story):
    story.run(301)
    assert story.cross(late=True) == []

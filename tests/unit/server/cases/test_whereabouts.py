"""Rows 2, 4, 5, 6 and 11 of the breach table, as stories."""

from __future__ import annotations

from dataclasses import replace

from ancu.models.frame import Status
from ancu.models.ids import BandNumber, EdgeId
from ancu.server.alerts.alert import Acknowledge, Resolve
from ancu.server.alerts.events import Attached, Cleared, Ended, Raised, Reopened, SeverityRaised
from ancu.server.cases.codes import Kind, Say
from ancu.server.cases.inputs import BandUnseen, EdgeAlive
from ancu.server.ports import AlertState, Outcome, Severity

from .conftest import Story


def test_a_person_at_home_raises_nothing(story: Story):
    story.run(3600)
    assert story.events == []
    assert story.where() == "home"


def test_out_of_range_opens_at_90_seconds_and_not_at_89(story: Story):
    story.run(61)  # the last frame is of second 60
    story.leave()
    story.run(60 + 89)
    assert story.alerts == []
    story.run(60 + 90)
    alert = story.only
    assert (alert.kind, alert.severity, alert.state) == (Kind.OUT_OF_RANGE, Severity.HIGH, AlertState.OPEN)
    assert alert.since == story.at(60)
    assert alert.opened_at == story.at(150)
    assert story.where() == "away"


def test_out_of_range_says_why_and_what_it_ruled_out(story: Story):
    story.run(61)
    story.leave()
    story.run(200)
    (raised,) = story.said(Raised)
    assert raised.signs[0].code is Say.UNSEEN_RESCANNED
    assert raised.signs[0].values["last_heard_at"] == story.at(60)
    assert {sign.code for sign in raised.ruled_out} == {Say.EDGE_ALIVE, Say.BATTERY_FINE}
    assert raised.policy == "table@2"
    assert raised.thresholds["opens_after_s"] == 90


def test_without_the_edges_testimony_nobody_is_out_of_range(story: Story):
    story.run(61)
    story.leave()
    story.testified.add(1)  # the box never says that it scanned again
    story.run(60 + 299)
    assert story.alerts == []
    assert story.where() == "unknown"
    story.run(60 + 300)
    assert story.kinds == ["band_silent"]
    assert story.only.severity is Severity.HIGH


def test_a_dead_box_makes_its_person_unknown_within_120_seconds_and_never_away(story: Story):
    story.run(61)
    story.leave()
    story.run(85)  # it testified at 80
    story.box_dies()
    story.run(200)
    assert story.where() == "unknown"
    story.run(3600)
    assert story.kinds == ["edge_silent"]


def test_a_box_whose_radio_fails_accuses_nobody(story: Story):
    story.run(61)
    story.boxes["e1"] = False
    story.leave()
    story.run(1800)
    assert story.alerts == []
    assert story.where() == "unknown"


def test_a_box_that_was_deaf_has_to_listen_again_before_it_accuses(story: Story):
    story.run(61)
    story.leave()
    story.run(85)
    story.box_lives(radio_ok=False)
    story.run(500)
    story.box_lives()  # it beats at 500 with a good radio
    story.run(500 + 89)
    assert story.alerts == []
    story.run(500 + 90)
    assert story.kinds == ["out_of_range"]


def test_coming_back_ends_the_episode_and_the_incident_waits_for_the_officer(story: Story):
    story.run(61)
    story.leave()
    story.run(200)
    story.come_back()
    story.run(202)
    alert = story.only
    assert alert.ended_at is not None
    assert alert.state is AlertState.OPEN
    assert [type(e) for e in story.events] == [Raised, Cleared, Ended]
    assert story.where() == "home"


def test_a_repeat_within_30_minutes_reopens_the_same_alert(story: Story):
    story.run(61)
    story.leave()
    story.run(200)
    story.come_back()
    story.run(1001)
    story.leave()
    story.run(1300)
    assert len(story.said(Raised)) == 1
    (again,) = story.said(Reopened)
    assert again.alert == story.only.id
    assert story.only.ended_at is None


def test_a_repeat_after_30_minutes_is_a_new_alert(story: Story):
    story.run(61)
    story.leave()
    story.run(200)
    story.come_back()
    story.run(200 + 1850)
    story.leave()
    story.run(2400)
    assert [type(e) for e in story.events][:4] == [Raised, Cleared, Ended, Raised]
    assert len({alert.id for alert in story.alerts}) == 2


def test_resolving_what_goes_on_does_not_raise_it_again(story: Story):
    story.run(61)
    story.leave()
    story.run(200)
    story.officer(story.only, Resolve("off-1", Outcome.RADIO_SHADOW))
    story.run(4000)
    assert len(story.said(Raised)) == 1
    assert story.said(Reopened) == []
    assert story.only.state is AlertState.RESOLVED


def test_a_crossing_out_and_a_missed_band_are_critical_without_the_wait(tell_story: type[Story]):
    story = tell_story(homes=2, place="site-a")
    story.run(61)
    story.leave(1)
    story.run(65)
    story.cross()
    story.run(81)  # the box testifies at 80
    person = next(a for a in story.alerts if a.subject.id == "p1")
    assert (person.kind, person.severity) == (Kind.OUT_OF_RANGE, Severity.CRITICAL)
    assert {Say.UNSEEN_RESCANNED, Say.DOOR_OUT} <= person.said


def test_the_missed_band_explains_the_cameras_alert(tell_story: type[Story]):
    story = tell_story(homes=2, place="site-a")
    story.run(61)
    story.leave(1)
    story.cross()
    camera = story.only
    assert (camera.kind, camera.severity, camera.subject.id) == (Kind.CAMERA_EXIT, Severity.MEDIUM, "e1/gate")
    story.run(90)
    (cleared,) = story.said(Cleared)
    assert (cleared.alert, cleared.sign.code) == (camera.id, Say.PERSON_MISSING)
    assert cleared.sign.values == {"person": "p1"}


def test_a_crossing_after_the_band_was_missed_makes_it_critical(tell_story: type[Story]):
    story = tell_story(homes=2, place="site-a")
    story.run(61)
    story.leave(1)
    story.run(160)
    assert story.only.severity is Severity.HIGH
    events = story.cross()
    assert [type(e) for e in events] == [Attached, SeverityRaised]
    assert story.only.severity is Severity.CRITICAL


def test_at_a_home_with_one_person_the_camera_speaks_of_the_person(story: Story):
    story.run(61)
    story.leave()
    story.cross()
    assert story.only.subject.id == "p1"
    assert (story.only.kind, story.only.severity) == (Kind.CAMERA_EXIT, Severity.MEDIUM)
    story.run(90)
    assert (story.only.kind, story.only.severity) == (Kind.OUT_OF_RANGE, Severity.CRITICAL)
    assert story.only.since == story.at(61)  # the episode, and with it the id, are those of the first sign


def test_a_visitor_who_leaves_is_a_medium_alert_that_ends_by_itself(story: Story):
    story.run(61)
    story.cross()
    story.run(61 + 601)
    assert (story.only.kind, story.only.severity) == (Kind.CAMERA_EXIT, Severity.MEDIUM)
    assert story.only.ended_at is not None


def test_coming_in_again_ends_the_cameras_alert(story: Story):
    story.run(61)
    story.cross()
    story.run(70)
    story.cross("in")
    assert story.only.ended_at is not None


def test_a_crossing_long_before_does_not_agree(story: Story):
    story.run(61)
    story.cross()
    story.run(402)
    story.leave()
    story.run(500)
    assert story.only.severity is Severity.HIGH


def test_one_signed_frame_of_a_cut_strap_is_enough(story: Story):
    story.run(61)
    events = story.hear(1, replace(story.readings[1], status=Status.STRAP_OPEN | Status.SKIN))
    assert [type(e) for e in events] == [Raised]
    assert (story.only.kind, story.only.severity) == (Kind.STRAP_CUT, Severity.CRITICAL)
    assert story.where() == "unknown"


def test_a_tampered_case_counts_as_a_cut_strap(story: Story):
    story.run(61)
    story.wear(tamper=True)
    story.run(75)
    assert story.kinds == ["strap_cut"]
    assert Say.CASE_TAMPERED in story.only.said


def test_a_strap_that_stays_open_is_one_alert(story: Story):
    story.run(61)
    story.wear(status=Status.STRAP_OPEN)
    story.run(3000)
    assert len(story.said(Raised)) == 1


def test_a_cut_frame_that_a_newer_frame_overtook_still_alerts_once(story: Story):
    story.run(61)
    cut = replace(story.readings[1], status=Status.STRAP_OPEN)
    story.hear(1, cut, t=58)
    story.hear(1, cut, t=58)
    assert isinstance(story.events[0], Raised)
    assert len(story.said(Raised)) == 1
    assert story.kinds == ["strap_cut"]


def test_a_strap_cut_before_leaving_is_one_incident_with_both_signs(story: Story):
    story.run(61)
    story.wear(status=Status.STRAP_OPEN)
    story.run(75)
    story.leave()
    story.run(400)
    assert (story.only.kind, story.only.severity) == (Kind.STRAP_CUT, Severity.CRITICAL)
    assert {Say.STRAP_OPEN, Say.UNSEEN_RESCANNED} <= story.only.said


def test_a_strap_cut_after_resolution_reopens_and_pages(story: Story):
    story.run(61)
    story.leave()
    story.run(200)
    story.officer(story.only, Resolve("off-1", Outcome.RADIO_SHADOW))
    story.wear(status=Status.STRAP_OPEN)
    story.run(222)
    (again,) = story.said(Reopened)
    assert (again.kind, again.severity, again.paged) == (Kind.STRAP_CUT, Severity.CRITICAL, True)
    assert story.only.state is AlertState.OPEN
    assert story.only.owner is None


def test_more_of_the_same_does_not_take_the_alert_from_its_owner(story: Story):
    story.run(61)
    story.leave()
    story.run(200)
    story.officer(story.only, Acknowledge("off-1"))
    story.come_back()
    story.run(301)
    story.leave()
    story.run(500)
    assert len(story.said(Reopened)) == 1
    assert (story.only.owner, story.only.state, story.only.ladder) == ("off-1", AlertState.ACKNOWLEDGED, ())


def test_a_band_that_lies_there_is_medium_after_10_minutes_and_high_after_30(story: Story):
    story.run(61)
    story.wear(status=Status(0))  # first said at 70
    story.run(70 + 600)
    assert story.alerts == []
    story.run(70 + 601)
    assert (story.only.kind, story.only.severity) == (Kind.BAND_REMOVED, Severity.MEDIUM)
    assert story.where() == "unknown"
    story.run(70 + 1801)
    assert story.only.severity is Severity.HIGH
    story.come_back()
    story.run(70 + 1812)
    assert story.only.ended_at is not None


def test_a_band_that_sleeps_on_skin_is_worn(story: Story):
    story.run(61)
    story.wear(status=Status.SKIN)
    story.run(4000)
    assert story.alerts == []


def test_the_end_of_an_order_takes_every_suspicion_with_it(story: Story):
    story.run(61)
    story.leave()
    story.run(200)
    story.end_order()
    story.run(203)
    assert story.only.ended_at is not None
    assert story.said(Cleared)[0].sign.code is Say.ORDER_OVER
    story.run(2000)
    assert len(story.said(Raised)) == 1
    assert story.judge.presence("p1", story.at(2000)) == ("unknown", None)


def test_an_escape_during_a_link_outage_is_told_when_the_link_heals(story: Story):
    story.run(61)
    story.gateway_lives = False  # nothing passes, but the box goes on: it beats, and testifies at 80
    story.leave()
    story.run(500)
    assert story.alerts == []
    story.tell(BandUnseen(story.at(80), EdgeId("e1"), BandNumber(1), story.at(60), late=True))
    for t in range(70, 500, 10):
        story.tell(EdgeAlive(story.at(t), EdgeId("e1"), 10, True, True, late=t < 410))
    story.gateway_lives = True
    story.run(505)
    assert story.kinds == ["out_of_range"]
    assert story.only.since == story.at(60)

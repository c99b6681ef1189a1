"""Rows 6 to 9 under the default policy: a loose strap, a charger, a low battery and a pulled plug, and their twins."""

from __future__ import annotations

import pytest

from ancu.models.clock import to_ms
from ancu.models.frame import Status
from ancu.models.ids import BandNumber
from ancu.server.alerts.events import Raised
from ancu.server.cases.band_rows import verdicts
from ancu.server.cases.codes import Kind, Say
from ancu.server.cases.hearing import band_case
from ancu.server.cases.verdict import next_look
from ancu.server.ports import Severity

from .conftest import Story

OFF, COLD, WARM = Status(0), 290, 345
BEGAN = 70  # the second of the first frame that says so
LOW_S = 129_600


def off(story: Story, deci_c: int, status: Status = OFF) -> None:
    story.run(61)
    story.wear(status=status, skin_deci_c=deci_c)
    story.run(BEGAN + 1)


def skip_to(story: Story, second: int) -> None:
    """Nothing happens until then; the judge is told nothing either, and believes no silence from that time."""
    story.t = second // 10 * 10
    story.run(second)


def test_a_cold_band_that_lies_there_is_medium_after_10_minutes_and_high_after_30(calm: Story):
    off(calm, COLD)
    calm.run(BEGAN + 600)
    assert calm.alerts == []
    calm.run(BEGAN + 601)
    assert (calm.only.kind, calm.only.severity) == (Kind.BAND_REMOVED, Severity.MEDIUM)
    calm.run(BEGAN + 1801)
    assert calm.only.severity is Severity.HIGH


def test_a_band_that_lost_contact_and_stays_warm_waits_an_hour_and_grows_worse_after_four(calm: Story):
    off(calm, WARM)
    calm.run(BEGAN + 3600)
    assert calm.alerts == []
    calm.run(BEGAN + 3601)
    assert (calm.only.kind, calm.only.severity) == (Kind.BAND_REMOVED, Severity.MEDIUM)
    skip_to(calm, BEGAN + 14_399)
    assert calm.only.severity is Severity.MEDIUM
    calm.run(BEGAN + 14_401)
    assert calm.only.severity is Severity.HIGH


@pytest.mark.parametrize(("deci_c", "opens"), [(329, True), (330, False)])
def test_33_degrees_are_warm(calm: Story, deci_c: int, opens: bool):
    off(calm, deci_c)
    calm.run(BEGAN + 700)
    assert bool(calm.alerts) is opens


def test_a_band_that_cools_down_lies_there_since_it_lost_contact(calm: Story):
    off(calm, WARM)
    calm.run(BEGAN + 1200)
    assert calm.alerts == []
    calm.wear(status=OFF, skin_deci_c=COLD)
    calm.run(BEGAN + 1212)
    assert (calm.only.kind, calm.only.since) == (Kind.BAND_REMOVED, calm.at(BEGAN))


def test_a_band_on_its_charger_waits_two_hours(calm: Story):
    off(calm, COLD, Status.CHARGING)
    calm.run(BEGAN + 7200)
    assert calm.alerts == []
    calm.run(BEGAN + 7201)
    assert calm.kinds == ["band_removed"]


def test_a_band_that_comes_off_its_charger_and_is_not_worn_is_told(calm: Story):
    off(calm, COLD, Status.CHARGING)
    calm.run(BEGAN + 900)
    calm.wear(status=OFF, skin_deci_c=COLD)
    calm.run(BEGAN + 912)
    assert calm.kinds == ["band_removed"]


def test_a_low_battery_is_work_only_when_it_was_not_charged_for_36_hours(calm: Story):
    calm.run(61)
    calm.wear(battery_percent=18)
    calm.run(BEGAN + 1000)
    assert calm.alerts == []
    skip_to(calm, BEGAN + LOW_S - 1)
    assert calm.alerts == []
    calm.run(BEGAN + LOW_S + 1)
    (raised,) = calm.said(Raised)
    assert (raised.kind, raised.severity, raised.paged) == (Kind.BATTERY_LOW, Severity.LOW, False)
    assert raised.since == calm.at(BEGAN)


def test_a_battery_that_was_charged_in_between_waits_anew(calm: Story):
    calm.run(61)
    calm.wear(battery_percent=18)
    skip_to(calm, LOW_S - 1000)
    calm.wear(battery_percent=90)
    calm.run(LOW_S - 900)
    calm.wear(battery_percent=18)
    calm.run(LOW_S + 2000)
    assert calm.alerts == []


def test_a_low_battery_that_is_not_heard_of_any_more_is_not_guessed_at_nor_looked_at_each_second(calm: Story):
    calm.run(61)
    calm.wear(battery_percent=18)
    skip_to(calm, BEGAN + LOW_S - 100)
    calm.box_dies()
    skip_to(calm, BEGAN + LOW_S + 400)
    assert "battery_low" not in calm.kinds
    case = band_case(calm.judge._roster, calm.judge._observed, BandNumber(1))
    assert case is not None
    now_ms = to_ms(calm.at(calm.t))
    assert (next_look(verdicts(case, now_ms, calm.policy)) or now_ms + 1) > now_ms


@pytest.mark.parametrize(("level", "opens"), [(9, False), (8, True)])
def test_a_battery_of_8_percent_is_told_at_once(calm: Story, level: int, opens: bool):
    calm.run(61)
    calm.wear(battery_percent=level)
    calm.run(75)
    assert bool(calm.alerts) is opens


def test_a_battery_that_sinks_to_8_percent_waits_no_longer(calm: Story):
    calm.run(61)
    calm.wear(battery_percent=18)
    calm.run(200)
    calm.wear(battery_percent=8)
    calm.run(215)
    assert (calm.only.kind, calm.only.since) == (Kind.BATTERY_LOW, calm.at(BEGAN))


def test_a_silent_box_is_told_after_30_minutes(calm: Story):
    calm.run(61)
    calm.box_dies()
    calm.run(60 + 1799)
    assert calm.alerts == []
    calm.run(60 + 1800)
    assert (calm.only.kind, calm.only.severity) == (Kind.EDGE_SILENT, Severity.MEDIUM)


def test_a_silent_box_whose_plug_was_pulled_before_is_told_after_10(calm: Story):
    calm.run(51)
    calm.mains(on=False)
    calm.run(61)
    calm.box_dies()
    calm.run(60 + 599)
    assert calm.kinds == ["mains_lost"]
    calm.run(60 + 600)
    assert (calm.only.kind, calm.only.severity) == (Kind.EDGE_SILENT, Severity.MEDIUM)


def test_a_heartbeat_without_mains_pulls_the_plug_as_well(calm: Story):
    calm.run(51)
    calm.unplugged.add("e1")
    calm.run(62)
    assert calm.kinds == ["mains_lost"]
    calm.box_dies()
    calm.run(60 + 600)
    assert Say.EDGE_QUIET in calm.only.said


def test_a_box_that_was_plugged_in_again_waits_the_30_minutes(calm: Story):
    calm.run(21)
    calm.mains(on=False)
    calm.run(41)
    calm.mains(on=True)
    calm.run(61)
    calm.box_dies()
    calm.run(60 + 1799)
    assert [alert.ended_at is not None for alert in calm.alerts] == [True]
    calm.run(60 + 1800)
    assert Kind.EDGE_SILENT in calm.only.active


def test_mains_that_are_lost_stay_lost_while_heartbeats_say_so(calm: Story):
    calm.run(61)
    calm.mains(on=False)
    calm.run(600)
    assert (calm.only.kind, calm.only.ended_at) == (Kind.MAINS_LOST, None)


def test_a_heartbeat_that_says_mains_ends_lost_mains_though_nothing_else_was_heard_of_them(calm: Story):
    calm.run(61)
    calm.mains(on=False)
    calm.run(100)
    calm.unplugged.clear()  # what it said of their return got lost
    calm.run(101)
    assert calm.only.ended_at == calm.at(100)

"""Undoing a slip: who took an alert a moment ago gives it back, and who put it to sleep wakes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ancu.server.alerts.alert import (
    RELEASE_MAX,
    Acknowledge,
    Alert,
    Command,
    Contact,
    Dispatch,
    Release,
    Snooze,
    Wake,
    decide,
    evolve,
)
from ancu.server.alerts.events import Due, Raised, Sign, Subject, pack, unpack
from ancu.server.cases.codes import Concern, Desk, Kind, Say, SubjectKind
from ancu.server.ports import AlertState, Severity

T = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
LADDER = (Due(1, T + timedelta(minutes=2)), Due(2, T + timedelta(minutes=5)))
RAISED = Raised(
    alert="a",
    at=T,
    policy="default@1",
    kind=Kind.STRAP_CUT,
    concern=Concern.WHEREABOUTS,
    subject=Subject(SubjectKind.PERSON, "p1", "w1", "p1"),
    severity=Severity.CRITICAL,
    desk=Desk.WARD,
    since=T,
    signs=(Sign(Say.STRAP_OPEN, T),),
    ruled_out=(),
    paged=True,
    ladder=LADDER,
)


def after(*done: tuple[float, Command]) -> Alert:
    alert = evolve(None, RAISED)
    assert alert is not None
    for minutes, command in done:
        for event in decide(alert, command, T + timedelta(minutes=minutes)):
            alert = evolve(alert, unpack(pack(event)))
            assert alert is not None
    return alert


def test_who_gives_an_alert_back_leaves_it_to_everybody_and_its_ladder_goes_on_where_it_stopped():
    alert = after((1, Acknowledge("lan")), (4, Release("lan")))
    assert (alert.state, alert.owner) == (AlertState.OPEN, None)
    assert alert.ladder == tuple(Due(due.level, due.at + timedelta(minutes=3)) for due in LADDER)


@pytest.mark.parametrize(
    "done",
    [
        [(1, Acknowledge("minh"))],
        [(1, Acknowledge("lan")), (2, Contact("lan", "phone"))],
        [(1, Acknowledge("lan")), (2, Dispatch("lan", "ward_team"))],
        [(1, Acknowledge("lan")), (2, Acknowledge("minh"))],
        [],
    ],
    ids=["anothers", "contacted", "dispatched", "taken over", "nobody's"],
)
def test_nothing_is_given_back_that_is_not_ones_own_or_that_went_on(done: list[tuple[float, Command]]):
    assert decide(after(*done), Release("lan"), T + timedelta(minutes=3)) == []


def test_after_ten_minutes_others_rely_on_it():
    alert = after((1, Acknowledge("lan")))
    late = T + timedelta(minutes=1) + RELEASE_MAX
    assert decide(alert, Release("lan"), late)
    assert decide(alert, Release("lan"), late + timedelta(seconds=1)) == []


def test_what_was_taken_twice_by_one_officer_still_has_its_ladder_to_give_back():
    alert = after((1, Acknowledge("lan")), (1, Acknowledge("lan")), (1, Release("lan")))
    assert alert.ladder == LADDER


def test_waking_ends_a_sleep_and_does_nothing_to_what_is_awake():
    asleep = after((1, Snooze("lan", T + timedelta(hours=1))))
    assert asleep.next_step_at == T + timedelta(hours=1)
    awake = after((1, Snooze("lan", T + timedelta(hours=1))), (2, Wake("lan")))
    assert awake.next_step_at == LADDER[0].at
    assert decide(awake, Wake("lan"), T + timedelta(minutes=3)) == []

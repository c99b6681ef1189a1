"""An alert's life: what an officer may do with it, and what its events make of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ancu.server.alerts.alert import (
    SNOOZE_MAX,
    Acknowledge,
    Command,
    Contact,
    Dispatch,
    MarkNotified,
    Resolve,
    Snooze,
    SnoozeRefused,
    decide,
    evolve,
    fold,
)
from ancu.server.alerts.events import (
    Acknowledged,
    AlertEvent,
    Due,
    Ended,
    Escalated,
    Raised,
    Reopened,
    Resolved,
    SeverityRaised,
    Sign,
    Subject,
    alert_id,
    event_id,
    pack,
    unpack,
)
from ancu.server.cases.codes import Concern, Desk, Kind, Say, SubjectKind
from ancu.server.ports import AlertAlreadyResolved, AlertState, Outcome, Severity

T = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
SUBJECT = Subject(SubjectKind.PERSON, "p1", "w1", "p1")
SIGN = Sign(Say.STRAP_OPEN, T, {"band": "wb-00000001", "edge": "e1", "seen_at": T})
RAISED = Raised(
    alert=alert_id("default@1", SUBJECT, Kind.STRAP_CUT, T),
    at=T,
    policy="default@1",
    kind=Kind.STRAP_CUT,
    concern=Concern.WHEREABOUTS,
    subject=SUBJECT,
    severity=Severity.CRITICAL,
    desk=Desk.WARD,
    since=T,
    signs=(SIGN,),
    ruled_out=(),
    paged=True,
    ladder=(Due(1, T + timedelta(minutes=2)), Due(2, T + timedelta(minutes=5))),
    thresholds={"opens_after_s": 0},
)


def after(*commands: Command):
    alert = fold([RAISED])
    for n, command in enumerate(commands, 1):
        for event in decide(alert, command, T + timedelta(seconds=n)):
            alert = evolve(alert, event)
    return alert


def test_an_alert_opens_as_it_was_raised():
    alert = after()
    assert (alert.state, alert.severity, alert.owner, alert.paged_at) == (AlertState.OPEN, Severity.CRITICAL, None, T)


def test_delivered_is_notified_and_does_not_undo_what_follows():
    assert after(MarkNotified("push", "off-2")).state is AlertState.NOTIFIED
    assert after(Acknowledge("off-1"), MarkNotified("push", "off-2")).state is AlertState.ACKNOWLEDGED


def test_acknowledging_claims_ownership_and_stops_the_ladder():
    alert = after(Acknowledge("off-1"))
    assert (alert.owner, alert.ladder) == ("off-1", ())


def test_acknowledging_twice_is_once_and_another_officer_takes_over():
    alert = after(Acknowledge("off-1"))
    assert decide(alert, Acknowledge("off-1"), T) == []
    assert after(Acknowledge("off-1"), Acknowledge("off-2")).owner == "off-2"


def test_contact_and_dispatch_are_states_of_their_own():
    assert after(Acknowledge("off-1"), Contact("off-1", "phone")).state is AlertState.CONTACTED
    assert after(Contact("off-1", "phone"), Dispatch("off-1", "patrol 3")).state is AlertState.DISPATCHED


def test_resolving_names_the_outcome():
    alert = after(Resolve("off-1", Outcome.TRUE_EXIT, "seen at the market"))
    assert (alert.state, alert.outcome, alert.resolved_by) == (AlertState.RESOLVED, Outcome.TRUE_EXIT, "off-1")


@pytest.mark.parametrize(
    "command",
    [Resolve("off-2", Outcome.TEST), Acknowledge("off-2"), Contact("off-2", "phone"), Snooze("off-2", T)],
)
def test_a_resolved_alert_takes_no_more_commands_and_says_who_resolved_it(command: Command):
    alert = after(Resolve("off-1", Outcome.TEST))
    with pytest.raises(AlertAlreadyResolved) as refused:
        decide(alert, command, T)
    assert refused.value.by == "off-1"


def test_a_delivery_that_comes_after_resolution_is_nothing():
    assert decide(after(Resolve("off-1", Outcome.TEST)), MarkNotified("push", "off-2"), T) == []


@pytest.mark.parametrize("until", [T, T - timedelta(hours=1), T + SNOOZE_MAX + timedelta(seconds=1)])
def test_snoozing_into_the_past_or_past_a_shift_is_refused(until: datetime):
    with pytest.raises(SnoozeRefused):
        decide(after(), Snooze("off-1", until), T)


def test_a_snooze_moves_the_next_step():
    until = T + timedelta(minutes=30)
    assert after(Snooze("off-1", until)).next_step_at == until


def test_a_step_is_taken_once():
    alert = evolve(after(), Escalated(RAISED.alert, T, 1, T, paged=True))
    assert [due.level for due in alert.ladder] == [2]


def test_growing_worse_leads_the_incident_and_wakes_it():
    worse = SeverityRaised(
        RAISED.alert, T, Kind.OUT_OF_RANGE, Severity.CRITICAL, SIGN, Desk.WARD, paged=True, ladder=(Due(1, T),)
    )
    alert = evolve(after(Acknowledge("off-1")), worse)
    assert (alert.kind, alert.owner, alert.ladder) == (Kind.OUT_OF_RANGE, "off-1", (Due(1, T),))


def test_reopening_a_resolved_alert_asks_for_an_owner_again():
    again = Reopened(RAISED.alert, T, Kind.STRAP_CUT, T, Severity.CRITICAL, (SIGN,), paged=True, ladder=())
    alert = evolve(after(Resolve("off-1", Outcome.BAND_FAULT)), again)
    assert (alert.state, alert.owner, alert.outcome, alert.resolved_by) == (AlertState.OPEN, None, None, None)


def test_an_event_of_an_unknown_alert_changes_nothing():
    assert evolve(None, Acknowledged("nobody", T, "off-1")) is None
    assert fold([Ended("nobody", T, stops_ladder=True)]) is None


def test_raising_again_what_is_there_changes_nothing():
    alert = after(Acknowledge("off-1"))
    assert evolve(alert, RAISED) is alert


def test_an_alerts_id_follows_from_policy_subject_kind_and_start_and_from_nothing_else():
    assert RAISED.alert == "3735jscovghwr5yl"
    other = Subject(SUBJECT.kind, SUBJECT.id, "moved-ward", None)
    assert alert_id("default@1", other, Kind.STRAP_CUT, T) == RAISED.alert
    ids = {
        RAISED.alert,
        alert_id("default@2", SUBJECT, Kind.STRAP_CUT, T),
        alert_id("default@1", SUBJECT, Kind.SOS, T),
        alert_id("default@1", SUBJECT, Kind.STRAP_CUT, T + timedelta(milliseconds=1)),
        alert_id("default@1", Subject(SubjectKind.EDGE, "p1", "w1"), Kind.STRAP_CUT, T),
    }
    assert len(ids) == 5


@pytest.mark.parametrize("event", [RAISED, Resolved("a", T, "off-1", Outcome.TEST, "đã kiểm tra")])
def test_what_is_packed_is_read_back_the_same(event: AlertEvent):
    assert unpack(pack(event)) == event
    assert event_id(unpack(pack(event))) == event_id(event)

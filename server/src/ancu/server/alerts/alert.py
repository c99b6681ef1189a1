"""One alert: its state as the fold of its events, and what an officer may do with it.

`decide` changes nothing and may refuse; `evolve` never fails.

    open -> notified -> acknowledged -> contacted / dispatched -> resolved, and back to open when it happens again
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

import msgspec

from ancu.models.errors import AncuError
from ancu.server.alerts.events import (
    Acknowledged,
    AlertEvent,
    Attached,
    Cleared,
    Contacted,
    Dispatched,
    Due,
    Ended,
    Escalated,
    Notified,
    Raised,
    Released,
    Reopened,
    Resolved,
    SeverityRaised,
    Snoozed,
    Subject,
)
from ancu.server.cases.codes import Concern, Desk, Kind, Say
from ancu.server.ports import AlertAlreadyResolved, AlertState, Outcome, Severity

__all__ = [
    "RELEASE_MAX",
    "SNOOZE_MAX",
    "Acknowledge",
    "Alert",
    "Command",
    "Contact",
    "Dispatch",
    "MarkNotified",
    "Release",
    "Resolve",
    "Snooze",
    "SnoozeRefused",
    "Wake",
    "decide",
    "evolve",
    "fold",
]

SNOOZE_MAX = timedelta(hours=12)  # a shift: what sleeps longer than whoever put it to sleep is forgotten
RELEASE_MAX = timedelta(minutes=10)  # undoing a slip; after that a colleague relies on it


class SnoozeRefused(AncuError):
    """An alert can only sleep until a later time within `SNOOZE_MAX`."""

    code = "snooze_refused"

    def __init__(self, until: datetime) -> None:
        super().__init__(f"cannot snooze until {until.isoformat()}: within {SNOOZE_MAX} from now")
        self.until = until


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Take ownership; from another officer too."""

    by: str


@dataclass(frozen=True, slots=True)
class Release:
    """Give back what one took a moment ago and did nothing about."""

    by: str


@dataclass(frozen=True, slots=True)
class Wake:
    """End its sleep now."""

    by: str


@dataclass(frozen=True, slots=True)
class Snooze:
    by: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Contact:
    by: str
    how: str  # 'phone', 'visit', ...


@dataclass(frozen=True, slots=True)
class Dispatch:
    by: str
    unit: str


@dataclass(frozen=True, slots=True)
class Resolve:
    by: str
    outcome: Outcome
    note: str = ""


@dataclass(frozen=True, slots=True)
class MarkNotified:
    """A notifier delivered it to an officer."""

    channel: str
    officer: str


Command = Acknowledge | Release | Snooze | Wake | Contact | Dispatch | Resolve | MarkNotified


class Alert(msgspec.Struct, frozen=True):
    """What an alert has come to."""

    id: str
    policy: str
    kind: Kind  # that leads the incident: of its severity
    concern: Concern
    subject: Subject
    severity: Severity
    desk: Desk
    state: AlertState
    since: datetime
    opened_at: datetime
    updated_at: datetime
    active: frozenset[Kind]  # that are still so
    said: frozenset[Say]
    ladder: tuple[Due, ...]  # steps still to come while nobody acknowledges
    paged_at: datetime | None = None
    ended_at: datetime | None = None
    owner: str | None = None
    snoozed_until: datetime | None = None
    outcome: Outcome | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    held: tuple[Due, ...] = ()  # the ladder as it was when the owner took it
    taken_at: datetime | None = None

    @property
    def resolved(self) -> bool:
        return self.state is AlertState.RESOLVED

    @property
    def next_step_at(self) -> datetime | None:
        """When the next step of the ladder falls due, if nobody acknowledges."""
        if not self.ladder:
            return None
        due = self.ladder[0].at
        return due if self.snoozed_until is None else max(due, self.snoozed_until)


def decide(alert: Alert, command: Command, at: datetime) -> list[AlertEvent]:  # noqa: C901, PLR0911 - a case a command
    """What a command makes of an alert; nothing where it is already so. Raises AlertAlreadyResolved, SnoozeRefused."""
    if alert.resolved:
        if isinstance(command, MarkNotified):
            return []
        raise AlertAlreadyResolved(alert.id, alert.resolved_by)
    match command:
        case Acknowledge(by):
            return [] if alert.owner == by and not alert.ladder else [Acknowledged(alert.id, at, by)]
        case Release(by):
            return _released(alert, by, at)
        case Wake(by):
            asleep = alert.snoozed_until is not None and alert.snoozed_until > at
            return [Snoozed(alert.id, at, by, at)] if asleep else []
        case Snooze(by, until):
            if not at < until <= at + SNOOZE_MAX:
                raise SnoozeRefused(until)
            return [Snoozed(alert.id, at, by, until)]
        case Contact(by, how):
            return [Contacted(alert.id, at, by, how)]
        case Dispatch(by, unit):
            return [Dispatched(alert.id, at, by, unit)]
        case Resolve(by, outcome, note):
            return [Resolved(alert.id, at, by, outcome, note)]
        case MarkNotified(channel, officer):
            return [Notified(alert.id, at, channel, officer)]
    assert_never(command)


def _released(alert: Alert, by: str, at: datetime) -> list[AlertEvent]:
    if alert.state is not AlertState.ACKNOWLEDGED or alert.owner != by or alert.taken_at is None:
        return []
    paused = at - alert.taken_at
    if paused > RELEASE_MAX:
        return []
    ladder = tuple(Due(due.level, due.at + paused) for due in alert.held)
    return [Released(alert.id, at, by, ladder)]


def fold(events: Iterable[AlertEvent]) -> Alert | None:
    """The alert that these events, of one id and in order, came to; None without a Raised."""
    alert: Alert | None = None
    for event in events:
        alert = evolve(alert, event)
    return alert


def evolve(alert: Alert | None, event: AlertEvent) -> Alert | None:
    """The alert after one more event. An event of an alert that was never raised changes nothing."""
    if isinstance(event, Raised):
        return alert if alert is not None else _raised(event)
    if alert is None:
        return None
    changes = _changes(alert, event)
    return msgspec.structs.replace(alert, updated_at=max(alert.updated_at, event.at), **changes)


def _raised(event: Raised) -> Alert:
    return Alert(
        id=event.alert,
        policy=event.policy,
        kind=event.kind,
        concern=event.concern,
        subject=event.subject,
        severity=event.severity,
        desk=event.desk,
        state=AlertState.OPEN,
        since=event.since,
        opened_at=event.at,
        updated_at=event.at,
        active=frozenset((event.kind,)),
        said=frozenset(sign.code for sign in event.signs),
        ladder=event.ladder,
        paged_at=event.at if event.paged else None,
    )


def _changes(alert: Alert, event: AlertEvent) -> Mapping[str, object]:  # noqa: C901, PLR0911, PLR0912 - one case an event
    match event:
        case Raised():
            return {}
        case Attached():
            if event.late:
                return {"said": alert.said | {sign.code for sign in event.signs}}
            return {
                "active": alert.active | {event.kind},
                "said": alert.said | {sign.code for sign in event.signs},
                "paged_at": event.at if event.paged else alert.paged_at,
                "ended_at": None,
            }
        case Cleared():
            return {"active": alert.active - {event.kind}}
        case SeverityRaised():
            return {
                "kind": event.kind,
                "severity": event.severity,
                "desk": event.desk,
                "ladder": event.ladder,
                "snoozed_until": None,
                "paged_at": event.at if event.paged else alert.paged_at,
            }
        case Ended():
            return {"ended_at": event.at, "active": frozenset(), **({"ladder": ()} if event.stops_ladder else {})}
        case Reopened():
            return {
                "kind": event.kind if event.severity != alert.severity else alert.kind,
                "severity": event.severity,
                "active": alert.active | {event.kind},
                "said": frozenset(sign.code for sign in event.signs),
                "ladder": event.ladder,
                "paged_at": event.at if event.paged else alert.paged_at,
                "ended_at": None,
                **(_UNRESOLVED if alert.resolved else {}),
            }
        case Escalated():
            return {
                "ladder": tuple(due for due in alert.ladder if due.level > event.level),
                "paged_at": event.at if event.paged else alert.paged_at,
            }
        case Notified():
            return {"state": AlertState.NOTIFIED} if alert.state is AlertState.OPEN else {}
        case Acknowledged():
            held = alert.ladder or (alert.held if alert.owner else ())
            return {**_owned(event.by, AlertState.ACKNOWLEDGED), "held": held, "taken_at": event.at}
        case Released():
            return {"state": AlertState.OPEN, "owner": None, "ladder": event.ladder, "held": (), "taken_at": None}
        case Snoozed():
            return {"snoozed_until": event.until}
        case Contacted():
            return _owned(event.by, AlertState.CONTACTED)
        case Dispatched():
            return _owned(event.by, AlertState.DISPATCHED)
        case Resolved():
            left = alert.active - {Kind.SOS}  # whoever called for help is helped when an officer says so, never before
            return {
                **_owned(alert.owner or event.by, AlertState.RESOLVED),
                "active": left,
                "ended_at": alert.ended_at or (None if left else event.at),
                "outcome": event.outcome,
                "resolved_at": event.at,
                "resolved_by": event.by,
            }
    assert_never(event)


_UNRESOLVED: Mapping[str, object] = {
    "state": AlertState.OPEN,
    "owner": None,
    "snoozed_until": None,
    "outcome": None,
    "resolved_at": None,
    "resolved_by": None,
}


def _owned(by: str, state: AlertState) -> dict[str, object]:
    return {"owner": by, "state": state, "ladder": (), "snoozed_until": None}

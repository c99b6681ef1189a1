"""What became of each alert in time: opened, paged, delivered, claimed, resolved. Folded from events. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from ancu.server.alerts.events import (
    Acknowledged,
    AlertEvent,
    Attached,
    Contacted,
    Dispatched,
    Ended,
    Escalated,
    Notified,
    Raised,
    Released,
    Reopened,
    Resolved,
    SeverityRaised,
    Sign,
)
from ancu.server.cases.codes import Concern, Kind
from ancu.server.cases.policy import rank
from ancu.server.ports import Outcome, Severity

__all__ = ["Story", "stories"]


@dataclass(slots=True)
class Story:
    alert: str
    kind: Kind  # that it was raised for
    concern: Concern
    ward: str
    person: str | None
    severity: Severity  # the worst that it reached
    since: datetime
    opened_at: datetime
    late: bool
    policy: str
    pages: list[datetime] = field(default_factory=list)
    reopened: list[datetime] = field(default_factory=list)
    bands: set[str] = field(default_factory=set)  # that its signs name
    notified_at: datetime | None = None
    claimed_at: datetime | None = None
    ended_at: datetime | None = None
    first_ended_at: datetime | None = None  # however often it was opened again
    resolved_at: datetime | None = None
    outcome: Outcome | None = None


def stories(events: Iterable[AlertEvent]) -> dict[str, Story]:
    """By alert, in the order in which they were raised; events of alerts that were raised before are left out."""
    found: dict[str, Story] = {}
    for event in events:
        if isinstance(event, Raised):
            found.setdefault(event.alert, _begun(event))
        story = found.get(event.alert)
        if story is not None:
            _tell(story, event)
    return found


def _tell(story: Story, event: AlertEvent) -> None:  # noqa: C901 - one case an event
    match event:
        case Raised() | Attached() | Reopened():
            story.bands.update(_bands(event.signs))
            if isinstance(event, Reopened):
                story.reopened.append(event.at)
                story.severity = min(story.severity, event.severity, key=rank)
                story.ended_at = story.outcome = story.resolved_at = None
            elif isinstance(event, Attached) and not event.late:
                story.ended_at = None
        case SeverityRaised():
            story.severity = min(story.severity, event.severity, key=rank)
        case Notified():
            story.notified_at = story.notified_at or event.at
        case Acknowledged() | Contacted() | Dispatched():
            story.claimed_at = story.claimed_at or event.at
        case Released():
            story.claimed_at = None
        case Ended():
            story.ended_at = event.at
            story.first_ended_at = story.first_ended_at or event.at
        case Resolved():
            story.claimed_at = story.claimed_at or event.at
            story.resolved_at, story.outcome = event.at, event.outcome
    if isinstance(event, Raised | SeverityRaised | Reopened | Attached | Escalated) and event.paged:
        story.pages.append(event.at)


def _begun(event: Raised) -> Story:
    return Story(
        alert=event.alert,
        kind=event.kind,
        concern=event.concern,
        ward=event.subject.ward,
        person=event.subject.person,
        severity=event.severity,
        since=event.since,
        opened_at=event.at,
        late=event.late,
        policy=event.policy,
    )


def _bands(signs: Iterable[Sign]) -> Iterable[str]:
    return (band for sign in signs if isinstance(band := sign.values.get("band"), str))

"""An alert in outline: what a policy made of an episode, from events. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ancu.server.alerts.events import AlertEvent, Attached, Ended, Escalated, Raised, Reopened, Resolved, SeverityRaised
from ancu.server.cases.codes import Concern, Kind, SubjectKind
from ancu.server.cases.policy import rank
from ancu.server.ports import Outcome, Severity

__all__ = ["Outline", "outlines"]


@dataclass(slots=True)
class Outline:
    """One alert as a whole. `severity` is the worst that it reached, `kind` what it was raised for."""

    id: str
    policy: str
    kind: Kind
    concern: Concern
    subject_kind: SubjectKind
    subject: str
    ward: str
    since: datetime
    opened_at: datetime
    severity: Severity
    late: bool
    pages: int = 0
    paged_at: datetime | None = None  # first
    ended_at: datetime | None = None
    outcome: Outcome | None = None


def outlines(events: Iterable[AlertEvent]) -> dict[str, Outline]:
    """By alert, in the order in which they were raised."""
    found: dict[str, Outline] = {}
    for event in events:
        if isinstance(event, Raised):
            found.setdefault(event.alert, _begun(event))
        outline = found.get(event.alert)
        if outline is None:
            continue
        match event:
            case SeverityRaised() | Reopened():
                outline.severity = min(outline.severity, event.severity, key=rank)
                if isinstance(event, Reopened):
                    outline.ended_at = None
            case Attached(late=False):
                outline.ended_at = None
            case Ended():
                outline.ended_at = event.at
            case Resolved():
                outline.outcome = event.outcome
        if isinstance(event, Raised | SeverityRaised | Reopened | Attached | Escalated) and event.paged:
            outline.pages += 1
            outline.paged_at = outline.paged_at or event.at
    return found


def _begun(event: Raised) -> Outline:
    return Outline(
        id=event.alert,
        policy=event.policy,
        kind=event.kind,
        concern=event.concern,
        subject_kind=event.subject.kind,
        subject=event.subject.id,
        ward=event.subject.ward,
        since=event.since,
        opened_at=event.at,
        severity=event.severity,
        late=event.late,
    )

"""Incidents: verdicts of one subject and concern against the alert it has, and the events that follow. Pure.

One open incident per person-episode: what else shows attaches as evidence and may raise the severity; a repeat soon
after the end re-opens; an occurrence that was told once is never told again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from ancu.models.clock import from_ms, to_ms
from ancu.server.alerts.alert import Alert, evolve
from ancu.server.alerts.events import (
    AlertEvent,
    Attached,
    Cleared,
    Due,
    Ended,
    Escalated,
    Raised,
    Reopened,
    SeverityRaised,
    Sign,
    Subject,
    alert_id,
)
from ancu.server.cases.codes import CONCERN_OF, Kind
from ancu.server.cases.paging import ladder, pages_at, rings_first
from ancu.server.cases.policy import Policy, rank
from ancu.server.cases.verdict import Clear, Holds
from ancu.server.ports import Severity

__all__ = ["Told", "decide_incident", "due_steps", "late_id", "raise_late"]

Told = Mapping[Kind, int]  # by kind: `since_ms` of the last occurrence that an event of this subject told


def decide_incident(
    alert: Alert | None,
    told: Told,
    subject: Subject,
    verdicts: Iterable[Holds | Clear],
    *,
    at_ms: int,
    policy: Policy,
) -> list[AlertEvent]:
    """What verdicts of one concern make of the subject's latest incident of that concern."""
    draft = _Draft(alert, told, subject, at_ms, policy)
    verdicts = list(verdicts)
    for verdict in verdicts:
        if isinstance(verdict, Clear):
            draft.clear(verdict)
    for holds in sorted((v for v in verdicts if isinstance(v, Holds)), key=lambda v: rank(v.severity)):
        draft.hold(holds)
    draft.close()
    return draft.events


def due_steps(alert: Alert, at_ms: int, policy: Policy) -> list[AlertEvent]:
    """The steps of the ladder that fell due."""
    at = from_ms(at_ms)
    first = alert.next_step_at
    if first is None or first > at:
        return []
    pages = pages_at(policy.paging, alert.severity, at)
    return [Escalated(alert.id, at, due.level, due.at, pages) for due in alert.ladder if due.at <= at]


def late_id(subject: Subject, kind: Kind, at_ms: int, policy: Policy) -> str:
    """The id of a late work item: one a subject, kind and local day, however many frames tell of it."""
    local = from_ms(at_ms).astimezone(ZoneInfo(policy.paging.zone))
    return alert_id(policy.label, subject, kind, local.replace(hour=0, minute=0, second=0, microsecond=0))


def raise_late(subject: Subject, kind: Kind, signs: tuple[Sign, ...], at_ms: int, policy: Policy) -> list[AlertEvent]:
    """A momentary breach that became known long after: on the work list, already ended, and never a page."""
    at, since = from_ms(at_ms), signs[0].at
    alert = late_id(subject, kind, to_ms(since), policy)
    raised = Raised(
        alert=alert,
        at=at,
        policy=policy.label,
        kind=kind,
        concern=CONCERN_OF[kind],
        subject=subject,
        severity=Severity.LOW,
        desk=policy.rules.of(kind).desk,
        since=since,
        signs=signs,
        ruled_out=(),
        paged=False,
        ladder=(),
        thresholds=policy.thresholds(kind),
        late=True,
    )
    return [raised, Ended(alert, at, stops_ladder=True)]


class _Draft:
    """Events as they are being decided, and the alert as these events leave it."""

    def __init__(self, alert: Alert | None, told: Told, subject: Subject, at_ms: int, policy: Policy) -> None:
        self.alert, self.told, self.subject, self.policy = alert, told, subject, policy
        self.at_ms, self.at = at_ms, from_ms(at_ms)
        self.events: list[AlertEvent] = []

    def clear(self, verdict: Clear) -> None:
        alert = self.alert
        if alert is None or verdict.kind not in alert.active or verdict.at_ms <= self.told.get(verdict.kind, 0):
            return
        self._say(Cleared(alert.id, self.at, verdict.kind, verdict.sign))

    def hold(self, holds: Holds) -> None:
        alert = self.alert
        ongoing, told_ms = alert is not None and holds.kind in alert.active, self.told.get(holds.kind, -1)
        if holds.since_ms < told_ms or (holds.since_ms == told_ms and not ongoing):
            return  # from before what was told last; or told, and over since
        if alert is None or (not ongoing and self._is_over(alert, holds)):
            self._raise(holds)
        elif ongoing and alert.resolved:
            if self._is_worse(holds):
                self._reopen(holds)
        elif alert.resolved or alert.ended_at is not None:
            self._reopen(holds)
        else:
            self._attach(holds, ongoing=ongoing)
            if self._is_worse(holds):
                self._worsen(holds)

    def close(self) -> None:
        alert = self.alert
        if alert is not None and not alert.active and alert.ended_at is None:
            still = self.policy.paging.ended_still_escalates
            self._say(Ended(alert.id, self.at, stops_ladder=alert.severity not in still))

    def _is_over(self, alert: Alert, holds: Holds) -> bool:
        """Whether the episode is too long gone for this to be a repeat of it."""
        gone = alert.ended_at or alert.resolved_at
        return gone is not None and holds.since_ms - to_ms(gone) > self.policy.episodes.reopen_s * 1000

    def _is_worse(self, holds: Holds) -> bool:
        return self.alert is not None and rank(holds.severity) < rank(self.alert.severity)

    def _raise(self, holds: Holds) -> None:
        since, rule = from_ms(holds.since_ms), self.policy.rules.of(holds.kind)
        self.alert = None
        self._say(
            Raised(
                alert=alert_id(self.policy.label, self.subject, holds.kind, since),
                at=self.at,
                policy=self.policy.label,
                kind=holds.kind,
                concern=CONCERN_OF[holds.kind],
                subject=self.subject,
                severity=holds.severity,
                desk=rule.desk,
                since=since,
                signs=holds.signs,
                ruled_out=holds.ruled_out,
                paged=rings_first(self.policy.paging, holds.severity, self.at),
                ladder=self._ladder(holds),
                thresholds=self.policy.thresholds(holds.kind),
            )
        )

    def _attach(self, holds: Holds, *, ongoing: bool) -> None:
        alert = self.alert
        assert alert is not None  # noqa: S101 - `hold` looked
        again = holds.since_ms > self.told.get(holds.kind, -1)
        signs = holds.signs if again else tuple(sign for sign in holds.signs if sign.code not in alert.said)
        if ongoing and not signs:
            return
        since = from_ms(holds.since_ms)
        self._say(
            Attached(alert.id, self.at, holds.kind, since, signs, paged=again and self._calls_again(alert, holds))
        )

    def _calls_again(self, alert: Alert, holds: Holds) -> bool:
        """Whether a new occurrence inside an open incident rings. A call for help does when somebody has the first one:
        nobody came. Any other does unless its severity is about to rise, which rings by itself.
        """
        if holds.kind is Kind.SOS:
            return alert.owner is not None
        return not self._is_worse(holds) and self._pages_again(alert, holds)

    def _worsen(self, holds: Holds) -> None:
        alert, rule = self.alert, self.policy.rules.of(holds.kind)
        assert alert is not None  # noqa: S101 - `hold` looked
        self._say(
            SeverityRaised(
                alert=alert.id,
                at=self.at,
                kind=holds.kind,
                severity=holds.severity,
                sign=holds.signs[0],
                desk=rule.desk,
                paged=rings_first(self.policy.paging, holds.severity, self.at),
                ladder=self._ladder(holds),
                thresholds=self.policy.thresholds(holds.kind),
            )
        )

    def _reopen(self, holds: Holds) -> None:
        alert = self.alert
        assert alert is not None  # noqa: S101 - `hold` looked
        worse = self._is_worse(holds)
        owned = alert.owner is not None and not alert.resolved and not worse
        listed = holds.severity in self.policy.paging.list_first  # it rings for nobody yet: an owner has to hear of it
        severity = holds.severity if worse else alert.severity
        self._say(
            Reopened(
                alert=alert.id,
                at=self.at,
                kind=holds.kind,
                since=from_ms(holds.since_ms),
                severity=severity,
                signs=holds.signs,
                paged=self._pages_again(alert, holds),
                ladder=() if owned and not listed else self._ladder(holds, severity),
            )
        )

    def _pages_again(self, alert: Alert, holds: Holds) -> bool:
        """A repeat must not become a siren: it pages when critical, or when the last page is long enough ago."""
        if not rings_first(self.policy.paging, holds.severity, self.at):
            return False
        pause = timedelta(seconds=self.policy.paging.repage_s)
        return holds.severity is Severity.CRITICAL or alert.paged_at is None or self.at - alert.paged_at >= pause

    def _ladder(self, holds: Holds, incident: Severity | None = None) -> tuple[Due, ...]:
        rule = self.policy.rules.of(holds.kind)
        return ladder(self.policy.paging, rule, holds.severity, self.at, muted_as=incident)

    def _say(self, event: AlertEvent) -> None:
        self.events.append(event)
        self.alert = evolve(self.alert, event)

"""Paging: who is woken at once, what waits for the morning, and the ladder that is frozen when an alert is raised."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ancu.server.alerts.events import Due
from ancu.server.cases.policy import Paging, Rule
from ancu.server.ports import Severity

__all__ = ["is_quiet", "ladder", "pages_at", "quiet_end", "rings_first"]


def is_quiet(paging: Paging, at: datetime) -> bool:
    """Whether local time lies in the quiet hours, which may span midnight."""
    local = at.astimezone(ZoneInfo(paging.zone)).time()
    if paging.quiet_from <= paging.quiet_to:
        return paging.quiet_from <= local < paging.quiet_to
    return local >= paging.quiet_from or local < paging.quiet_to


def quiet_end(paging: Paging, at: datetime) -> datetime:
    """The end of the quiet hours that `at` lies in, or `at` itself."""
    if not is_quiet(paging, at):
        return at
    local = at.astimezone(ZoneInfo(paging.zone))
    end = local.replace(hour=paging.quiet_to.hour, minute=paging.quiet_to.minute, second=0, microsecond=0)
    return (end if end > local else end + timedelta(days=1)).astimezone(at.tzinfo)


def pages_at(paging: Paging, severity: Severity, at: datetime) -> bool:
    """Whether an alert of this severity may page now."""
    if severity in paging.never_pages:
        return False
    return severity not in paging.quiet_mutes or not is_quiet(paging, at)


def rings_first(paging: Paging, severity: Severity, at: datetime) -> bool:
    """Whether an alert of this severity rings when it is raised, and not only when its ladder steps."""
    return severity not in paging.list_first and pages_at(paging, severity, at)


def ladder(
    paging: Paging, rule: Rule, severity: Severity, at: datetime, *, muted_as: Severity | None = None
) -> tuple[Due, ...]:
    """The steps still to come. Muted severities begin, as level 0, when quiet hours end, and never step inside.

    `muted_as`: the severity of the incident, where what is said now is less.
    """
    muted = (muted_as or severity) in paging.quiet_mutes
    begins = quiet_end(paging, at) if muted else at
    rings = severity not in paging.never_pages and severity not in paging.list_first
    steps = [Due(0, begins)] if begins != at and rings else []
    for level, minutes in enumerate(rule.levels(severity), 1):
        due = begins + timedelta(minutes=minutes)
        steps.append(Due(level, quiet_end(paging, due) if muted else due))
    return tuple(steps)

"""Excuses: which authorised absences a person had about the time of an alert. What a page says was compared."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from ancu.models.clock import to_ms
from ancu.server.alerts.events import AlertEvent, Raised, Sign
from ancu.server.cases.absence import Absence
from ancu.server.cases.codes import Say
from ancu.server.exchange.store import absences_of
from ancu.server.ports import Signal
from ancu.server.projection import signal_of

__all__ = ["excuses"]

_NEAR_MS = 24 * 3_600_000  # an absence that was over a day before explains nothing


def excuses(connection: sqlite3.Connection, events: Iterable[AlertEvent]) -> list[Signal] | None:
    """Absences that ran while the episode began or was raised, and those over shortly before; none: there was none.

    Also what was granted afterwards: it explains the episode as well. None: the alert is of no single person, so that
    nobody's absences were looked at.
    """
    raised = next((event for event in events if isinstance(event, Raised)), None)
    if raised is None or raised.subject.person is None:
        return None
    since_ms, opened_ms = to_ms(raised.since), to_ms(raised.at)
    absences = sorted(absences_of(connection, raised.subject.person).values(), key=lambda a: (a.from_ms, a.id))
    signs = [sign for absence in absences if (sign := _sign(absence, since_ms, opened_ms)) is not None]
    return [signal_of(sign) for sign in signs]


def _sign(absence: Absence, since_ms: int, opened_ms: int) -> Sign | None:
    if absence.over_ms <= absence.from_ms or absence.from_ms > opened_ms:
        return None  # called off before it began, or still to come
    if absence.over_ms > since_ms:
        return absence.sign(Say.ABSENCE_RUNS, max(absence.from_ms, since_ms))
    if since_ms - absence.over_ms <= _NEAR_MS:
        return absence.sign(Say.ABSENCE_OVER, absence.over_ms)
    return None

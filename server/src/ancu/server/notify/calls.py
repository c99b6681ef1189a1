"""From an event of the journal to a call: what is told of it, and to whom it is noted."""

from __future__ import annotations

import base64
import dataclasses
import hashlib

from ancu.models.clock import from_ms
from ancu.server.alerts.alert import fold
from ancu.server.alerts.events import AlertEvent, Attached, Escalated, Raised, Reopened, SeverityRaised
from ancu.server.core import Transaction
from ancu.server.notify.pacing import Note
from ancu.server.notify.routing import Call
from ancu.server.projection import events_of

__all__ = ["call_of", "id_of", "note_of", "pages", "raised_to"]


def pages(event: AlertEvent) -> bool:
    return isinstance(event, Raised | Attached | SeverityRaised | Reopened | Escalated) and event.paged


def call_of(tx: Transaction, position: int, event: AlertEvent) -> Call | None:
    """The call of an event that pages, with the alert as that event left it."""
    alert = fold(each for at, each in events_of(tx.store, event.alert) if at <= position)
    if alert is None:
        return None
    escalated = isinstance(event, Escalated)
    return Call(
        position=position,
        alert=alert.id,
        kind=alert.kind,
        severity=alert.severity,
        desk=alert.desk,
        ward=alert.subject.ward,
        level=event.level if isinstance(event, Escalated) else 0,
        last=escalated and not alert.ladder,
        owner=alert.owner,
    )


def raised_to(call: Call, level: int) -> Call:
    return dataclasses.replace(call, level=level)


def note_of(call: Call, officer: str, level: int, now_ms: int) -> Note:
    return Note(0, call.position, officer, call.alert, call.kind, call.severity, call.ward, level, from_ms(now_ms))


def id_of(*parts: str) -> str:
    """An id that follows from what it names. 26 characters."""
    return base64.b32encode(hashlib.sha256("|".join(parts).encode()).digest()[:16]).decode().lower().rstrip("=")

"""What the desk lists, made from the journal's events inside the transaction that holds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ancu.models.clock import to_ms
from ancu.server.adapters.store import Store
from ancu.server.adapters.store_journal import Record, Stored
from ancu.server.alerts.alert import Alert, fold
from ancu.server.alerts.events import (
    AlertEvent,
    Attached,
    Cleared,
    Escalated,
    Raised,
    Reopened,
    SeverityRaised,
    Sign,
    Snoozed,
    pack,
    unpack,
)
from ancu.server.optional import moment_ms
from ancu.server.ports import Signal, Step

__all__ = [
    "STREAM",
    "alert_of",
    "events_of",
    "leading_sign",
    "level_of",
    "project",
    "record_of",
    "signal_of",
    "steps_of",
]

STREAM = "alert"  # the journal's stream of alert events; subject: the alert's id
_CODES = {"attached": "evidence"}
_SKIPPED = frozenset({"alert", "at", "sign", "signs", "ladder", "thresholds", "type"})

_UPSERT = """
INSERT INTO alerts (id, kind, severity, state, ward, subject, person, opened_ms, updated_ms, ended_ms, acknowledged_by,
    outcome, policy, why, position, snoozed_ms, level)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
ON CONFLICT (id) DO UPDATE SET kind = ?2, severity = ?3, state = ?4, updated_ms = ?9, ended_ms = ?10,
    acknowledged_by = ?11, outcome = ?12, why = ?14, position = ?15,
    snoozed_ms = ?16, level = ?17
"""


def record_of(event: AlertEvent) -> Record:
    """An event as the journal keeps it."""
    return Record(to_ms(event.at), STREAM, event.alert, pack(event))


def events_of(store: Store, alert: str) -> list[tuple[int, AlertEvent]]:
    """The events of an alert with their positions, in order."""
    return [(stored.position, unpack(stored.record.body)) for stored in store.records_after(0, STREAM, alert)]


def alert_of(events: Iterable[tuple[int, AlertEvent]]) -> Alert | None:
    return fold(event for _, event in events)


def project(store: Store, stored: Sequence[Stored]) -> None:
    """Write the row of every alert that these records are about."""
    for alert_id in dict.fromkeys(s.record.subject for s in stored if s.record.stream == STREAM):
        events = events_of(store, alert_id)
        alert = alert_of(events)
        if alert is not None:
            store.connection.execute(_UPSERT, _row(alert, events))


def leading_sign(events: Iterable[tuple[int, AlertEvent]]) -> Sign:
    """The sign that leads the incident as it stands: why it was raised, or what made it worse."""
    sign: Sign | None = None
    for _, event in events:
        match event:
            case Raised() | Reopened() if event.signs:
                sign = event.signs[0]
            case SeverityRaised():
                sign = event.sign
    assert sign is not None  # noqa: S101 - an alert begins with its Raised, which has one
    return sign


def level_of(events: Iterable[tuple[int, AlertEvent]]) -> int:
    """How far it was passed on since it was raised, or raised again."""
    level = 0
    for _, event in events:
        match event:
            case Raised() | Reopened():
                level = 0
            case Escalated():
                level = max(level, event.level)
    return level


def signal_of(sign: Sign) -> Signal:
    return Signal(str(sign.code), sign.at, dict(sign.values), sign.late)


def steps_of(events: Iterable[tuple[int, AlertEvent]]) -> list[Step]:
    """The timeline: a step an event, and a step a sign where evidence was attached."""
    steps: list[Step] = []
    for position, event in events:
        plain: dict[str, Any] = msgspec.structs.asdict(event)
        values = {name: value for name, value in plain.items() if name not in _SKIPPED}
        by = values.pop("by", None)
        tag = str(event.__struct_config__.tag)
        code = _CODES.get(tag, tag)
        if isinstance(event, Attached):
            for sign in event.signs or (None,):
                more = {"sign": str(sign.code)} if sign else {}
                steps.append(Step(position, event.at, code, by, {**_plain(values), **more}))
            continue
        if isinstance(event, Snoozed) and event.until <= event.at:
            code = "woken"
        if isinstance(event, Cleared | SeverityRaised):
            values["sign"] = str(event.sign.code)
        steps.append(Step(position, event.at, code, by, _plain(values)))
    return steps


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Only what a timeline says: no structures inside."""
    renamed = {"until": "until_at", "since": "since_at"}
    return {
        renamed.get(name, name): value
        for name, value in values.items()
        if value is None or isinstance(value, str | int | float | bool) or hasattr(value, "tzinfo")
    }


def _row(alert: Alert, events: Sequence[tuple[int, AlertEvent]]) -> tuple[Any, ...]:
    return (
        alert.id,
        str(alert.kind),
        str(alert.severity),
        str(alert.state),
        alert.subject.ward,
        alert.subject.id,
        alert.subject.person,
        to_ms(alert.opened_at),
        to_ms(alert.updated_at),
        moment_ms(alert.ended_at),
        alert.owner,
        None if alert.outcome is None else str(alert.outcome),
        alert.policy,
        msgspec.msgpack.encode(leading_sign(events)),
        events[-1][0],
        moment_ms(alert.snoozed_until),
        level_of(events),
    )

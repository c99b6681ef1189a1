"""Rows of the store as the desk shows them, whoever looks: they were read within his scope."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeVar

import msgspec

from ancu.models.clock import from_ms
from ancu.server.alerts.events import Sign
from ancu.server.desk.people import Directory
from ancu.server.people.errors import Absent
from ancu.server.people.private import Private
from ancu.server.ports import AlertRow, AlertState, CallCard, NotFound, Outcome, Severity, Signal, Viewer
from ancu.server.projection import signal_of
from ancu.server.scope import EVERYTHING, Scope

__all__ = ["alert_row", "calls_of", "label_of", "or_none", "seen_row"]

T = TypeVar("T")


def seen_row(connection: sqlite3.Connection, viewer: Viewer, alert: str) -> sqlite3.Row:
    """The row of an alert that a viewer may see; raises NotFound."""
    scope = Scope.of(viewer)
    row: sqlite3.Row | None = connection.execute(
        f"SELECT * FROM {scope.view('alerts')} WHERE id = :id",  # noqa: S608 - our own words; values are bound
        scope.values | {"id": alert},
    ).fetchone()
    if row is None:
        raise NotFound(f"no alert {alert!r}")
    return row


def alert_row(connection: sqlite3.Connection, directory: Directory, row: sqlite3.Row) -> AlertRow:
    """The same for every viewer."""
    why: Signal = signal_of(msgspec.msgpack.decode(row["why"], type=Sign))
    return AlertRow(
        id=row["id"],
        kind=row["kind"],
        severity=Severity(row["severity"]),
        state=AlertState(row["state"]),
        ward=row["ward"],
        subject=row["subject"],
        subject_label=_subject_label(connection, directory, row),
        person=row["person"],
        opened_at=from_ms(row["opened_ms"]),
        updated_at=from_ms(row["updated_ms"]),
        ended_at=None if row["ended_ms"] is None else from_ms(row["ended_ms"]),
        acknowledged_by=row["acknowledged_by"],
        outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
        policy=row["policy"],
        why=why,
        position=row["position"],
        snoozed_until=None if row["snoozed_ms"] is None else from_ms(row["snoozed_ms"]),
        level=row["level"],
    )


def label_of(connection: sqlite3.Connection, scope: Scope, person: str) -> str:
    """What an officer reads of a person; the id where he was erased."""
    return or_none(Private(connection, scope).label, person) or person


def calls_of(connection: sqlite3.Connection, scope: Scope, person: str | None) -> list[CallCard]:
    return [] if person is None else or_none(Private(connection, scope).calls, person) or []


def or_none(ask: Callable[[str], T], person: str) -> T | None:
    try:
        return ask(person)
    except Absent:  # erased since
        return None


def _subject_label(connection: sqlite3.Connection, directory: Directory, row: sqlite3.Row) -> str:
    subject: str = row["subject"]
    if row["person"] == subject:
        return label_of(connection, EVERYTHING, subject)
    for (edge, camera), record in directory.register.cameras.items():
        if f"{edge}/{camera}" == subject:
            return record.label
    ward = directory.register.wards.get(row["ward"])
    return f"{subject} · {ward.name}" if ward else subject

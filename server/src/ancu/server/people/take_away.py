"""What is stored of one person, row by row, for that person."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from ancu.server.optional import moment

__all__ = ["rows_of"]

_TABLES = {  # name of the part: the query; no column says which officer wrote a row, for that is in the log of accesses
    "identity": "SELECT name, phone, address, lat, lon FROM person_private WHERE person = ?",
    "contacts": "SELECT name, phone, relation FROM guardians WHERE person = ? ORDER BY position",
    "orders": (
        "SELECT id, from_ms, until_ms, reason, ended_ms, end_reason FROM orders WHERE person = ? ORDER BY from_ms"
    ),
    "declarations": "SELECT at_ms, symptoms, body_deci_c FROM declarations WHERE person = ? ORDER BY at_ms",
    "checkins": (
        "SELECT c.at_ms, (SELECT min(a.at_ms) FROM checkin_answers a WHERE a.checkin = c.id) AS answered_ms"
        " FROM checkins c WHERE person = ? ORDER BY c.at_ms"
    ),
    "absences": "SELECT at_ms, from_ms, until_ms, reason, ended_ms FROM absences WHERE person = ? ORDER BY at_ms",
    "requests": (
        "SELECT id, at_ms, kind, about, note, from_ms, until_ms, due_ms, accepted, reply, decided_ms"
        " FROM asks WHERE person = ? ORDER BY at_ms"
    ),
    "test_results": (
        "SELECT at_ms, taken_ms, result, action, why, until_ms, policy, accepted, decided_ms"
        " FROM test_results WHERE person = ? ORDER BY at_ms"
    ),
    "vaccinations": "SELECT at_ms, given_ms, vaccine, dose FROM vaccinations WHERE person = ? ORDER BY given_ms",
    "checkpoint_scans": "SELECT at_ms, checkpoint FROM checkpoint_scans WHERE person = ? ORDER BY at_ms",
    "visits": "SELECT kind, at_ms, met, condition, note FROM visits WHERE person = ? ORDER BY at_ms",
    "accesses": "SELECT at_ms, viewer, role, what FROM accesses WHERE person = ? ORDER BY at_ms",
}


def rows_of(connection: sqlite3.Connection, person: str) -> dict[str, list[dict[str, Any]]]:
    """Every part by name; times as datetimes under names that end in `_at`."""
    return {part: [_plain(row) for row in connection.execute(query, (person,))] for part, query in _TABLES.items()}


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name in row.keys():  # noqa: SIM118 - a row iterates over values
        value = row[name]
        if name.endswith("_ms"):
            told[name.removesuffix("_ms") + "_at"] = moment(value)
        elif name == "symptoms":
            told[name] = json.loads(value)
        else:
            told[name] = value
    return told

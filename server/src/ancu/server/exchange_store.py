"""Check-ins and absences as the tables of the exchange hold them, in the words of the judge."""

from __future__ import annotations

import json
import sqlite3

from ancu.server.cases.absence import Absence
from ancu.server.cases.checkin import Checkin, CheckinState, checkin_state
from ancu.server.cases.policy import Policy
from ancu.server.optional import truth

__all__ = ["absences_of", "checkin_of", "last_checkin", "state_of", "window_of"]


def absences_of(db: sqlite3.Connection, person: str) -> dict[str, Absence]:
    """By id."""
    rows = db.execute("SELECT * FROM absences WHERE person = ?", (person,))
    return {row["id"]: window_of(row) for row in rows}


def window_of(row: sqlite3.Row) -> Absence:
    """Of a row of `absences`."""
    checkpoints = tuple(json.loads(row["checkpoints"]))
    return Absence(row["id"], row["from_ms"], row["until_ms"], checkpoints, row["ended_ms"] or 0)


def checkin_of(db: sqlite3.Connection, row: sqlite3.Row) -> Checkin:
    """The check-in as its answers left it."""
    checkin = Checkin(row["id"], row["at_ms"])
    for a in db.execute("SELECT * FROM checkin_answers WHERE checkin = ? ORDER BY at_ms, rowid", (row["id"],)):
        checkin = checkin.answered(a["at_ms"], face=truth(a["face"]), place=truth(a["place"]))
    return checkin


def last_checkin(db: sqlite3.Connection, person: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM checkins WHERE person = ? ORDER BY at_ms DESC LIMIT 1", (person,)
    ).fetchone()
    return row


def state_of(db: sqlite3.Connection, row: sqlite3.Row, at_ms: int, policy: Policy) -> CheckinState:
    """Of a row of `checkins` at a time."""
    return checkin_state(checkin_of(db, row), absences_of(db, row["person"]), at_ms, policy)

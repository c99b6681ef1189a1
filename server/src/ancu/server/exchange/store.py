"""Check-ins and absences as the tables of the exchange hold them, in the words of the judge."""

from __future__ import annotations

import json
import sqlite3

from ancu.models.clock import to_ms
from ancu.server.cases.absence import Absence
from ancu.server.cases.checkin import Checkin, CheckinState, checkin_state
from ancu.server.cases.policy import Policy
from ancu.server.optional import truth
from ancu.server.people.records import OrderRecord

__all__ = [
    "absences_of",
    "answer_ask",
    "checkin_of",
    "decide_result",
    "end_absence",
    "last_checkin",
    "open_asks",
    "state_of",
    "symptoms_before",
    "window_of",
]


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


def end_absence(db: sqlite3.Connection, absence: str, at_ms: int, by: str) -> None:
    db.execute("UPDATE absences SET ended_ms = ?, ended_by = ? WHERE id = ?", (at_ms, by, absence))


def decide_result(db: sqlite3.Connection, result: str, at_ms: int, by: str, *, accept: bool) -> None:
    db.execute(
        "UPDATE test_results SET accepted = ?, decided_ms = ?, decided_by = ? WHERE id = ?", (accept, at_ms, by, result)
    )


def answer_ask(  # noqa: PLR0917 - what a reply is
    db: sqlite3.Connection, ask: str, at_ms: int, by: str, reply: str, absence: str | None, *, accept: bool
) -> None:
    db.execute(
        "UPDATE asks SET accepted = ?, reply = ?, decided_ms = ?, decided_by = ?, absence = ? WHERE id = ?",
        (accept, reply, at_ms, by, absence, ask),
    )


def open_asks(db: sqlite3.Connection, person: str) -> int:
    """How many wait for a reply."""
    query = "SELECT count(*) FROM asks WHERE person = ? AND decided_ms IS NULL"
    found: int = db.execute(query, (person,)).fetchone()[0]
    return found


def symptoms_before(connection: sqlite3.Connection, order: OrderRecord) -> list[str]:
    """What was declared last under this order."""
    row = connection.execute(
        "SELECT symptoms FROM declarations WHERE person = ? AND at_ms >= ? ORDER BY at_ms DESC, rowid DESC LIMIT 1",
        (order.person, to_ms(order.starts_at)),
    ).fetchone()
    return [] if row is None else [str(symptom) for symptom in json.loads(row["symptoms"])]

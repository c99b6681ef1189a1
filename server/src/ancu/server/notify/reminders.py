"""Reminders: a check-in that was asked, and one that still waits, told to the person's own telephone.

Runs inside transactions beside the engine; the same notifiers carry the messages. What was answered meanwhile is
withdrawn, and nothing is sent once the time to answer is over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from zoneinfo import ZoneInfo

from ancu.models.clock import from_ms
from ancu.server.cases.policy import Policy
from ancu.server.core import Transaction
from ancu.server.exchange.store import state_of
from ancu.server.notify.port import Due, Message, Receipt, Refused, State, Unreachable
from ancu.server.notify.receipts import Said
from ancu.server.notify.retry import Backoff
from ancu.server.notify.words import Writer
from ancu.server.people.errors import Absent
from ancu.server.people.private import Private
from ancu.server.scope import EVERYTHING

__all__ = ["Reminders"]

_LOOK_BACK_MS = 2 * 3_600_000  # no check-in waits longer
_LOOK_EVERY_MS = 5_000
_DUE = 32
_WAITS = frozenset({"asked", "reminded", "again"})


class Reminders:
    """`channels`: those of the configured ones that reach people by a telephone number, in order."""

    def __init__(
        self, channels: tuple[str, ...], writer: Writer, backoff: Backoff, chance: Callable[[], float]
    ) -> None:
        self._channels, self._writer, self._backoff, self._chance = channels, writer, backoff, chance
        self._looked_ms: int | None = None
        self._waits = False

    def step(self, tx: Transaction) -> tuple[list[Due], int | None]:
        """Messages to send now, and when to look again."""
        if not self._channels:
            return [], None
        if self._looked_ms is None or not 0 <= tx.now_ms - self._looked_ms < _LOOK_EVERY_MS:
            self._waits = self._look(tx)
            self._looked_ms = tx.now_ms
        due = [found for row in _rows_due(tx) if (found := self._due(tx, row)) is not None]
        return due, tx.now_ms + _LOOK_EVERY_MS if self._waits else _next_ms(tx)

    def settle(self, tx: Transaction, message: str, result: Receipt | Refused | Unreachable) -> None:
        """What a try came to."""
        row = tx.store.connection.execute("SELECT * FROM person_messages WHERE id = ?", (message,)).fetchone()
        if row is None or row["state"] == State.DELIVERED:
            return
        tries = row["tries"] + 1
        match result:
            case Receipt():
                _change(tx, message, result.state, tries=tries, reference=result.reference)
            case Refused():
                _change(tx, message, State.DEAD, tries=tries, why=result.why)
            case Unreachable():
                wait_s = self._backoff.delay_s(tries, self._chance(), result.retry_after_s)
                next_ms = tx.now_ms + int(wait_s * 1000)
                over = next_ms >= row["until_ms"]
                _change(
                    tx,
                    message,
                    State.DEAD if over else State.FAILED,
                    tries=tries,
                    why=result.why,
                    next_ms=None if over else next_ms,
                )

    def told(self, tx: Transaction, channel: str, said: Said) -> bool:
        """What a provider says later; False: none of ours."""
        row = tx.store.connection.execute(
            "SELECT id, state FROM person_messages WHERE channel = ? AND reference = ?", (channel, said.reference)
        ).fetchone()
        if row is not None and row["state"] == State.SENT:
            _change(tx, row["id"], State.DELIVERED if said.delivered else State.DEAD, why=said.why)
        return row is not None

    def _look(self, tx: Transaction) -> bool:
        """Write messages for check-ins that wait; whether any does."""
        db, waits = tx.store.connection, False
        rows = db.execute(
            "SELECT c.*, p.ward FROM checkins c JOIN persons p ON p.id = c.person WHERE c.at_ms > ? AND c.at_ms <= ?",
            (tx.now_ms - _LOOK_BACK_MS, tx.now_ms),
        ).fetchall()
        for row in rows:
            policy = tx.memory.judging.policy(row["ward"])
            if state_of(db, row, tx.now_ms, policy) not in _WAITS:
                _withdraw(tx, row["id"])
                continue
            waits = True
            rule = policy.rules.checkin_missed
            reminds = tx.now_ms >= row["at_ms"] + rule.reminder_after_s * 1000
            until_ms = row["at_ms"] + rule.opens_after_s * 1000
            for channel in self._channels:
                _write(tx, row, "reminder" if reminds else "asked", channel, until_ms)
        return waits

    def _due(self, tx: Transaction, row: sqlite3.Row) -> Due | None:
        number = _number(tx, row["person"])
        if row["until_ms"] <= tx.now_ms or number is None or row["channel"] not in self._channels:
            _change(tx, row["id"], State.DEAD, why="no number" if number is None else "too late")
            return None
        return Due(row["id"], row["channel"], number, self._message(tx, row))

    def _message(self, tx: Transaction, row: sqlite3.Row) -> Message:
        policy: Policy = tx.memory.judging.policy(row["ward"])
        until = from_ms(row["until_ms"]).astimezone(ZoneInfo(policy.paging.zone))
        return self._writer.checkin(row["id"], from_ms(row["made_ms"]), row["what"], f"{until:%H:%M}")


def _write(tx: Transaction, row: sqlite3.Row, what: str, channel: str, until_ms: int) -> None:
    if what == "reminder":  # it says all that the first one would
        _withdraw(tx, row["id"], "asked")
    tx.store.connection.execute(
        "INSERT OR IGNORE INTO person_messages (id, person, checkin, what, channel, state, made_ms, until_ms, next_ms)"
        " VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?)",
        (f"{row['id']}-{what}-{channel}", row["person"], row["id"], what, channel, tx.now_ms, until_ms, tx.now_ms),
    )


def _withdraw(tx: Transaction, checkin: str, what: str | None = None) -> None:
    tx.store.connection.execute(
        "UPDATE person_messages SET state = 'withdrawn', next_ms = NULL, why = 'answered or over'"
        " WHERE checkin = ?1 AND state IN ('queued', 'failed') AND (?2 IS NULL OR what = ?2)",
        (checkin, what),
    )


def _change(
    tx: Transaction,
    message: str,
    state: State,
    *,
    tries: int | None = None,
    why: str = "",
    next_ms: int | None = None,
    reference: str | None = None,
) -> None:
    tx.store.connection.execute(
        "UPDATE person_messages SET state = ?2, tries = coalesce(?3, tries), why = ?4, next_ms = ?5,"
        " reference = coalesce(?6, reference) WHERE id = ?1",
        (message, state, tries, why, next_ms, reference),
    )


def _rows_due(tx: Transaction) -> list[sqlite3.Row]:
    return tx.store.connection.execute(
        "SELECT m.*, p.ward FROM person_messages m JOIN persons p ON p.id = m.person"
        " WHERE m.next_ms <= ? ORDER BY m.next_ms, m.id LIMIT ?",
        (tx.now_ms, _DUE),
    ).fetchall()


def _next_ms(tx: Transaction) -> int | None:
    row = tx.store.connection.execute(
        "SELECT min(next_ms) FROM person_messages WHERE next_ms > ?", (tx.now_ms,)
    ).fetchone()
    return None if row[0] is None else int(row[0])


def _number(tx: Transaction, person: str) -> str | None:
    """The person's own telephone, else the first guardian's."""
    try:
        calls = Private(tx.store.connection, EVERYTHING).calls(person)
    except Absent:  # erased since
        return None
    return next((call.phone for call in calls if call.phone), None)

"""The ledger: changes to the register, each with its line in a hash-chained log, both in one transaction."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ancu.models.clock import Clock, SystemClock, from_ms, to_ms

__all__ = ["GENESIS", "Entry", "Ledger"]

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log: who did what to which id, when. No names, no secrets."""

    position: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


class Ledger:
    """One actor's hand on the register's connection."""

    def __init__(self, connection: sqlite3.Connection, actor: str, clock: Clock | None = None) -> None:
        self.connection = connection
        self.actor = actor
        self.clock = clock or SystemClock()

    def now_ms(self) -> int:
        return to_ms(self.clock.now())

    @contextmanager
    def together(self) -> Iterator[sqlite3.Connection]:
        """Make several changes or none. Joins a transaction that the caller holds open."""
        connection = self.connection
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    @contextmanager
    def change(self, action: str, subject: str, **detail: str | int | list[str] | None) -> Iterator[sqlite3.Connection]:
        """Make one change and its line in the log, both or neither."""
        with self.together() as connection:
            yield connection
            self._append(action, subject, detail)

    def entries(self, after: int = 0, limit: int = 100) -> list[Entry]:
        """Lines of the log in order."""
        rows = self.connection.execute(
            "SELECT * FROM admin_log WHERE position > ? ORDER BY position LIMIT ?", (after, limit)
        )
        return [
            Entry(r["position"], from_ms(r["at_ms"]), r["actor"], r["action"], r["subject"], json.loads(r["detail"]))
            for r in rows
        ]

    def verify(self) -> int | None:
        """The first position at which the log was changed, lost or added to; None if it is whole."""
        expected, previous = 1, GENESIS
        for row in self.connection.execute("SELECT * FROM admin_log ORDER BY position"):
            if row["position"] != expected or row["prev_hash"] != previous or row["hash"] != _hash_of(row, previous):
                return expected
            expected, previous = expected + 1, row["hash"]
        return None

    def _append(self, action: str, subject: str, detail: Mapping[str, Any]) -> None:
        last = self.connection.execute("SELECT position, hash FROM admin_log ORDER BY position DESC LIMIT 1").fetchone()
        row: dict[str, Any] = {
            "position": last["position"] + 1 if last else 1,
            "at_ms": self.now_ms(),
            "actor": self.actor,
            "action": action,
            "subject": subject,
            "detail": json.dumps(detail, ensure_ascii=False, sort_keys=True),
        }
        previous = last["hash"] if last else GENESIS
        self.connection.execute(
            "INSERT INTO admin_log (position, at_ms, actor, action, subject, detail, prev_hash, hash)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*row.values(), previous, _hash_of(row, previous)),
        )


def _hash_of(row: Mapping[str, Any] | sqlite3.Row, previous: str) -> str:
    fields = [row[name] for name in ("position", "at_ms", "actor", "action", "subject", "detail")]
    return hashlib.sha256(json.dumps([previous, *fields], ensure_ascii=False).encode()).hexdigest()

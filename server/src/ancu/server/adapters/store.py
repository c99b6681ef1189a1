"""The store of the core: inbox, watermarks, counters, snapshots, what was put aside. One connection, one thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ancu.models.ids import EdgeId
from ancu.models.topics import Lane
from ancu.server.adapters import store_journal as journal
from ancu.server.adapters.store_journal import Record, Stored
from ancu.server.ingest.pipeline import INTERNAL, Aside, Mark
from ancu.server.ingest.rows import Row

__all__ = ["Saved", "Store", "rows_after"]

_ASIDE_ROWS = 256  # bounds what a hostile sender can make us keep
_ASIDE_BYTES = 2048
_ROW_COLUMNS = "received_ms, ward, edge, gateway, lane, epoch, first, count, readings, facts"


@dataclass(frozen=True, slots=True)
class Saved:
    """Memory as of a position of the inbox and of the journal."""

    inbox: int
    journal: int
    body: bytes


class Store:
    """Reads and writes in the words of ingest; transactions are the caller's, through `transaction`."""

    def __init__(self, connection: sqlite3.Connection, audit_key: bytes) -> None:
        self.connection = connection
        self._key = audit_key
        with self.transaction():
            journal.begin(connection, audit_key)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is committed together, or nothing is."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:  # SQLite itself may have rolled back, when the disk is full
                self.connection.execute("ROLLBACK")
            raise

    def add_rows(self, rows: Sequence[Row]) -> int:
        """Append to the inbox; returns the position of the last row."""
        self.connection.executemany(
            f"INSERT INTO inbox ({_ROW_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own names
            [
                (r.received_ms, r.ward, r.edge, r.gateway, r.lane, r.epoch, r.first, r.count, r.readings, r.facts)
                for r in rows
            ],
        )
        return self.last_row()

    def last_row(self) -> int:
        return int(self.connection.execute("SELECT coalesce(max(position), 0) FROM inbox").fetchone()[0])

    def rows_after(self, position: int, limit: int = -1) -> Iterator[tuple[int, Row]]:
        """Rows of the inbox after a position, in order."""
        return rows_after(self.connection, position, limit)

    def marks(self) -> dict[Mark, int]:
        """Every watermark."""
        rows = self.connection.execute("SELECT edge, epoch, lane, upto FROM watermarks")
        return {(EdgeId(r["edge"]), r["epoch"], Lane(r["lane"])): r["upto"] for r in rows}

    def set_marks(self, marks: Mapping[Mark, int], lost: Mapping[Mark, int]) -> None:
        self.connection.executemany(
            "INSERT INTO watermarks (edge, epoch, lane, upto, dropped) VALUES (?1, ?2, ?3, ?4, ?5)"
            " ON CONFLICT (edge, epoch, lane) DO UPDATE SET upto = ?4, dropped = dropped + ?5",
            [(*mark, upto, lost.get(mark, 0)) for mark, upto in marks.items()],
        )

    def append(self, records: Sequence[Record]) -> list[int]:
        """Append to the journal; returns the positions."""
        return journal.append(self.connection, self._key, records)

    def records_after(self, position: int, stream: str | None = None, subject: str | None = None) -> Iterator[Stored]:
        return journal.records_after(self.connection, position, stream=stream, subject=subject)

    def last_record(self) -> int:
        return int(self.connection.execute("SELECT coalesce(max(position), 0) FROM journal").fetchone()[0])

    def count(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Add to the counters."""
        self.connection.executemany(
            "INSERT INTO counters (name, label, count) VALUES (?1, ?2, ?3)"
            " ON CONFLICT (name, label) DO UPDATE SET count = count + ?3",
            [(name, label, count) for (name, label), count in counts.items() if count],
        )

    def counters(self) -> dict[tuple[str, str], int]:
        return {(r["name"], r["label"]): r["count"] for r in self.connection.execute("SELECT * FROM counters")}

    def put_aside(self, bodies: Iterable[Aside], at_ms: int) -> None:
        """Keep the beginning of bodies that cannot be read, all of those that we failed on; the oldest make room."""
        self.connection.executemany(
            "INSERT INTO aside (at_ms, source, reason, size, body) VALUES (?, ?, ?, ?, ?)",
            [
                (
                    at_ms,
                    a.source[:128],
                    a.reason,
                    len(a.body),
                    a.body if a.reason == INTERNAL else a.body[:_ASIDE_BYTES],
                )
                for a in bodies
            ],
        )
        self.connection.execute(
            "DELETE FROM aside WHERE position <= (SELECT max(position) FROM aside) - ?", (_ASIDE_ROWS,)
        )

    def save(self, saved: Saved, at_ms: int) -> None:
        self.connection.execute(
            "INSERT OR REPLACE INTO snapshots (name, inbox, journal, at_ms, body) VALUES ('core', ?, ?, ?, ?)",
            (saved.inbox, saved.journal, at_ms, saved.body),
        )

    def saved(self) -> Saved | None:
        row = self.connection.execute("SELECT inbox, journal, body FROM snapshots WHERE name = 'core'").fetchone()
        return None if row is None else Saved(row["inbox"], row["journal"], row["body"])


def rows_after(connection: sqlite3.Connection, position: int, limit: int = -1) -> Iterator[tuple[int, Row]]:
    """Rows of an inbox after a position, in order; no limit below zero."""
    rows = connection.execute(
        f"SELECT position, {_ROW_COLUMNS} FROM inbox WHERE position > ? ORDER BY position LIMIT ?",  # noqa: S608 - our own names
        (position, limit),
    )
    for r in rows:
        yield (
            r["position"],
            Row(
                r["received_ms"],
                r["ward"],
                EdgeId(r["edge"]),
                r["gateway"],
                r["lane"],
                r["epoch"],
                r["first"],
                r["count"],
                r["readings"],
                r["facts"],
            ),
        )

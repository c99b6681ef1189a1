"""The spool: bodies on disk until the server confirms them. SQLite, WAL, FULL; one transaction a call; one thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ancu.gateway.relay import Item, Key
from ancu.models.box_file import connect, open_or_begin
from ancu.models.ids import EdgeId, WardCode
from ancu.models.topics import Lane

__all__ = ["Aside", "Spool"]


_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS bodies (
        edge TEXT NOT NULL, lane INTEGER NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL,
        ward TEXT NOT NULL, count INTEGER NOT NULL, received_ms INTEGER NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (edge, lane, epoch, first)
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS refused (
        id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, topic TEXT NOT NULL, reason TEXT NOT NULL,
        size INTEGER NOT NULL, head BLOB NOT NULL
    )""",
)
_KEY = "edge = ? AND lane = ? AND epoch = ? AND first = ?"
ASIDE_BYTES = 1024  # of a refused body: enough to see what it was
WAL_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Aside:
    """A refused body, kept for whoever looks into it."""

    at_ms: int
    topic: str
    reason: str
    body: bytes


class Spool:
    """A file of bodies. sqlite3.Error leaves it as it was; `reopen` mends it."""

    def __init__(self, path: Path, *, refused: int) -> None:
        self._path = path
        self._refused = refused
        self._connection = open_or_begin(path, _prepare)

    def items(self) -> list[Item]:
        """What is held, in order of sequence."""
        rows = self._connection.execute(
            "SELECT edge, lane, epoch, first, ward, count, length(body), received_ms FROM bodies ORDER BY first"
        )
        return [
            Item(Key(EdgeId(edge), Lane(lane), epoch, first), WardCode(ward), count, size, received_ms)
            for edge, lane, epoch, first, ward, count, size, received_ms in rows
        ]

    def write(
        self, bodies: Sequence[tuple[Item, bytes]], gone: Collection[Key] = (), aside: Sequence[Aside] = ()
    ) -> None:
        """Forget, then keep, then put aside: all or none."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany(f"DELETE FROM bodies WHERE {_KEY}", [_row(key) for key in gone])  # noqa: S608
            self._connection.executemany(
                "INSERT OR REPLACE INTO bodies VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(*_row(item.key), item.ward, item.count, item.received_ms, body) for item, body in bodies],
            )
            if aside:
                self._put_aside(aside)
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def read(self, keys: Sequence[Key]) -> list[bytes | None]:
        """Bodies by key; None for one that is gone."""
        bodies = []
        for key in keys:
            row = self._connection.execute(f"SELECT body FROM bodies WHERE {_KEY}", _row(key)).fetchone()  # noqa: S608
            bodies.append(None if row is None else bytes(row[0]))
        return bodies

    def refused(self) -> list[Aside]:
        """The newest refused bodies, as far as they are kept."""
        rows = self._connection.execute("SELECT at_ms, topic, reason, head FROM refused ORDER BY id")
        return [Aside(*row) for row in rows]

    def reopen(self) -> None:
        """Open the file again after an I/O error."""
        self._connection.close()
        self._connection = _connect(self._path)

    def close(self) -> None:
        self._connection.close()

    def _put_aside(self, aside: Sequence[Aside]) -> None:
        self._connection.executemany(
            "INSERT INTO refused (at_ms, topic, reason, size, head) VALUES (?, ?, ?, ?, ?)",
            [(a.at_ms, a.topic[:256], a.reason, len(a.body), a.body[:ASIDE_BYTES]) for a in aside],
        )
        self._connection.execute("DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - ?", (self._refused,))


def _row(key: Key) -> tuple[str, int, int, int]:
    return key.edge, key.lane, key.epoch, key.first


def _prepare(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    for statement in _SCHEMA:
        connection.execute(statement)
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    return connect(path, wal_bytes=WAL_BYTES, cache_kib=2048)

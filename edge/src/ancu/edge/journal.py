"""The journal: every record on disk before it is sent, and until the server has confirmed it.

SQLite in WAL with FULL synchronisation (NORMAL lost data in power cuts). Three lanes, each with a sequence that starts
at 1 within an epoch; the epoch is drawn when the file is made. Not for several threads at once: see `recorder.py`.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from ancu.edge.uplink import Held
from ancu.models.box_file import connect, open_or_begin
from ancu.models.topics import Lane

__all__ = ["Journal"]

log = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS journal (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS lanes (
    lane INTEGER PRIMARY KEY, base INTEGER NOT NULL, next INTEGER NOT NULL, dropped INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS records (
    lane INTEGER NOT NULL, sequence INTEGER NOT NULL, blob BLOB NOT NULL, PRIMARY KEY (lane, sequence)
) WITHOUT ROWID;
"""
WAL_BYTES = 4 * 1024 * 1024  # kept between checkpoints; a box has a small disk
RESERVE_BYTES = 512 * 1024  # some thousand alarms, and the pages that a commit of one touches
_SHED_FIRST = (Lane.BULK, Lane.STATE)  # an alarm is never given up for want of room


class Journal:
    """A file of records. Every call is one transaction; sqlite3.Error leaves it as it was, and `reopen` mends it."""

    def __init__(self, path: Path, *, cap_records: int) -> None:
        self._path = path
        self._reserve_path = path.with_name(f"{path.name}.reserve")
        self._cap = cap_records
        self._epoch = 0
        self._held: Mapping[Lane, Held] = {}
        self._dropped: Mapping[Lane, int] = {}
        self._connection = open_or_begin(path, _prepare)
        self._load()

    @property
    def epoch(self) -> int:
        return self._epoch

    @property
    def held(self) -> Mapping[Lane, Held]:
        """What each lane holds; base == next when it is empty."""
        return self._held

    @property
    def dropped(self) -> Mapping[Lane, int]:
        """Records given up for want of room since the epoch began."""
        return self._dropped

    def append(self, records: Sequence[tuple[Lane, bytes]]) -> None:
        """Keep records, in order, all or none; what does not fit under the cap goes: bulk, then state, oldest first."""
        held = dict(self._held)
        dropped = dict(self._dropped)
        rows = []
        for lane, blob in records:
            sequence = held[lane].next
            rows.append((lane, sequence, blob))
            held[lane] = Held(held[lane].base, sequence + 1)
        _shed(held, dropped, self._cap)
        with _transaction(self._connection) as connection:
            connection.executemany("INSERT INTO records VALUES (?, ?, ?)", rows)
            for lane in Lane:
                if held[lane].base != self._held[lane].base:
                    connection.execute("DELETE FROM records WHERE lane = ? AND sequence < ?", (lane, held[lane].base))
            _save(connection, held, dropped)
        self._held, self._dropped = held, dropped

    def read(self, lane: Lane, first: int, count: int) -> list[bytes]:
        """Records `first` to `first + count - 1`, as far as they are still held without a hole."""
        rows = self._connection.execute(
            "SELECT sequence, blob FROM records WHERE lane = ? AND sequence >= ? AND sequence < ? ORDER BY sequence",
            (lane, first, first + count),
        ).fetchall()
        return [blob for offset, (sequence, blob) in enumerate(rows) if sequence == first + offset]

    def prune(self, epoch: int, lane: Lane, upto: int) -> None:
        """The server holds everything up to and with `upto` of this epoch and lane: forget it.

        A server that holds more than we ever wrote knew a later state of this file than we do: the disk lost something.
        Those sequences are taken, so the journal begins a new epoch and numbers what it holds anew.
        """
        if epoch != self._epoch:
            return
        now = self._held[lane]
        if upto >= now.next:
            log.error("journal is older than the server's; a new epoch begins", extra={"lane": lane.name.lower()})
            self._begin_epoch()
            return
        if upto < now.base:
            return
        held = dict(self._held)
        held[lane] = Held(upto + 1, now.next)
        with _transaction(self._connection) as connection:
            connection.execute("DELETE FROM records WHERE lane = ? AND sequence <= ?", (lane, upto))
            _save(connection, held, self._dropped)
        self._held = held

    def reserve(self) -> None:
        """Hold room back for alarms on a disk that fills up, or as much of it as there is."""
        path = self._reserve_path
        if path.exists() and path.stat().st_size == RESERVE_BYTES:
            return
        size = RESERVE_BYTES
        while size >= RESERVE_BYTES // 8:
            try:
                with path.open("wb") as file:
                    os.posix_fallocate(file.fileno(), 0, size)
            except OSError:
                path.unlink(missing_ok=True)
                size //= 2
            else:
                return

    def release(self) -> None:
        """Give the room back: an alarm needs it."""
        self._reserve_path.unlink(missing_ok=True)

    def reopen(self) -> None:
        """Open the file again after an I/O error; raises sqlite3.Error while it cannot be."""
        self._connection.close()
        self._connection = _connect(self._path)
        self._load()

    def close(self) -> None:
        self._connection.close()

    def _load(self) -> None:
        self._epoch = self._connection.execute("SELECT epoch FROM journal").fetchone()[0]
        rows = self._connection.execute("SELECT lane, base, next, dropped FROM lanes").fetchall()
        self._held = {Lane(lane): Held(base, following) for lane, base, following, _ in rows}
        self._dropped = {Lane(lane): dropped for lane, _, _, dropped in rows}

    def _begin_epoch(self) -> None:
        epoch = secrets.randbits(63)
        held = {lane: Held(1, rows.next - rows.base + 1) for lane, rows in self._held.items()}
        with _transaction(self._connection) as connection:
            for lane, rows in self._held.items():
                # Two steps through the negative: SQLite checks the key row by row.
                shift = (rows.base - 1, lane)
                connection.execute("UPDATE records SET sequence = ? - sequence WHERE lane = ?", shift)
                connection.execute("UPDATE records SET sequence = -sequence WHERE lane = ?", (lane,))
            connection.execute("UPDATE journal SET epoch = ?", (epoch,))
            _save(connection, held, dict.fromkeys(Lane, 0))
        self._epoch, self._held, self._dropped = epoch, held, dict.fromkeys(Lane, 0)


class _transaction:  # noqa: N801 - reads as the statement it is
    """BEGIN IMMEDIATE, then COMMIT or ROLLBACK."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> sqlite3.Connection:
        self._connection.execute("BEGIN IMMEDIATE")
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                self._roll_back()
                raise
        else:
            self._roll_back()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _shed(held: dict[Lane, Held], dropped: dict[Lane, int], cap: int) -> None:
    over = sum(rows.next - rows.base for rows in held.values()) - cap
    for lane in _SHED_FIRST:
        rows = held[lane]
        gone = min(max(over, 0), rows.next - rows.base)
        held[lane] = Held(rows.base + gone, rows.next)
        dropped[lane] += gone
        over -= gone


def _save(connection: sqlite3.Connection, held: Mapping[Lane, Held], dropped: Mapping[Lane, int]) -> None:
    connection.executemany(
        "UPDATE lanes SET base = ?, next = ?, dropped = ? WHERE lane = ?",
        [(held[lane].base, held[lane].next, dropped[lane], lane) for lane in Lane],
    )


def _prepare(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    with _transaction(connection):
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute("INSERT OR IGNORE INTO journal VALUES (1, ?)", (secrets.randbits(63),))
        connection.executemany("INSERT OR IGNORE INTO lanes VALUES (?, 1, 1, 0)", [(lane,) for lane in Lane])
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    return connect(path, wal_bytes=WAL_BYTES, cache_kib=1024)

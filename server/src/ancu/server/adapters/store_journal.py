"""The journal: what was decided, append-only, each record chained to the one before it, the newest one sealed.

    hash = SHA-256(prev_hash | msgpack [position, at_ms, stream, subject, body])
    seal = HMAC-SHA-256(audit key, position | hash), of the newest record only

Whoever changes, inserts or deletes a record breaks the chain; whoever writes the whole chain anew, or cuts its end,
would need the audit key, which is not in this file.
"""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from ancu.server.people.vault import Vault

__all__ = [
    "GENESIS",
    "ChainReport",
    "Record",
    "Stored",
    "append",
    "audit_key",
    "begin",
    "link_of",
    "records_after",
    "verify_chain",
]

GENESIS = b"\x00" * 32
_pack = msgspec.msgpack.Encoder()


@dataclass(frozen=True, slots=True)
class Record:
    """An event as the journal keeps it."""

    at_ms: int
    stream: str
    subject: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    position: int
    record: Record


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What `verify_chain` found."""

    records: int  # that are whole
    broken_at: int | None  # the first position that is not
    reason: str | None  # missing, changed, link, head, seal


def audit_key(vault: Vault) -> bytes:
    """The key that seals the newest record; follows from the installation's master key."""
    return bytes.fromhex(vault.hash("ancu/v1/journal"))


def begin(connection: sqlite3.Connection, key: bytes) -> None:
    """Seal an empty journal, so that even its first record cannot vanish; does nothing to one that began."""
    connection.execute(
        "INSERT OR IGNORE INTO journal_head SELECT 1, 0, ?, ? WHERE NOT EXISTS (SELECT 1 FROM journal)",
        (GENESIS, _seal(key, 0, GENESIS)),
    )


def append(connection: sqlite3.Connection, key: bytes, records: Sequence[Record]) -> list[int]:
    """Append inside the caller's transaction (BEGIN IMMEDIATE); returns the positions."""
    if not records:
        return []
    head = connection.execute("SELECT position, hash FROM journal ORDER BY position DESC LIMIT 1").fetchone()
    position, last = (head["position"], head["hash"]) if head else (0, GENESIS)
    rows = []
    for record in records:
        position += 1
        link = link_of(last, position, record)
        rows.append((position, record.at_ms, record.stream, record.subject, record.body, last, link))
        last = link
    connection.executemany(
        "INSERT INTO journal (position, at_ms, stream, subject, body, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    connection.execute(
        "INSERT OR REPLACE INTO journal_head (one, position, hash, seal) VALUES (1, ?, ?, ?)",
        (position, last, _seal(key, position, last)),
    )
    return [row[0] for row in rows]


def records_after(
    connection: sqlite3.Connection, position: int, *, stream: str | None = None, subject: str | None = None
) -> Iterator[Stored]:
    """Records after a position in order, of one stream and subject if named."""
    rows = connection.execute(
        "SELECT position, at_ms, stream, subject, body FROM journal WHERE position > ?1"
        " AND (?2 IS NULL OR stream = ?2) AND (?3 IS NULL OR subject = ?3) ORDER BY position",
        (position, stream, subject),
    )
    for row in rows:
        yield Stored(row["position"], Record(row["at_ms"], row["stream"], row["subject"], row["body"]))


def verify_chain(connection: sqlite3.Connection, key: bytes | None = None) -> ChainReport:
    """Walk the whole chain; with the audit key, its seal too."""
    position, last = 0, GENESIS
    reason: str | None = None
    for row in connection.execute("SELECT * FROM journal ORDER BY position"):
        if reason := _flaw(row, position, last):
            return ChainReport(position, position + 1, reason)
        position, last = row["position"], row["hash"]
    head = connection.execute("SELECT position, hash, seal FROM journal_head").fetchone()
    if head is None:
        began = position or connection.execute("SELECT 1 FROM inbox LIMIT 1").fetchone() is not None
        reason = "head" if began else None
    elif (head["position"], head["hash"]) != (position, last):
        reason = "head"
    elif key is not None and not hmac.compare_digest(head["seal"], _seal(key, position, last)):
        reason = "seal"
    return ChainReport(position, position + 1 if reason else None, reason)


def _flaw(row: sqlite3.Row, position: int, last: bytes) -> str | None:
    if row["position"] != position + 1:
        return "missing"
    if row["prev_hash"] != last:
        return "link"
    record = Record(row["at_ms"], row["stream"], row["subject"], row["body"])
    return None if link_of(last, row["position"], record) == row["hash"] else "changed"


def link_of(previous: bytes, position: int, record: Record) -> bytes:
    """The hash that chains a record to the one before it."""
    fields = (position, record.at_ms, record.stream, record.subject, record.body)
    return hashlib.sha256(previous + _pack.encode(fields)).digest()


def _seal(key: bytes, position: int, link: bytes) -> bytes:
    return hmac.digest(key, b"journal head" + position.to_bytes(8, "big") + link, "sha256")

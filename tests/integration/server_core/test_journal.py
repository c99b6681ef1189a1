"""The journal finds every change that someone makes to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store_journal import Record, append, begin, records_after, verify_chain

KEY = b"k" * 32


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect(tmp_path / "ancu.db")
    migrate(connection)
    begin(connection, KEY)
    append(connection, KEY, [Record(i, "alert", f"a{i % 2}", b"body %d" % i) for i in range(5)])
    append(connection, KEY, [Record(9, "people", "p", b"later")])
    yield connection
    connection.close()


def test_a_chain_that_nobody_touched_is_whole(journal: sqlite3.Connection):
    report = verify_chain(journal, KEY)
    assert (report.records, report.broken_at) == (6, None)
    assert [s.position for s in records_after(journal, 0, stream="alert", subject="a1")] == [2, 4]


@pytest.mark.parametrize(
    ("change", "position", "reason"),
    [
        ("UPDATE journal SET body = x'00' WHERE position = 3", 3, "changed"),
        ("UPDATE journal SET at_ms = 7 WHERE position = 3", 3, "changed"),
        ("UPDATE journal SET subject = 'x' WHERE position = 3", 3, "changed"),
        ("UPDATE journal SET hash = zeroblob(32) WHERE position = 3", 3, "changed"),
        ("UPDATE journal SET prev_hash = zeroblob(32) WHERE position = 3", 3, "link"),
        ("DELETE FROM journal WHERE position = 3", 3, "missing"),
        ("DELETE FROM journal WHERE position = 6", 6, "head"),
        ("DELETE FROM journal", 1, "head"),
        ("DELETE FROM journal_head", 7, "head"),
        ("UPDATE journal_head SET seal = zeroblob(32)", 7, "seal"),
        ("INSERT INTO journal SELECT 7, at_ms, stream, subject, body, prev_hash, hash FROM journal WHERE position = 6",
         7, "link"),
    ],
)  # fmt: skip
def test_a_change_is_found_where_it_was_made(journal: sqlite3.Connection, change: str, position: int, reason: str):
    journal.execute(change)
    report = verify_chain(journal, KEY)
    assert (report.broken_at, report.reason) == (position, reason)


def test_a_chain_written_anew_without_the_key_does_not_fit_its_seal(journal: sqlite3.Connection):
    journal.execute("DELETE FROM journal")
    append(journal, b"another key", [Record(1, "alert", "a", b"nothing happened")])
    assert verify_chain(journal).broken_at is None
    assert verify_chain(journal, KEY).reason == "seal"


def test_an_empty_journal_is_sealed_too(tmp_path: Path):
    connection = connect(tmp_path / "new.db")
    migrate(connection)
    begin(connection, KEY)
    assert verify_chain(connection, KEY).broken_at is None
    append(connection, KEY, [Record(1, "alert", "a", b"x")])
    connection.execute("DELETE FROM journal")
    connection.execute("UPDATE journal_head SET position = 0, hash = zeroblob(32)")
    assert verify_chain(connection, KEY).reason == "seal"
    connection.close()

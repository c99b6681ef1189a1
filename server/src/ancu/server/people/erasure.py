"""Erasure: what names a person and what he told goes; ids without a name stay, for the log that nobody may change."""

from __future__ import annotations

import json
import sqlite3

from ancu.models.clock import from_ms
from ancu.server.people.errors import Absent
from ancu.server.people.ledger import Ledger
from ancu.server.people.orders import new_id
from ancu.server.ports_citizen import ErasureRow

__all__ = ["erase", "receipt_of"]

_KEPT = frozenset({"orders"})  # the person by a random id, and days: the journal of alerts needs them


def erase(ledger: Ledger, person: str, *, asker: str) -> str:
    """Erase every row that points at the person, of whatever table, and return the receipt's id.

    A table that is new is erased from too; what stays is named above and knows the person by a random id only.
    """
    id_ = new_id("x") + new_id("")  # read without signing in: nobody guesses 98 bits
    with ledger.change("erase_person", person, receipt=id_) as connection:
        secure = connection.execute("PRAGMA secure_delete").fetchone()[0]
        connection.execute("PRAGMA secure_delete=ON")  # a deleted row's bytes are overwritten, not only forgotten
        connection.execute("PRAGMA defer_foreign_keys=ON")  # for this transaction: rows point at each other
        counts = {
            table: connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (person,)).rowcount  # noqa: S608 - of the schema
            for table, column in _pointing_at_persons(connection)
        }
        connection.execute(f"PRAGMA secure_delete={int(secure)}")
        connection.execute(
            "INSERT INTO erasures (id, at_ms, asker, counts) VALUES (?, ?, ?, ?)",
            (id_, ledger.now_ms(), asker, json.dumps(counts)),
        )
    return id_


def receipt_of(connection: sqlite3.Connection, erasure: str) -> ErasureRow:
    """Raises Absent."""
    row = connection.execute("SELECT * FROM erasures WHERE id = ?", (erasure,)).fetchone()
    if row is None:
        raise Absent("receipt", erasure)
    return ErasureRow(row["id"], from_ms(row["at_ms"]), json.loads(row["counts"]))


def _pointing_at_persons(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Tables with a column that refers to a person, and that column."""
    rows = connection.execute(
        'SELECT t.name, f."from" FROM sqlite_master t, pragma_foreign_key_list(t.name) f'
        " WHERE t.type = 'table' AND f.\"table\" = 'persons' ORDER BY t.name"
    )
    return [(row[0], row[1]) for row in rows if row[0] not in _KEPT]

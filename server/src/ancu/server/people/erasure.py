"""Erasure: what names a person and what he told goes; ids without a name stay, for the log that nobody may change."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from ancu.models.clock import from_ms
from ancu.server.people.errors import Absent
from ancu.server.people.ledger import Ledger
from ancu.server.people.orders import new_id
from ancu.server.ports.citizen import ErasureRow

__all__ = ["KEPT", "THROUGH", "erase", "erased_tables", "receipt_of"]

KEPT: Final = {  # what names a person, an order or a band and stays, and why
    "orders": "the person by a random id, and days: the journal of alerts needs them",
    "alerts": "shows what the journal says, by the same random id; the journal is a chain that nobody may change",
    "assignments": "which band served which order: a band's keys follow from it",
    "answers": "that a key was used, by the asker's random id; what he asked is a hash",
    "inbox": "readings of bands by their numbers; the series is made from it anew",
    "journal": "the chain of what was decided, by ids",
    "told": "what the judge was told, by ids: a policy is replayed over it",
    "admin_log": "the chain of who changed what, by ids",
    "snapshots": "memory, by ids; written anew within a minute",
    "notify_notes": "which officer heard of which alert",
    "handovers": "lists of alerts by their ids, signed by two",
}
_HIS_ORDERS: Final = "SELECT id FROM orders WHERE person = ?1"
_OF_HIS_ORDER: Final = (  # a band's log is named by its order, or by its order and the key
    f"substr(quarantine_order, 1, instr(quarantine_order || '/', '/') - 1) IN ({_HIS_ORDERS})"
)
_WHILE_WORN: Final = (
    "EXISTS (SELECT 1 FROM assignments a JOIN orders o ON o.id = a.quarantine_order WHERE o.person = ?1"
    " AND a.band = band_clocks.band AND unix_ms >= a.from_ms AND unix_ms <= coalesce(a.until_ms, unix_ms))"
)
THROUGH: Final = {  # what leads to a person by way of his order or of the band that he wore
    "history_held": _OF_HIS_ORDER,
    "history_clocks": _OF_HIS_ORDER,
    "history_undated": _OF_HIS_ORDER,
    "history_faults": _OF_HIS_ORDER,
    "challenges": _OF_HIS_ORDER,
    "band_clocks": _WHILE_WORN,
    "checkin_answers": "checkin IN (SELECT id FROM checkins WHERE person = ?1)",
}


def erase(ledger: Ledger, person: str, *, asker: str) -> str:
    """Erase every row that points at the person, of whatever table, and return the receipt's id.

    A table that is new is erased from too; what stays is named above, with its reason.
    """
    id_ = new_id("x") + new_id("")  # read without signing in: nobody guesses 98 bits
    with ledger.change("erase_person", person, receipt=id_) as connection:
        secure = connection.execute("PRAGMA secure_delete").fetchone()[0]
        connection.execute("PRAGMA secure_delete=ON")  # a deleted row's bytes are overwritten, not only forgotten
        connection.execute("PRAGMA defer_foreign_keys=ON")  # for this transaction: rows point at each other
        counts = {
            table: connection.execute(f"DELETE FROM {table} WHERE {whose}", (person,)).rowcount  # noqa: S608 - our own words
            for table, whose in THROUGH.items()
        }
        counts |= {
            table: connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (person,)).rowcount  # noqa: S608 - of the schema
            for table, column in erased_tables(connection)
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


def erased_tables(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Tables with a column that refers to a person, and that column."""
    rows = connection.execute(
        'SELECT t.name, f."from" FROM sqlite_master t, pragma_foreign_key_list(t.name) f'
        " WHERE t.type = 'table' AND f.\"table\" = 'persons' ORDER BY t.name"
    )
    return [(row[0], row[1]) for row in rows if row[0] not in KEPT]

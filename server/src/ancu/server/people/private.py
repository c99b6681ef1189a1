"""What names a person: read one by one, for a viewer whose wards the caller has checked, and never logged."""

from __future__ import annotations

import sqlite3

from ancu.server.people.errors import Absent
from ancu.server.ports import CallCard

__all__ = ["Private"]


class Private:
    """Names, phones, addresses."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def label(self, person: str) -> str:
        """What an officer reads: 'Nguyễn Văn A · Phường Bến Nghé'. Raises Absent."""
        row = self._row(person)
        return f"{row['name']} · {row['ward_name']}"

    def address(self, person: str) -> str | None:
        """Raises Absent."""
        address: str | None = self._row(person)["address"]
        return address

    def calls(self, person: str) -> list[CallCard]:
        """Whom to call, the person first. Raises Absent."""
        row = self._row(person)
        guardians = self._connection.execute(
            "SELECT name, phone, relation FROM guardians WHERE person = ? ORDER BY position", (person,)
        )
        return [
            CallCard(row["name"], row["phone"], "self"),
            *(CallCard(r["name"], r["phone"], r["relation"]) for r in guardians),
        ]

    def _row(self, person: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self._connection.execute(
            "SELECT v.*, w.name AS ward_name FROM person_private v JOIN persons p ON p.id = v.person"
            " JOIN wards w ON w.code = p.ward WHERE v.person = ?",
            (person,),
        ).fetchone()
        if row is None:
            raise Absent("person", person)
        return row

"""What names a person: read one by one within a scope, and never logged. Who is outside of it is absent."""

from __future__ import annotations

import sqlite3

from ancu.server.people.errors import Absent
from ancu.server.ports import CallCard
from ancu.server.scope import Scope

__all__ = ["Private"]


class Private:
    """Names, phones, addresses."""

    def __init__(self, connection: sqlite3.Connection, scope: Scope) -> None:
        self._connection, self._scope = connection, scope

    def label(self, person: str) -> str:
        """What an officer reads: 'Nguyễn Văn A · Phường Bến Nghé'. Raises Absent."""
        row = self._row(person)
        return f"{row['name']} · {row['ward_name']}"

    def address(self, person: str) -> str | None:
        """Raises Absent."""
        address: str | None = self._row(person)["address"]
        return address

    def place(self, person: str) -> tuple[float, float] | None:
        """Latitude and longitude of the home, if the order gave them. Raises Absent."""
        row = self._row(person)
        return None if row["lat"] is None else (row["lat"], row["lon"])

    def calls(self, person: str) -> list[CallCard]:
        """Whom to call, the person first. Raises Absent."""
        row = self._row(person)
        guardians = self._connection.execute(
            f"SELECT * FROM {self._scope.view('guardians')} WHERE person = :person ORDER BY position",  # noqa: S608 - our own words
            self._scope.values | {"person": person},
        )
        return [
            CallCard(row["name"], row["phone"], "self"),
            *(CallCard(r["name"], r["phone"], r["relation"]) for r in guardians),
        ]

    def _row(self, person: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self._connection.execute(
            f"SELECT * FROM {self._scope.view('person_private')} WHERE person = :person",  # noqa: S608 - our own words
            self._scope.values | {"person": person},
        ).fetchone()
        if row is None:
            raise Absent("person", person)
        return row

"""Wards, and their import from a CSV file: errors by row, good rows kept."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass

from ancu.models.errors import UsageError
from ancu.models.ids import WardCode, check_id
from ancu.server.people.ledger import Ledger
from ancu.server.people.records import WardRecord

__all__ = ["COLUMNS", "Imported", "RowError", "Wards"]

COLUMNS = ("code", "name", "province")
_RESERVED = {"up"}  # of the topics: ancu/v1/up/... is not a ward


@dataclass(frozen=True, slots=True)
class RowError:
    line: int
    problem: str


@dataclass(frozen=True, slots=True)
class Imported:
    added: int
    changed: int
    unchanged: int
    errors: tuple[RowError, ...]


class Wards:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._connection = ledger.connection

    def put(self, code: str, name: str, province: str) -> str:
        """Add a ward or change its names; answers 'added', 'changed' or 'unchanged'. Raises UsageError."""
        check_id("ward code", code)
        if code in _RESERVED:
            raise UsageError(f"ward code {code!r} is reserved")
        if not name or not province:
            raise UsageError("a ward has a name and a province")
        row = self._connection.execute("SELECT name, province FROM wards WHERE code = ?", (code,)).fetchone()
        if row is not None and (row["name"], row["province"]) == (name, province):
            return "unchanged"
        with self._ledger.change("put_ward", code) as connection:
            connection.execute(
                "INSERT INTO wards (code, name, province) VALUES (?, ?, ?)"
                " ON CONFLICT (code) DO UPDATE SET name = excluded.name, province = excluded.province",
                (code, name, province),
            )
        return "changed" if row is not None else "added"

    def all(self) -> list[WardRecord]:
        rows = self._connection.execute("SELECT * FROM wards ORDER BY code")
        return [WardRecord(WardCode(r["code"]), r["name"], r["province"]) for r in rows]

    def read_csv(self, lines: Iterable[str]) -> Imported:
        """Import rows `code,name,province` under a header; raises UsageError if the header lacks a column."""
        reader = csv.DictReader(lines)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise UsageError(
                f"the first line must name the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}"
            )
        counts = dict.fromkeys(("added", "changed", "unchanged"), 0)
        errors: list[RowError] = []
        with self._ledger.together():  # one sync for thousands of rows
            for row in reader:
                code, name, province = ((row[column] or "").strip() for column in COLUMNS)
                try:
                    counts[self.put(code, name, province)] += 1
                except UsageError as error:
                    errors.append(RowError(reader.line_num, str(error)))
        return Imported(counts["added"], counts["changed"], counts["unchanged"], tuple(errors))

"""Broken glass: an officer opens another ward for himself in an emergency, for an hour, with a reason that it sees."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ancu.models.clock import from_ms
from ancu.models.errors import UsageError
from ancu.server.people.errors import Absent
from ancu.server.people.ledger import Ledger
from ancu.server.people.orders import new_id

__all__ = ["Glass", "Opening"]

_LASTS_MS: Final = 60 * 60_000
_REASON_CHARS: Final = (15, 500)  # a sentence that can be judged later
_SHOWN_MS: Final = 24 * 3600_000  # to the ward, after it began
_LISTED: Final = 100


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of a ward by somebody whose ward it is not."""

    id: str
    officer: str
    officer_name: str
    ward: str
    ward_name: str
    reason: str
    starts_at: datetime
    until: datetime


class Glass:
    """Every opening is a line of the hash-chained log too."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._connection = ledger, ledger.connection

    def break_for(self, officer: str, ward: str, reason: str) -> str:
        """Open a ward for an hour; raises UsageError for a reason that says nothing, Absent for no ward."""
        reason = " ".join(reason.split())
        least, most = _REASON_CHARS
        if not least <= len(reason) <= most:
            raise UsageError(f"a reason has {least} to {most} characters")
        if self._connection.execute("SELECT 1 FROM wards WHERE code = ?", (ward,)).fetchone() is None:
            raise Absent("ward", ward)
        now, id_ = self._ledger.now_ms(), new_id("b")
        told = hashlib.sha256(reason.encode()).hexdigest()  # the reason may name somebody; the log names nobody
        with self._ledger.change("break_glass", officer, ward=ward, opening=id_, reason_sha256=told) as connection:
            connection.execute(
                "INSERT INTO broken_glass VALUES (?, ?, ?, ?, ?, ?)", (id_, officer, ward, reason, now, now + _LASTS_MS)
            )
        return id_

    def close(self, officer: str, id_: str) -> None:
        """He needs it no more; nothing where it is not his or is over."""
        now = self._ledger.now_ms()
        with self._ledger.change("end_break_glass", officer, opening=id_) as connection:
            connection.execute(
                "UPDATE broken_glass SET until_ms = ? WHERE id = ? AND officer = ? AND until_ms > ?",
                (now, id_, officer, now),
            )

    def wards_of(self, officer: str) -> frozenset[str]:
        """The wards that are open to him now."""
        rows = self._connection.execute(
            "SELECT ward FROM broken_glass WHERE officer = ? AND from_ms <= ? AND until_ms > ?",
            (officer, self._ledger.now_ms(), self._ledger.now_ms()),
        )
        return frozenset(row["ward"] for row in rows)

    def of(self, officer: str) -> list[Opening]:
        """His own that last, newest first."""
        return self._openings("b.officer = ? AND b.until_ms > ?", (officer, self._ledger.now_ms()))

    def into(self, wards: Collection[str] | None, *, all_: bool = False) -> list[Opening]:
        """What others opened of these wards (None: of any) in the last day, or ever; newest first."""
        where, values = "1", []
        if wards is not None:
            where, values = f"b.ward IN ({', '.join('?' * len(wards))})", sorted(wards)
        since = 0 if all_ else self._ledger.now_ms() - _SHOWN_MS
        return self._openings(f"{where} AND b.from_ms > ?", (*values, since))

    def shut(self, seen: Collection[str]) -> list[tuple[str, str]]:
        """Code and name of every ward but these."""
        rows = self._connection.execute("SELECT code, name FROM wards ORDER BY name")
        return [(row["code"], row["name"]) for row in rows if row["code"] not in seen]

    def _openings(self, where: str, values: tuple[object, ...]) -> list[Opening]:
        rows = self._connection.execute(
            "SELECT b.*, o.name, w.name AS ward_name FROM broken_glass b JOIN officers o ON o.id = b.officer"  # noqa: S608 - our own words
            f" JOIN wards w ON w.code = b.ward WHERE {where} ORDER BY b.from_ms DESC LIMIT {_LISTED}",
            values,
        )
        return [_opening(row) for row in rows]


def _opening(row: sqlite3.Row) -> Opening:
    return Opening(
        id=row["id"],
        officer=row["officer"],
        officer_name=row["name"],
        ward=row["ward"],
        ward_name=row["ward_name"],
        reason=row["reason"],
        starts_at=from_ms(row["from_ms"]),
        until=from_ms(row["until_ms"]),
    )

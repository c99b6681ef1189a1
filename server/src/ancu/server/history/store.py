"""What is held of bands' logs, in the core's database, inside the core's transactions."""

from __future__ import annotations

import hmac
import sqlite3
from dataclasses import dataclass

from ancu.models.ids import BandNumber, OrderId
from ancu.server.history.chain import NOTHING, Fault, Held
from ancu.server.history.dating import Mark, Marks

__all__ = ["HistoryStore", "Named", "Undated", "faults"]

_FAULTS = 10_000  # kept to be looked at; the counters go on


@dataclass(frozen=True, slots=True)
class Undated:
    """A record whose boot has no time yet."""

    sequence: int
    ticks_s: int
    record: bytes  # as the series packs it, but for the time


@dataclass(frozen=True, slots=True)
class Named:
    """A record that was not right, and who brought it."""

    at_ms: int
    edge: str
    band: int
    sequence: int
    kind: str


class HistoryStore:
    """One log: of a band under an order and a key. The caller holds the transaction."""

    def __init__(self, connection: sqlite3.Connection, band: BandNumber, order: OrderId, history_key: bytes) -> None:
        # A key that was rotated within an order has a log of its own, which begins at 1 again.
        mark = hmac.digest(history_key, b"log", "sha256")[:6].hex()
        self._connection, self._key = connection, (band, f"{order}/{mark}")

    def held(self) -> Held:
        row = self._connection.execute(
            "SELECT upto, tag FROM history_held WHERE band = ? AND quarantine_order = ?", self._key
        ).fetchone()
        return NOTHING if row is None else Held(row["upto"], row["tag"])

    def hold(self, held: Held) -> None:
        self._connection.execute(
            "INSERT INTO history_held (band, quarantine_order, upto, tag) VALUES (?1, ?2, ?3, ?4)"
            " ON CONFLICT (band, quarantine_order) DO UPDATE SET upto = ?3, tag = ?4",
            (*self._key, held.upto, held.tag),
        )

    def marks(self, boot: int) -> list[Mark]:
        rows = self._connection.execute(
            "SELECT ticks_s, unix_s FROM history_clocks WHERE band = ? AND quarantine_order = ? AND boot = ?"
            " ORDER BY ticks_s",
            (*self._key, boot),
        )
        return [Mark(row["ticks_s"], row["unix_s"]) for row in rows]

    def dates(self, boot: int) -> Marks:
        return Marks(self.marks(boot))

    def mark(self, boot: int, mark: Mark) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO history_clocks (band, quarantine_order, boot, ticks_s, unix_s)"
            " VALUES (?, ?, ?, ?, ?)",
            (*self._key, boot, mark.ticks_s, mark.unix_s),
        )

    def newest_boot(self) -> int | None:
        row = self._connection.execute(
            "SELECT boot FROM history_held WHERE band = ? AND quarantine_order = ?", self._key
        ).fetchone()
        return None if row is None else row["boot"]

    def begin_boot(self, boot: int) -> None:
        """A new boot: what an old one of the same number (they come again after 256) left behind is not its own."""
        self._connection.execute(
            "DELETE FROM history_clocks WHERE band = ? AND quarantine_order = ? AND boot = ?", (*self._key, boot)
        )
        self._connection.execute(
            "DELETE FROM history_undated WHERE band = ? AND quarantine_order = ? AND boot = ?", (*self._key, boot)
        )
        self._connection.execute(
            "INSERT INTO history_held (band, quarantine_order, upto, tag, boot) VALUES (?1, ?2, 0, zeroblob(4), ?3)"
            " ON CONFLICT (band, quarantine_order) DO UPDATE SET boot = ?3",
            (*self._key, boot),
        )

    def wait(self, boot: int, undated: Undated) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO history_undated (band, quarantine_order, boot, sequence, ticks_s, record)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (*self._key, boot, undated.sequence, undated.ticks_s, undated.record),
        )

    def take_waiting(self, boot: int) -> list[Undated]:
        """The undated records of a boot, which can be dated now."""
        rows = self._connection.execute(
            "DELETE FROM history_undated WHERE band = ? AND quarantine_order = ? AND boot = ?"
            " RETURNING sequence, ticks_s, record",
            (*self._key, boot),
        ).fetchall()
        return sorted((Undated(*row) for row in rows), key=lambda each: each.sequence)

    def name(self, fault: Fault, edge: str, at_ms: int) -> None:
        """Keep a fault by its sequence."""
        self._connection.execute(
            "INSERT INTO history_faults (at_ms, edge, band, quarantine_order, sequence, kind)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (at_ms, edge, *self._key, fault.sequence, fault.kind),
        )
        self._connection.execute(
            "DELETE FROM history_faults WHERE position <= (SELECT max(position) FROM history_faults) - ?", (_FAULTS,)
        )


def faults(connection: sqlite3.Connection, band: BandNumber) -> list[Named]:
    """What was not right with a band's records, oldest first."""
    rows = connection.execute(
        "SELECT at_ms, edge, band, sequence, kind FROM history_faults WHERE band = ? ORDER BY position", (band,)
    )
    return [Named(*row) for row in rows]

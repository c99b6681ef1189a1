"""What officers ask of their calendar and their addresses. Functions over the core's connection, or beside it."""

from __future__ import annotations

import sqlite3

from ancu.models.clock import from_ms
from ancu.server.ports.office import Colleague, WatchRow

__all__ = ["calendar", "colleagues", "keep_contact", "officer_names"]


def calendar(db: sqlite3.Connection, from_ms_: int, until_ms: int, wards: frozenset[str] | None) -> list[WatchRow]:
    """Watches and absences of those who serve these wards (None: all) that touch a time, in order."""
    served = {
        row["officer"]
        for row in db.execute("SELECT officer, ward FROM officer_wards")
        if wards is None or row["ward"] in wards
    }
    found = db.execute(
        "SELECT o.id, o.name, e.what, e.from_ms, e.until_ms FROM ("
        " SELECT officer, watch AS what, from_ms, until_ms FROM duty_watches"
        " UNION ALL SELECT officer, 'absent', from_ms, until_ms FROM duty_absences) e"
        " JOIN officers o ON o.id = e.officer WHERE e.from_ms < ?2 AND e.until_ms > ?1"
        " ORDER BY e.from_ms, o.id, e.what",
        (from_ms_, until_ms),
    )
    return [
        WatchRow(r["id"], r["name"], r["what"], from_ms(r["from_ms"]), from_ms(r["until_ms"]))
        for r in found
        if wards is None or r["id"] in served
    ]


def colleagues(db: sqlite3.Connection, ward: str, now_ms: int) -> list[Colleague]:
    """Accounts in use that serve a ward, and what each does now; a shift counts before an on-call watch."""
    found = db.execute(
        "SELECT o.id, o.name, o.role,"
        " (SELECT max(watch) FROM duty_watches w WHERE w.officer = o.id AND w.from_ms <= ?2 AND w.until_ms > ?2)"
        " AS watch,"
        " EXISTS (SELECT 1 FROM duty_absences a WHERE a.officer = o.id AND a.from_ms <= ?2 AND a.until_ms > ?2)"
        " AS absent"
        " FROM officers o JOIN officer_wards s ON s.officer = o.id AND s.ward = ?1 WHERE o.disabled_ms IS NULL"
        " ORDER BY o.name, o.id",
        (ward, now_ms),
    )
    return [Colleague(r["id"], r["name"], r["role"], r["watch"], bool(r["absent"])) for r in found]


def officer_names(db: sqlite3.Connection) -> dict[str, str]:
    """By id."""
    return {row["id"]: row["name"] for row in db.execute("SELECT id, name FROM officers")}


def keep_contact(
    db: sqlite3.Connection, officer: str, channel: str, address: str, now_ms: int, *, at_most: int
) -> None:
    """Add an address; beyond so many of a channel the oldest make room."""
    db.execute(
        "INSERT OR IGNORE INTO contact_points (officer, channel, address, created_ms) VALUES (?, ?, ?, ?)",
        (officer, channel, address, now_ms),
    )
    db.execute(
        "DELETE FROM contact_points WHERE officer = ?1 AND channel = ?2 AND address NOT IN (SELECT address"
        " FROM contact_points WHERE officer = ?1 AND channel = ?2 ORDER BY created_ms DESC, rowid DESC LIMIT ?3)",
        (officer, channel, at_most),
    )

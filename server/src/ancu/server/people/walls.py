"""Screens on a wall: each may read one site's board, and nothing else, until it is taken down or its time is over."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from typing import Final

from ancu.server.people.errors import Absent
from ancu.server.people.ledger import Ledger
from ancu.server.people.orders import new_id

__all__ = ["WALL_DAYS", "hang", "let_in", "list_walls", "seen", "take_down"]

WALL_DAYS: Final = 90  # then somebody who is signed in lets it in anew
_DAY_MS: Final = 86_400_000
_SEEN_MS: Final = 60_000
_LABEL_CHARS: Final = 40


def hang(ledger: Ledger, site: str, label: str) -> str:
    """Let a screen in; returns its secret, kept here only as a hash."""
    secret, now = secrets.token_urlsafe(32), ledger.now_ms()
    wall = new_id("w")
    with ledger.change("hang_wall", wall, site=site) as db:
        db.execute(
            "INSERT INTO wall_screens (id, token_hash, site, label, created_ms, created_by, expires_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (wall, _hash(secret), site, label[:_LABEL_CHARS], now, ledger.actor, now + WALL_DAYS * _DAY_MS),
        )
    return secret


def take_down(ledger: Ledger, site: str, wall: str) -> None:
    """Raises Absent."""
    with ledger.change("take_down_wall", wall, site=site) as db:
        done = db.execute(
            "UPDATE wall_screens SET revoked_ms = coalesce(revoked_ms, ?) WHERE id = ? AND site = ?",
            (ledger.now_ms(), wall, site),
        )
        if not done.rowcount:
            raise Absent("wall screen", wall)


def let_in(connection: sqlite3.Connection, secret: str, now_ms: int) -> sqlite3.Row | None:
    """The screen of a secret, while it is let in; its officer must still be in service."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT w.* FROM wall_screens w JOIN officers o ON o.id = w.created_by"
        " WHERE w.token_hash = ? AND w.expires_ms > ? AND w.revoked_ms IS NULL AND o.disabled_ms IS NULL",
        (_hash(secret), now_ms),
    ).fetchone()
    return row


def seen(connection: sqlite3.Connection, wall: str, now_ms: int) -> None:
    """The screen asked; written at most once a minute."""
    connection.execute(
        "UPDATE wall_screens SET seen_ms = ?1 WHERE id = ?2 AND (seen_ms IS NULL OR seen_ms < ?3)",
        (now_ms, wall, now_ms - _SEEN_MS),
    )


def list_walls(connection: sqlite3.Connection, site: str, now_ms: int) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT * FROM wall_screens WHERE site = ? AND expires_ms > ? AND revoked_ms IS NULL ORDER BY created_ms",
        (site, now_ms),
    ).fetchall()


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()

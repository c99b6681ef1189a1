"""Failed logins: counted so that guessing ends, and so that a stranger's guesses shut out nobody but the stranger.

Two counts. By login and source (a network, or a device that the officer has used before): five in half an hour shut
that source out until the oldest is that old. By login alone, for sources that are no known device: from the twentieth
on, each next try waits, longer and longer. A known device is touched by neither but its own failures; a passkey asks
for no password, so it always opens.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from ancu.server.people.errors import LoginRefused

__all__ = ["ATTEMPTS", "WINDOW_S", "Attempts"]

ATTEMPTS: Final = 5  # failed logins of one name from one source ...
WINDOW_S: Final = 30 * 60  # ... in this time shut it until the oldest of them is this old
_SCATTERED: Final = 20  # failures of one name from anywhere, before strangers have to wait
_WAIT_S: Final = 60  # then; doubles with every five more
_LONGEST_S: Final = 15 * 60


class Attempts:
    """Over the register's connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def refuse_if_too_many(self, login: str, source: bytes, now_ms: int, *, known: bool) -> None:
        """Raises LoginRefused."""
        since = now_ms - WINDOW_S * 1000
        own = self._times("login = ? AND source = ?", (login, source), since)
        if len(own) >= ATTEMPTS:
            raise LoginRefused("too_many", retry_after_s=max(1, WINDOW_S - (now_ms - own[ATTEMPTS - 1]) // 1000))
        if known:
            return
        every = self._times("login = ?", (login,), since)
        if len(every) >= _SCATTERED:
            wait_s = min(_LONGEST_S, _WAIT_S * 2 ** ((len(every) - _SCATTERED) // 5))
            left_s = wait_s - (now_ms - every[0]) // 1000
            if left_s > 0:
                raise LoginRefused("too_many", retry_after_s=left_s)

    def count(self, login: str, source: bytes, now_ms: int) -> None:
        """Before the password is looked at, so that tries side by side count too."""
        self._connection.execute("DELETE FROM login_attempts WHERE at_ms < ?", (now_ms - WINDOW_S * 1000,))
        self._connection.execute(
            "INSERT INTO login_attempts (login, at_ms, source) VALUES (?, ?, ?)", (login, now_ms, source)
        )

    def forgive(self, login: str, source: bytes) -> None:
        """He got in from there: what he mistyped before is forgotten; what others tried elsewhere is not."""
        self._connection.execute("DELETE FROM login_attempts WHERE login = ? AND source = ?", (login, source))

    def _times(self, where: str, values: tuple[object, ...], since_ms: int) -> list[int]:
        """Newest first."""
        rows = self._connection.execute(
            f"SELECT at_ms FROM login_attempts WHERE {where} AND at_ms > ? ORDER BY at_ms DESC LIMIT 100",  # noqa: S608 - our own words
            (*values, since_ms),
        )
        return [int(row["at_ms"]) for row in rows]

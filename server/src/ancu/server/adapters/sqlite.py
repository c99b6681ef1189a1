"""SQLite: one file for the inbox, the journals and the register, so that one transaction can span them."""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from ancu.models.errors import ConfigError

__all__ = ["connect", "migrate", "pending"]


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open the server's file: WAL, FULL (NORMAL lost data in power cuts), foreign keys, rows by name.

    Transactions are explicit (`BEGIN IMMEDIATE`); a connection belongs to one thread at a time. Raises ConfigError for
    a file that is no database.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=10,
    )
    connection.row_factory = sqlite3.Row
    if not read_only:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            raise  # locked or full: nothing is wrong with the file
        except sqlite3.DatabaseError as error:
            connection.close()
            raise ConfigError(f"{path}: {error}; restore a backup") from None
        connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


def pending(connection: sqlite3.Connection) -> list[str]:
    """The steps that the file lacks; changes nothing."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone()
    done = {row["name"] for row in connection.execute("SELECT name FROM migrations")} if known else set()
    return [step.name for step in _steps() if step.name not in done]


def migrate(connection: sqlite3.Connection) -> list[str]:
    """Bring the file to the newest schema, each step in a transaction of its own; returns the steps taken."""
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, at TEXT DEFAULT CURRENT_TIMESTAMP)"
    )
    done = {row["name"] for row in connection.execute("SELECT name FROM migrations")}
    taken = []
    for step in _steps():
        if step.name not in done:
            note = f"INSERT INTO migrations (name) VALUES ('{step.name}')"  # noqa: S608 - our own file's name
            connection.executescript(f"BEGIN IMMEDIATE;\n{step.read_text('utf-8')}\n{note};\nCOMMIT;")
            taken.append(step.name)
    return taken


def _steps() -> list[Traversable]:
    folder = files("ancu.server.adapters").joinpath("schema")
    return sorted((step for step in folder.iterdir() if step.name.endswith(".sql")), key=lambda step: step.name)

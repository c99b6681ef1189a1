"""A SQLite file in a box that may lose its power at any moment: written through, and put aside when it is broken."""

from __future__ import annotations

import logging
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

__all__ = ["connect", "open_or_begin"]

log = logging.getLogger(__name__)


def open_or_begin(path: Path, prepare: Callable[[Path], sqlite3.Connection]) -> sqlite3.Connection:
    """Open a file with `prepare`; one that is no database any more is put aside, and a new one begins.

    Raises sqlite3.OperationalError where the file is well but cannot be used: locked, full, or not ours to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return prepare(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        broken = path.with_name(f"{path.name}.broken-{secrets.token_hex(4)}")
        log.exception("%s cannot be read; put aside, a new one begins", path.stem, extra={"aside": broken.name})
        path.replace(broken)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return prepare(path)


def connect(path: Path, *, wal_bytes: int, cache_kib: int) -> sqlite3.Connection:
    """A connection whose commits are on the disk when they return; transactions are begun by hand."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA journal_size_limit={wal_bytes}")
    connection.execute(f"PRAGMA cache_size=-{cache_kib}")
    return connection

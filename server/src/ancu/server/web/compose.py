"""Composition of the pages: `app.py` of the server calls `build` once, then `serve`."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from ancu.models.clock import Clock, SystemClock
from ancu.server.ports import Desk
from ancu.server.web.accounts_sqlite import SqliteAccounts
from ancu.server.web.app import create_app
from ancu.server.web.serve import serve
from ancu.server.web.settings import WebSettings

__all__ = ["build", "serve"]


def build(desk: Desk, database: Path, settings: WebSettings, clock: Clock | None = None) -> FastAPI:
    """The whole of the pages over a desk and the server's SQLite file, which must be migrated already.

    Opens a connection of its own, used by one thread of its own; closed by the application's lifespan.
    """
    clock = clock or SystemClock()
    return create_app(desk, SqliteAccounts(database, settings), settings, clock)

"""Composition of the pages: `app.py` of the server calls `build` once, then `serve`."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from ancu.models.clock import Clock, SystemClock
from ancu.server.ports import Desk
from ancu.server.web import security
from ancu.server.web.accounts_sqlite import SqliteAccounts
from ancu.server.web.app import create_app
from ancu.server.web.oidc import Provider
from ancu.server.web.serve import serve
from ancu.server.web.settings import WebSettings

__all__ = ["build", "serve"]


def build(desk: Desk, data: Path, settings: WebSettings, clock: Clock | None = None) -> FastAPI:
    """The whole of the pages over a desk and the server's data folder (the register's file and its master key).

    Opens connections of its own at the first request, each used by one thread; the application's lifespan closes them.
    """
    clock = clock or SystemClock()
    accounts = SqliteAccounts(data, settings, clock)
    app = create_app(desk, accounts, settings, clock)
    security.install(app, accounts, Provider(settings.oidc) if settings.oidc else None)
    return app

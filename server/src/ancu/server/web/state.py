"""What every route may reach: one object on the application's state, typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from fastapi import FastAPI, Request
from jinja2 import Environment

from ancu.models.clock import Clock
from ancu.server.ports import Desk
from ancu.server.web.accounts import Accounts
from ancu.server.web.metrics import WebMetrics
from ancu.server.web.settings import WebSettings
from ancu.server.web.stream import Streams
from ancu.server.web.words import Catalogues

__all__ = ["Services", "services", "services_of"]


@dataclass(frozen=True, slots=True)
class Services:
    desk: Desk
    accounts: Accounts
    settings: WebSettings
    clock: Clock
    words: Catalogues
    templates: Environment
    streams: Streams
    metrics: WebMetrics


def services(app: FastAPI) -> Services:
    return cast("Services", app.state.services)


def services_of(request: Request) -> Services:
    """The dependency of every route."""
    return cast("Services", request.app.state.services)

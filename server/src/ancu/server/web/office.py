"""The office behind the application: routes and pages reach it here. An application without one answers 404."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, Request

from ancu.server.ports import NotFound
from ancu.server.ports_office import OfficePort

__all__ = ["Office", "install", "office_of"]


def install(app: FastAPI, office: OfficePort) -> None:
    app.state.office = office


def office_of(request: Request) -> OfficePort:
    """The dependency of a route; raises NotFound."""
    office: OfficePort | None = getattr(request.app.state, "office", None)
    if office is None:
        raise NotFound("no office here")
    return office


Office = Annotated[OfficePort, Depends(office_of)]

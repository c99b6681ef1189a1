"""The office behind the application: routes and pages reach it here. An application without one answers 404."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, Request

from ancu.server.ports import NotFound
from ancu.server.ports.office import OfficePort, ReceiptsPort

__all__ = ["Office", "Receipts", "install", "office_of", "receipts_of"]


def install(app: FastAPI, office: OfficePort, receipts: ReceiptsPort | None = None) -> None:
    app.state.office, app.state.receipts = office, receipts


def office_of(request: Request) -> OfficePort:
    """The dependency of a route; raises NotFound."""
    office: OfficePort | None = getattr(request.app.state, "office", None)
    if office is None:
        raise NotFound("no office here")
    return office


def receipts_of(request: Request) -> ReceiptsPort:
    """The dependency of a route; raises NotFound."""
    receipts: ReceiptsPort | None = getattr(request.app.state, "receipts", None)
    if receipts is None:
        raise NotFound("no receipts here")
    return receipts


Receipts = Annotated[ReceiptsPort, Depends(receipts_of)]
Office = Annotated[OfficePort, Depends(office_of)]

"""The page of a person under order: days left, what is measured, SOS."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from ancu.server.ports import AlertRow, AlertState, PersonDetail
from ancu.server.web.api.common import scoped
from ancu.server.web.auth import Citizen, Form, text
from ancu.server.web.days import days_left, is_over
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/me", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]


@router.get("")
async def mine(request: Request, session: Citizen, services: _Services) -> Response:
    person = await services.desk.person(session.viewer, session.viewer.person or "")
    now = services.clock.now()
    values = {
        "person": person,
        "days": days_left(person, now),
        "over": is_over(person, now),
        "sos": _open_sos(person),
    }
    return render(request, "mine.html", values)


@router.post("/sos")
async def sos(session: Citizen, services: _Services, form: Form) -> Response:
    key = text(form, "key", 64)
    if not key:
        raise HTTPException(400, "the form's key is missing")
    await services.desk.sos(session.viewer, key=scoped(session.viewer, key))
    return RedirectResponse("/me#sos", 303)


def _open_sos(person: PersonDetail) -> AlertRow | None:
    """The person sees his own call for help and whether somebody has it; no other alert accuses him here."""
    return next((row for row in person.alerts if row.kind == "sos" and row.state is not AlertState.RESOLVED), None)

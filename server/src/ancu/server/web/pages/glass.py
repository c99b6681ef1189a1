"""Breaking glass: opening another ward in an emergency, with a reason; and what others opened of one's own."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from ancu.models.errors import UsageError
from ancu.server.people.officers import Officers
from ancu.server.ports import NotFound
from ancu.server.scope import Scope
from ancu.server.web.accounts import Session
from ancu.server.web.auth import Form, Officer, text
from ancu.server.web.render import render
from ancu.server.web.security import Security

__all__ = ["router"]

router = APIRouter(prefix="/break-glass", include_in_schema=False)


@router.get("")
async def openings(request: Request, session: Officer, security: Security) -> Response:
    """His own that last; and who opened his wards, ever."""
    return await _page(request, session, security)


@router.post("")
async def open_ward(request: Request, session: Officer, security: Security, form: Form) -> Response:
    """An hour in another ward. Whoever sees every ward already has nothing to open."""
    if Scope.of(session.viewer).wards is None:
        raise HTTPException(403)
    id_, ward, reason = session.viewer.id, text(form, "ward", 40), text(form, "reason", 600)
    try:
        await security.ask(lambda officers: officers.glass.break_for(id_, ward, reason), by=id_)
    except (UsageError, NotFound):
        return await _page(request, session, security, wrong=True, ward=ward, reason=reason, status=422)
    return RedirectResponse("/break-glass", 303)


@router.post("/{opening}/end")
async def end(opening: str, session: Officer, security: Security, _form: Form) -> Response:
    """Sooner than after an hour; what is another's, or nobody's, changes nothing and says nothing."""
    id_ = session.viewer.id
    await security.ask(lambda officers: officers.glass.close(id_, opening), by=id_)
    return RedirectResponse("/break-glass", 303)


async def _page(
    request: Request,
    session: Session,
    security: Security,
    *,
    wrong: bool = False,
    ward: str = "",
    reason: str = "",
    status: int = 200,
) -> Response:
    id_, seen = session.viewer.id, Scope.of(session.viewer).wards

    def reading(officers: Officers) -> dict[str, Any]:
        home = None if seen is None else officers.get(id_).wards
        entered = [one for one in officers.glass.into(home, all_=True) if one.officer != id_]
        shut = [] if seen is None else officers.glass.shut(seen)
        return {"own": officers.glass.of(id_), "entered": entered, "wards": shut}

    values = await security.ask(reading, by=id_)
    values |= {"wrong": wrong, "ward": ward, "reason": reason}
    return render(request, "break_glass.html", values, status=status)

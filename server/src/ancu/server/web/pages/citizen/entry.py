"""The way in by the kit's QR code and a code that opens once; and from one person of a home to the next."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from ancu.server.web.accounts import LockedOut, SignInRefused
from ancu.server.web.auth import Citizen, Form, client_address, pre_form, pre_token, remember, set_pre_token, text
from ancu.server.web.pages.citizen.family import switch
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]


@router.get("/k/{kit}")
async def scanned(request: Request, kit: str) -> Response:
    """Whoever scans a kit; the page is the same for a code that is none."""
    del kit
    return _page(request)


@router.post("/k/{kit}")
async def come_in(request: Request, kit: str, services: _Services) -> Response:
    form = await pre_form(request)
    if form is None:
        return _page(request, why="enter.form", status=403)
    try:
        signed_in = await services.accounts.enter_by_kit(
            kit[:64], text(form, "code", 40), client_address(request), at=services.clock.now()
        )
    except (SignInRefused, LockedOut) as refused:
        services.metrics.sign_ins.labels(refused.code).inc()
        if isinstance(refused, SignInRefused):
            return _page(request, why="qr_entry.refused", status=401)
        response = _page(request, why="enter.locked", status=429)
        response.headers["Retry-After"] = str(refused.retry_after_s)
        return response
    services.metrics.sign_ins.labels("ok").inc()
    response = RedirectResponse("/me", 303)
    remember(request, response, signed_in)
    return response


@router.post("/me/switch")
async def to_another(request: Request, _session: Citizen, services: _Services, form: Form) -> Response:
    response = RedirectResponse("/me", 303)
    if not await switch(request, response, services, text(form, "person", 40)):
        raise HTTPException(404)
    return response


def _page(request: Request, *, why: str | None = None, status: int = 200) -> Response:
    response = render(request, "citizen_kit.html", {"csrf": pre_token(request), "why": why}, status=status)
    set_pre_token(request, response)
    return response

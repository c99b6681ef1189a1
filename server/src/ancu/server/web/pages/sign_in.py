"""Sign-in of officers, entry of people under order, sign-out."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from ancu.server.web.accounts import LockedOut, SignedIn, SignInRefused
from ancu.server.web.auth import (
    Anyone,
    Form,
    client_address,
    forget,
    pre_form,
    pre_token,
    remember,
    session_token,
    set_pre_token,
    text,
)
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_OWN_PATH = re.compile(r"/(alerts|people|devices|orders|asks)(/[A-Za-z0-9._@:-]+)?")


@router.get("/login")
async def login(request: Request) -> Response:
    return _page(request, "login.html", why=_why(request))


@router.post("/login")
async def log_in(request: Request, services: _Services) -> Response:
    form = await pre_form(request)
    if form is None:
        return _page(request, "login.html", why="form", status=403)
    name = text(form, "login", 64)
    try:
        signed_in = await services.accounts.sign_in(
            name, text(form, "password", 400), client_address(request), at=services.clock.now()
        )
    except (SignInRefused, LockedOut) as refused:
        return _refused(request, services, "login.html", refused, login=name)
    wanted = request.query_params.get("next", "")
    return _welcome(request, services, signed_in, wanted if _OWN_PATH.fullmatch(wanted) else "/alerts")


@router.get("/enter")
async def enter(request: Request) -> Response:
    return _page(request, "enter.html", why=_why(request))


@router.post("/enter")
async def come_in(request: Request, services: _Services) -> Response:
    form = await pre_form(request)
    if form is None:
        return _page(request, "enter.html", why="form", status=403)
    try:
        signed_in = await services.accounts.enter(
            text(form, "code", 64), client_address(request), at=services.clock.now()
        )
    except (SignInRefused, LockedOut) as refused:
        return _refused(request, services, "enter.html", refused)
    return _welcome(request, services, signed_in, "/me")


@router.post("/touch", status_code=204)
async def touch(_form: Form) -> None:
    """The page says that a person is at it: the session's check has noted the time."""


@router.post("/logout")
async def log_out(request: Request, session: Anyone, services: _Services, _form: Form) -> Response:
    if token := session_token(request):
        await services.accounts.sign_out(token)
    response = RedirectResponse("/enter" if session.viewer.person else "/login", 303)
    forget(request, response)
    return response


def _page(request: Request, template: str, *, why: str | None, login: str = "", status: int = 200) -> Response:
    response = render(request, template, {"csrf": pre_token(request), "why": why, "login": login}, status=status)
    set_pre_token(request, response)
    return response


def _refused(
    request: Request, services: Services, template: str, refused: SignInRefused | LockedOut, login: str = ""
) -> Response:
    services.metrics.sign_ins.labels(refused.code).inc()
    if isinstance(refused, SignInRefused):
        return _page(request, template, why="refused", login=login, status=401)
    response = _page(request, template, why="locked", login=login, status=429)
    response.headers["Retry-After"] = str(refused.retry_after_s)
    return response


def _welcome(request: Request, services: Services, signed_in: SignedIn, where: str) -> Response:
    services.metrics.sign_ins.labels("ok").inc()
    response = RedirectResponse(where, 303)
    remember(request, response, signed_in)
    return response


def _why(request: Request) -> str | None:
    return "expired" if request.query_params.get("why") == "expired" else None

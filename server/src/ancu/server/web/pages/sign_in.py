"""Sign-in of officers, entry of people under order, sign-out."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from ancu.models.errors import AncuError
from ancu.server.ports import Role
from ancu.server.web import nav
from ancu.server.web.accounts import CodeNeeded, LockedOut, SignedIn, SignInRefused
from ancu.server.web.auth import (
    Anyone,
    Form,
    client_address,
    device_token,
    forget,
    pre_form,
    pre_token,
    remember,
    session_token,
    set_pre_token,
    text,
)
from ancu.server.web.render import render
from ancu.server.web.security import has_security, provider_of
from ancu.server.web.state import Services, services_of

__all__ = ["ask_code", "landing", "own_path", "refused", "router", "welcome"]

router = APIRouter(include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_OWN_PATH = re.compile(
    r"/(alerts|asks|break-glass|cameras|devices|fleet|map|orders|people|province|search|security|shift|sites?|wall)"
    r"(/[A-Za-z0-9._@:-]+)*"
)


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
            name,
            text(form, "password", 400),
            client_address(request),
            at=services.clock.now(),
            device=device_token(request),
        )
    except CodeNeeded as needed:
        return ask_code(request, needed.step)
    except (SignInRefused, LockedOut) as error:
        return refused(request, services, error, login=name)
    return welcome(request, services, signed_in)


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
    except (SignInRefused, LockedOut) as error:
        return refused(request, services, error, template="enter.html")
    return welcome(request, services, signed_in)


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


def own_path(request: Request) -> str:
    """Where he wanted to go, if that is a page of ours; or nothing."""
    wanted = request.query_params.get("next", "")
    return wanted if _OWN_PATH.fullmatch(wanted) else ""


def landing(signed_in: SignedIn, wanted: str) -> str:
    """Where a sign-in leads: where he wanted to go, or to where his day begins."""
    role = signed_in.session.viewer.role
    return nav.home(role) if role is Role.CITIZEN else wanted or nav.home(role)


def ask_code(request: Request, step: str, *, wrong: bool = False) -> Response:
    """The second half of a sign-in: the code that the officer's telephone shows."""
    values = {"csrf": pre_token(request), "step": step, "wrong": wrong, "next": request.query_params.get("next", "")}
    response = render(request, "login_code.html", values, status=401 if wrong else 200)
    set_pre_token(request, response)
    return response


def refused(
    request: Request,
    services: Services,
    error: AncuError | str,
    status: int = 401,
    *,
    login: str = "",
    template: str = "login.html",
) -> Response:
    """The sign-in page again, with the reason, which says no more than it must."""
    why = error if isinstance(error, str) else {"locked_out": "locked", "provider_failed": "provider"}.get(error.code)
    if not isinstance(error, str):
        services.metrics.sign_ins.labels(error.code).inc()
    status = {"locked": 429, "provider": 502}.get(why or "", status)
    response = _page(request, template, why=why or "refused", login=login, status=status)
    if isinstance(error, LockedOut):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def welcome(request: Request, services: Services, signed_in: SignedIn) -> Response:
    services.metrics.sign_ins.labels("ok").inc()
    response = RedirectResponse(landing(signed_in, own_path(request)), 303)
    remember(request, response, signed_in)
    return response


def _page(request: Request, template: str, *, why: str | None, login: str = "", status: int = 200) -> Response:
    provider = provider_of(request)
    values = {
        "csrf": pre_token(request),
        "why": why,
        "login": login,
        "provider": provider.settings.name if provider else None,
        "passkeys": has_security(request),
        "next": own_path(request),
    }
    response = render(request, template, values, status=status)
    set_pre_token(request, response)
    return response


def _why(request: Request) -> str | None:
    why = request.query_params.get("why")
    return why if why in ("expired", "again") else None

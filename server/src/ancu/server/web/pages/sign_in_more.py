"""Other ways in for officers: a one-time code after the password, a passkey, the province's identity provider."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from ancu.server.ports import NotFound
from ancu.server.web import passkeys
from ancu.server.web.accounts import CodeNeeded, LockedOut, SignInRefused
from ancu.server.web.auth import client_address, device_token, pre_form, remember, text
from ancu.server.web.oidc import Provider, ProviderFailed
from ancu.server.web.pages.sign_in import ask_code, landing, own_path, refused, welcome
from ancu.server.web.passkeys import PasskeyRefused
from ancu.server.web.render import render
from ancu.server.web.security import Security, SecurityPort, provider_of
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/login", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_CREDENTIAL_CHARS = 20_000
_STATE_COOKIE = "ancu-oidc"
_STATE_S = 300


@router.post("/code")
async def give_code(request: Request, services: _Services) -> Response:
    """The second half of a sign-in by password."""
    form = await pre_form(request)
    if form is None:
        return refused(request, services, "form", 403)
    try:
        signed_in = await services.accounts.give_code(
            text(form, "step", 100),
            text(form, "code", 20),
            client_address(request),
            at=services.clock.now(),
            device=device_token(request),
        )
    except CodeNeeded as again:
        services.metrics.sign_ins.labels("sign_in_refused").inc()
        return ask_code(request, again.step, wrong=True)
    except (SignInRefused, LockedOut) as error:
        return refused(request, services, error)
    return welcome(request, services, signed_in)


@router.post("/passkey/options")
async def passkey_options(request: Request, security: Security) -> Response:
    if await pre_form(request) is None:
        raise HTTPException(403, "form token")
    asked = passkeys.challenge()
    step = await security.ask(lambda officers: officers.factors.begin("passkey", asked), by="pages")
    return JSONResponse({"step": step, "options": json.loads(passkeys.request_options(request, asked))})


@router.post("/passkey")
async def passkey(request: Request, services: _Services, security: Security) -> Response:
    """Sign in with a passkey: no password is asked, so no stranger's failures can shut this door."""
    form = await pre_form(request)
    if form is None:
        raise HTTPException(403, "form token")
    credential, step = text(form, "credential", _CREDENTIAL_CHARS), text(form, "step", 100)
    try:
        officer = await _of_passkey(request, security, credential, step)
        signed_in = await security.open_officer(officer, at=services.clock.now(), device=device_token(request))
    except (PasskeyRefused, SignInRefused):
        services.metrics.sign_ins.labels("passkey_refused").inc()
        raise
    services.metrics.sign_ins.labels("ok").inc()
    response = JSONResponse({"to": landing(signed_in, own_path(request))})
    remember(request, response, signed_in)
    return response


async def _of_passkey(request: Request, security: SecurityPort, credential: str, step: str) -> str:
    """Whose passkey this is; raises PasskeyRefused."""
    id_ = passkeys.id_of(credential)
    begun = await security.ask(lambda officers: officers.factors.finish("passkey", step), by="pages")
    key = await security.ask(lambda officers: officers.factors.passkey(id_), by="pages")
    if begun is None or key is None:
        raise PasskeyRefused
    uses = passkeys.used(request, credential, begun[1], key)
    await security.ask(lambda officers: officers.factors.passkey_used(id_, uses), by="pages")
    return key.officer


def _provider(request: Request) -> Provider:
    provider = provider_of(request)
    if provider is None:
        raise NotFound("no identity provider")
    return provider


_Provider = Annotated[Provider, Depends(_provider)]


@router.get("/oidc")
async def to_provider(request: Request, services: _Services, provider: _Provider, security: Security) -> Response:
    """Send the browser to the province's identity provider."""
    state = await security.ask(lambda officers: officers.factors.begin("oidc"), by="pages")
    try:
        where, nonce, verifier = await provider.begin(_back(request), state)
    except ProviderFailed as error:
        return refused(request, services, error)
    kept = json.dumps({"nonce": nonce, "verifier": verifier, "to": own_path(request)}).encode()
    await security.ask(lambda officers: officers.factors.keep(state, kept), by="pages")
    response = RedirectResponse(where, 303)
    # Lax: it must come along when the provider sends the browser back, which a strict cookie does not.
    response.set_cookie(
        _state_cookie(services), state, max_age=_STATE_S, path="/", httponly=True, samesite="lax",
        secure=services.settings.secure,
    )  # fmt: skip
    return response


@router.get("/oidc/back")
async def from_provider(  # noqa: PLR0917 - by name: they are a query
    request: Request,
    services: _Services,
    provider: _Provider,
    security: Security,
    state: Annotated[str, Query(max_length=100)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
) -> Response:
    """The provider sent the browser back. The state must be this browser's own, and opens once."""
    begun = None
    if state and state == request.cookies.get(_state_cookie(services)):
        begun = await security.ask(lambda officers: officers.factors.finish("oidc", state), by="pages")
    if begun is None or not begun[1] or not code:
        return refused(request, services, "form", 403)
    kept = json.loads(begun[1])
    try:
        claimed = await provider.finish(code, _back(request), kept["nonce"], kept["verifier"])
        officer = await security.ask(
            lambda officers: officers.factors.officer_at(claimed.issuer, claimed.subject, claimed.login), by="pages"
        )
        signed_in = await security.open_officer(officer or "", at=services.clock.now(), device=device_token(request))
    except (ProviderFailed, SignInRefused) as error:
        return refused(request, services, error)
    services.metrics.sign_ins.labels("ok").inc()
    # A page that goes on by itself: a redirect would still be the provider's, and carry no strict cookie.
    response = render(request, "arrived.html", {"to": landing(signed_in, kept["to"])})
    remember(request, response, signed_in)
    response.delete_cookie(_state_cookie(services), path="/")
    return response


def _back(request: Request) -> str:
    origin = services_of(request).settings.origin or f"http://{request.headers['host']}"
    return f"{origin}/login/oidc/back"


def _state_cookie(services: Services) -> str:
    return f"__Host-{_STATE_COOKIE}" if services.settings.secure else _STATE_COOKIE

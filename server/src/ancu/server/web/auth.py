"""Who asks: the cookie or bearer token of a request, turned into a viewer; and whether a form is the person's own."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ancu.server.ports import Role, Viewer
from ancu.server.web.accounts import Session, SignedIn
from ancu.server.web.problems import SignInNeeded
from ancu.server.web.state import services_of

__all__ = [
    "Anyone",
    "Citizen",
    "Form",
    "Key",
    "Officer",
    "asks_for_session",
    "bearer_token",
    "check_origin",
    "check_pre_token",
    "client_address",
    "device_token",
    "forget",
    "idempotency_key",
    "pre_token",
    "remember",
    "session_token",
    "set_pre_token",
    "still_signed_in",
    "text",
]

_KEY_CHARS = 128
_YEAR_S = 365 * 86_400
_QUIET = frozenset({  # asked by a timer or an event, not by a person
    "/alerts/list", "/alerts/rows", "/alerts/stream", "/api/v1/alerts/stream",
})  # fmt: skip


def session_token(request: Request) -> str | None:
    return request.cookies.get(_cookie(request, "ancu"))


def remember(request: Request, response: Response, signed_in: SignedIn) -> None:
    """Hand a session's secret to the browser."""
    _set(request, response, _cookie(request, "ancu"), signed_in.token)
    if signed_in.device is not None:
        _set(request, response, _cookie(request, "ancu-device"), signed_in.device, max_age=_YEAR_S)
    response.delete_cookie(_cookie(request, "ancu-pre"), path="/")


def device_token(request: Request) -> str | None:
    """What a device that somebody signed in with before shows."""
    return request.cookies.get(_cookie(request, "ancu-device"))


def forget(request: Request, response: Response) -> None:
    _set(request, response, _cookie(request, "ancu"), "", max_age=0)


def pre_token(request: Request) -> str:
    """What a sign-in form must carry before there is a session: bound to a cookie that another site cannot read."""
    cookie = request.cookies.get(_cookie(request, "ancu-pre")) or secrets.token_urlsafe(32)
    request.state.pre_cookie = cookie
    return _pre_form_token(cookie)


def set_pre_token(request: Request, response: Response) -> None:
    cookie = getattr(request.state, "pre_cookie", None)
    if cookie:
        _set(request, response, _cookie(request, "ancu-pre"), cookie)


def client_address(request: Request) -> str:
    """Who to count failed sign-ins against: the last address that a proxy of ours, or else the socket, vouches for."""
    peer = request.client.host if request.client else "?"
    if peer in services_of(request).settings.forwarded_by:
        return request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip() or peer
    return peer


def bearer_token(request: Request) -> str | None:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


async def _session(request: Request) -> Session | None:
    """The session of the request's bearer token or cookie; for templates it is in `request.state.session`."""
    services = services_of(request)
    at = services.clock.now()
    session: Session | None = None
    if request.headers.get("authorization"):
        if (token := bearer_token(request)) and request.url.path.startswith("/api/"):
            session = await services.accounts.bearer(token, at=at)
    elif token := session_token(request):
        session = await services.accounts.session(token, at=at, touch=request.url.path not in _QUIET)
        request.state.ended = session is None  # there was one: the sign-in says so
    request.state.session = session
    return session


async def still_signed_in(request: Request, viewer: Viewer) -> bool:
    """Whether the request's session still lasts, for the same person with the same wards; touches nothing."""
    session = await _session(request)
    return session is not None and session.viewer == viewer


async def _anyone(request: Request) -> Session:
    session = await _session(request)
    if session is None:
        raise SignInNeeded
    return session


async def _officer(session: Annotated[Session, Depends(_anyone)]) -> Session:
    if session.viewer.role is Role.CITIZEN:
        raise HTTPException(403)
    return session


async def _citizen(session: Annotated[Session, Depends(_anyone)]) -> Session:
    if session.viewer.role is not Role.CITIZEN or session.viewer.person is None:
        raise HTTPException(403)
    return session


def asks_for_session(dependency: object) -> bool:
    """Whether a route's dependency lets nobody pass who is not signed in."""
    return dependency is _anyone


def check_origin(request: Request) -> None:
    """Refuse what another site made the browser send; programs send neither header and bring their own proof."""
    site = request.headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none"):
        raise HTTPException(403, "cross-site request")
    origin = request.headers.get("origin")
    if origin is not None and origin.split("://")[-1] != request.headers.get("host"):
        raise HTTPException(403, "cross-site request")


async def _form(request: Request, session: Annotated[Session, Depends(_anyone)]) -> FormData:
    check_origin(request)
    form = await request.form(max_files=0, max_fields=20)
    if not session.csrf or not hmac.compare_digest(text(form, "csrf").encode(), session.csrf.encode()):
        raise HTTPException(403, "form token")
    return form


def check_pre_token(request: Request, token: str) -> None:
    """The same for a program of ours on the page that has no session yet; raises HTTPException."""
    check_origin(request)
    cookie = request.cookies.get(_cookie(request, "ancu-pre"), "")
    if not cookie or not hmac.compare_digest(token.encode(), _pre_form_token(cookie).encode()):
        raise HTTPException(403, "form token")


async def pre_form(request: Request) -> FormData | None:
    """The form of somebody who is not signed in yet; None where its token is not the cookie's."""
    check_origin(request)
    form = await request.form(max_files=0, max_fields=20)
    cookie = request.cookies.get(_cookie(request, "ancu-pre"), "")
    if not cookie or not hmac.compare_digest(text(form, "csrf").encode(), _pre_form_token(cookie).encode()):
        return None
    return form


def text(form: FormData, name: str, limit: int = 2000) -> str:
    """A field of a form, at most `limit` characters; empty where it is absent."""
    value = form.get(name, "")
    return "" if isinstance(value, UploadFile) else value[:limit]


def idempotency_key(request: Request) -> str:
    """The key that the asker chose, 1 to 128 visible ASCII characters.

    A browser sends this header across sites only with our leave, which nobody has: so it also stops forged requests.
    """
    check_origin(request)
    key = request.headers.get("idempotency-key", "")
    if not 1 <= len(key) <= _KEY_CHARS or not all("!" <= char <= "~" for char in key):
        raise HTTPException(400, "an Idempotency-Key header of 1 to 128 visible characters is needed")
    return key


Anyone = Annotated[Session, Depends(_anyone)]
Officer = Annotated[Session, Depends(_officer)]
Citizen = Annotated[Session, Depends(_citizen)]
Form = Annotated[FormData, Depends(_form)]
Key = Annotated[str, Depends(idempotency_key)]


def _cookie(request: Request, name: str) -> str:
    """`__Host-` by https; else the port is in the name, for instances side by side share a loopback host's cookies."""
    if services_of(request).settings.secure:
        return f"__Host-{name}"
    return f"{name}-{request.url.port or 80}"


def _set(request: Request, response: Response, name: str, value: str, max_age: int | None = None) -> None:
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path="/",
        httponly=True,
        samesite="strict",
        secure=services_of(request).settings.secure,
    )


def _pre_form_token(cookie: str) -> str:
    return hashlib.sha256(b"ancu/form/" + cookie.encode()).hexdigest()

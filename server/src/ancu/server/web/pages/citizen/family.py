"""Several people on one telephone: each was entered with a code of his own, and each page is a session of its own.

A cookie keeps the sessions that were opened on this telephone, so that a guardian goes from one child to the next. It
opens nothing that those codes did not open.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from ancu.server.web.accounts import Session, SignedIn
from ancu.server.web.auth import remember, session_token
from ancu.server.web.state import Services, services_of

__all__ = ["Member", "keep", "members", "switch"]

_MOST = 8  # sessions in a cookie of 4 KiB
_NAME = "ancu-family"


@dataclass(frozen=True, slots=True)
class Member:
    person: str
    name: str
    here: bool


async def members(request: Request, services: Services, session: Session) -> list[Member]:
    """Who can be seen on this telephone, the one who is shown among them; one alone is an empty list."""
    viewers = {held.viewer.person or "": held.viewer for held in (await _sessions(request, services)).values()}
    if len(viewers) == 1:
        return []
    details = [await services.desk.person(viewer, person) for person, viewer in viewers.items()]
    return [Member(one.id, one.label.split(" · ")[0], one.id == session.viewer.person) for one in details]


async def switch(request: Request, response: Response, services: Services, person: str) -> bool:
    """Show another of them from now on; False for somebody whose code was not entered here."""
    for token, held in (await _sessions(request, services)).items():
        if held.viewer.person == person:
            remember(request, response, SignedIn(token, held))
            return True
    return False


def keep(request: Request, response: Response) -> None:
    """Note the session that is open now among those of this telephone."""
    token = session_token(request)
    held = _tokens(request)
    if token and token not in held:
        secure = services_of(request).settings.secure
        value = ".".join([*held, token][-_MOST:])
        response.set_cookie(_cookie(request), value, path="/", httponly=True, samesite="strict", secure=secure)


async def _sessions(request: Request, services: Services) -> dict[str, Session]:
    """Sessions of the cookie that still last."""
    token = session_token(request)
    at = services.clock.now()
    found = {}
    for held in [*_tokens(request), *([token] if token else [])]:
        session = await services.accounts.session(held, at=at, touch=False)
        if session is not None and session.viewer.person is not None:
            found[held] = session
    return found


def _tokens(request: Request) -> list[str]:
    return [token for token in request.cookies.get(_cookie(request), "").split(".") if token][:_MOST]


def _cookie(request: Request) -> str:
    if services_of(request).settings.secure:
        return f"__Host-{_NAME}"
    return f"{_NAME}-{request.url.port or 80}"

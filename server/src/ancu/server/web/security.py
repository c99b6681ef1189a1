"""What an officer may do with his own account, behind the application; without it those pages answer 404."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Protocol, TypeVar

from fastapi import Depends, FastAPI, Request

from ancu.server.people.officers import Officers
from ancu.server.ports import NotFound
from ancu.server.web.accounts import SignedIn
from ancu.server.web.oidc import Provider

__all__ = ["Security", "SecurityPort", "has_security", "install", "provider_of", "security_of"]

T = TypeVar("T")


class SecurityPort(Protocol):
    """`accounts_sqlite.py` implements it."""

    async def ask(self, question: Callable[[Officers], T], *, by: str) -> T:
        """Something of the accounts themselves; what it changes is logged as `by`'s doing."""
        ...

    async def open_officer(self, officer: str, *, at: datetime, device: str | None = None) -> SignedIn:
        """A session of somebody who has proved who he is; raises SignInRefused for an account that is shut."""
        ...


def install(app: FastAPI, security: SecurityPort, provider: Provider | None = None) -> None:
    app.state.security, app.state.provider = security, provider


def security_of(request: Request) -> SecurityPort:
    """The dependency of a route; raises NotFound."""
    security: SecurityPort | None = getattr(request.app.state, "security", None)
    if security is None:
        raise NotFound("no accounts here")
    return security


def has_security(request: Request) -> bool:
    return getattr(request.app.state, "security", None) is not None


def provider_of(request: Request) -> Provider | None:
    """The province's identity provider, where there is one."""
    provider: Provider | None = getattr(request.app.state, "provider", None)
    return provider


Security = Annotated[SecurityPort, Depends(security_of)]

"""`/api/v1/sessions`: a bearer token for a script, by the same door as the pages' sign-in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from ancu.server.web.accounts import CodeNeeded, LockedOut, SignInRefused
from ancu.server.web.api.common import KEYED, PROBLEMS
from ancu.server.web.auth import Anyone, Key, bearer_token, client_address
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/sessions", tags=["sessions"], responses=PROBLEMS)
_Services = Annotated[Services, Depends(services_of)]


class Credentials(BaseModel):
    model_config = ConfigDict(extra="forbid")

    login: str = Field(max_length=64)
    password: str = Field(max_length=400)
    code: str | None = Field(None, max_length=20, description="of an account with one-time codes, which asks for it")


class Opened(BaseModel):
    """Send the token as `Authorization: Bearer`; it ends at `expires_at`, or sooner when it lies idle."""

    token: str
    token_type: str = "bearer"  # noqa: S105 - OAuth's word for the kind, no secret
    expires_at: datetime


@router.post("", status_code=201, openapi_extra=KEYED)
async def sign_in(body: Credentials, request: Request, _key: Key, services: _Services) -> Opened:
    """Sign an officer in. A secret is never answered twice, so each call opens a session of its own."""
    at, address = services.clock.now(), client_address(request)
    try:
        try:
            signed_in = await services.accounts.sign_in(body.login, body.password, address, at=at)
        except CodeNeeded as needed:
            if body.code is None:
                raise
            signed_in = await services.accounts.give_code(needed.step, body.code, address, at=at)
    except (SignInRefused, LockedOut, CodeNeeded) as refused:
        services.metrics.sign_ins.labels(refused.code).inc()
        raise
    services.metrics.sign_ins.labels("ok").inc()
    return Opened(token=signed_in.token, expires_at=signed_in.session.expires_at)


@router.delete("", status_code=204)
async def sign_out(request: Request, _session: Anyone, services: _Services) -> None:
    """End the bearer token's session."""
    if token := bearer_token(request):
        await services.accounts.sign_out(token)

"""Search: people by part of a name or id, alerts and devices by part of an id. Only what the officer may see."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from ancu.server.web.auth import Officer
from ancu.server.web.pages.inbox import console
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_MOST = 20


@router.get("/search")
async def search(
    request: Request,
    session: Officer,
    services: Annotated[Services, Depends(services_of)],
    q: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    wanted = q.strip()
    found = await console(services).find(session.viewer, wanted, limit=_MOST) if wanted else None
    return render(request, "search.html", {"wanted": wanted, "found": found, "most": _MOST})

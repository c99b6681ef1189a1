"""Devices: what they are, how they are, when they were last seen."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from ancu.server.web.auth import Officer
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/devices", include_in_schema=False)
_ORDER = ("fault", "silent", "unknown", "new", "ok", "revoked")  # what needs somebody first


@router.get("")
async def devices(
    request: Request,
    session: Officer,
    services: Annotated[Services, Depends(services_of)],
    kind: Annotated[Literal["", "band", "edge", "gateway", "camera"], Query()] = "",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    page = await services.desk.devices(session.viewer, kind=kind or None, limit=200, cursor=cursor)
    rows = sorted(page.items, key=lambda row: _ORDER.index(row.state) if row.state in _ORDER else 0)
    return render(request, "devices.html", {"rows": rows, "kind": kind, "more": page.next_cursor})

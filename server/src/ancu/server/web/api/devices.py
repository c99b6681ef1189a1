"""`/api/v1/devices`: bands, edges, gateways and cameras with their state."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from ancu.server.ports import DeviceRow
from ancu.server.web.api.common import PROBLEMS
from ancu.server.web.auth import Officer
from ancu.server.web.state import Services, services_of

__all__ = ["DevicePage", "router"]

router = APIRouter(prefix="/api/v1/devices", tags=["devices"], responses=PROBLEMS)


class DevicePage(BaseModel):
    items: list[DeviceRow]
    next_cursor: str | None


@router.get("")
async def devices(
    session: Officer,
    services: Annotated[Services, Depends(services_of)],
    kind: Annotated[Literal["band", "edge", "gateway", "camera"] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> DevicePage:
    """Devices of the asker's wards, a page at a time."""
    page = await services.desk.devices(session.viewer, kind=kind, limit=limit, cursor=cursor)
    return DevicePage(items=list(page.items), next_cursor=page.next_cursor)

"""`/api/v1/me`: who asks; for a person under order, the order, the days left, and SOS."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from ancu.server.ports import AlertRow, Role
from ancu.server.ports.citizen import AccessRow, ErasureRow
from ancu.server.web.api.citizens import citizens_of
from ancu.server.web.api.common import KEYED, PROBLEMS, scoped
from ancu.server.web.auth import Anyone, Citizen, Key
from ancu.server.web.days import days_left
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["me"], responses=PROBLEMS)
_Services = Annotated[Services, Depends(services_of)]


class MyOrder(BaseModel):
    id: str
    starts_at: datetime
    until: datetime
    ended_at: datetime | None
    days_left: int


class Me(BaseModel):
    """`order` and what follows only for a person under order; `wards` null where the asker sees all."""

    id: str
    role: Role
    wards: list[str] | None
    order: MyOrder | None = None
    presence: str | None = None
    last_heard_at: datetime | None = None
    latest: dict[str, Any] | None = None


class SosRaised(BaseModel):
    alert: str
    opened_at: datetime
    acknowledged: bool


@router.get("/me")
async def me(session: Anyone, services: _Services) -> Me:
    viewer = session.viewer
    if viewer.role is not Role.CITIZEN or viewer.person is None:
        return Me(id=viewer.id, role=viewer.role, wards=None if viewer.wards is None else sorted(viewer.wards))
    person = await services.desk.person(viewer, viewer.person)
    return Me(
        id=person.id,
        role=viewer.role,
        wards=[person.ward],
        order=MyOrder(
            id=person.order,
            starts_at=person.order_from,
            until=person.order_until,
            ended_at=person.ended_at,
            days_left=days_left(person, services.clock.now()),
        ),
        presence=person.presence,
        last_heard_at=person.last_heard_at,
        latest=dict(person.latest),
    )


@router.post("/me:sos", openapi_extra=KEYED)
async def sos(session: Citizen, key: Key, services: _Services) -> SosRaised:
    """Ask for help at once; the same key again raises nothing new."""
    row: AlertRow = await services.desk.sos(session.viewer, key=scoped(session.viewer, key))
    return SosRaised(alert=row.id, opened_at=row.opened_at, acknowledged=row.acknowledged_by is not None)


@router.get("/me/accesses")
async def accesses(request: Request, session: Citizen) -> list[AccessRow]:
    """Who looked at the asker's data, newest first; lists of many people are not counted as a look."""
    return list(await citizens_of(request).accesses(session.viewer))


@router.get("/me/export")
async def export(request: Request, session: Citizen) -> dict[str, Any]:
    """Everything that is stored of the asker."""
    return dict(await citizens_of(request).take_away(session.viewer))


@router.post("/me:erase", openapi_extra=KEYED)
async def erase(request: Request, session: Citizen, key: Key) -> ErasureRow:
    """Erase what names the asker and what he told, once his order is over; the answer is the receipt."""
    return await citizens_of(request).erase(session.viewer, key=scoped(session.viewer, key))

"""`/api/v1/shifts`, `/colleagues`, `/handovers`: who watches when, and open items passed on by two signatures."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ancu.server.ports.office import Colleague, HandoverRow, WatchRow
from ancu.server.web.api.common import KEYED, PROBLEMS, scoped
from ancu.server.web.auth import Key, Officer
from ancu.server.web.office import Office
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["shifts"], responses=PROBLEMS)
_Services = Annotated[Services, Depends(services_of)]
_Id = Annotated[str, Field(min_length=1, max_length=40)]
_Time = Annotated[AwareDatetime | None, Query()]
_BACK, _AHEAD = timedelta(hours=12), timedelta(days=7)


class Watches(BaseModel):
    items: list[WatchRow]


class Colleagues(BaseModel):
    items: list[Colleague]


class Handovers(BaseModel):
    items: list[HandoverRow]


class Draw(BaseModel):
    """To whom; the asker is the giver."""

    model_config = ConfigDict(extra="forbid")

    ward: _Id
    taker: _Id


class Signature(BaseModel):
    """The hash of the list that was read."""

    model_config = ConfigDict(extra="forbid")

    hash: str = Field(pattern="^[0-9a-f]{64}$")


@router.get("/shifts")
async def shifts(  # noqa: PLR0917 - by name: they are a query
    session: Officer,
    services: _Services,
    office: Office,
    ward: Annotated[str | None, Query(max_length=40)] = None,
    start: Annotated[_Time, Query(alias="from")] = None,
    end: Annotated[_Time, Query(alias="to")] = None,
) -> Watches:
    """Shifts, on-call watches and absences that touch a time; without one, from 12 hours ago until a week ahead."""
    now = services.clock.now()
    start = start or now - _BACK
    found = await office.watches(session.viewer, start, end or max(now, start) + _AHEAD, ward=ward)
    return Watches(items=list(found))


@router.get("/colleagues")
async def colleagues(session: Officer, office: Office, ward: Annotated[str, Query(max_length=40)]) -> Colleagues:
    """Whom a ward can be handed to, and who of them watches now."""
    return Colleagues(items=list(await office.colleagues(session.viewer, ward)))


@router.post("/handovers", status_code=201, openapi_extra=KEYED)
async def draw(body: Draw, session: Officer, key: Key, office: Office) -> HandoverRow:
    """Freeze a ward's open items in a list for both to sign."""
    return await office.draw_handover(session.viewer, body.ward, body.taker, key=scoped(session.viewer, key))


@router.get("/handovers")
async def handovers(session: Officer, office: Office) -> Handovers:
    """The newest first."""
    return Handovers(items=list(await office.handovers(session.viewer)))


@router.get("/handovers/{handover}")
async def handover(handover: str, session: Officer, office: Office) -> HandoverRow:
    return await office.handover(session.viewer, handover)


@router.post("/handovers/{handover}:sign", openapi_extra=KEYED)
async def sign(handover: str, body: Signature, session: Officer, key: Key, office: Office) -> HandoverRow:
    """Sign. When both have, what the giver owned is the taker's."""
    return await office.sign_handover(session.viewer, handover, body.hash, key=scoped(session.viewer, key))

"""My shift: who watches when, what is mine, and open items passed on in a list that both officers sign."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from ancu.server.ports import NotFound, Role, Viewer
from ancu.server.ports.office import OfficePort
from ancu.server.web.api.common import scoped
from ancu.server.web.auth import Form, Officer, text
from ancu.server.web.office import office_of
from ancu.server.web.pages.inbox import console
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/shift", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_BACK, _AHEAD = timedelta(hours=12), timedelta(days=7)
_SHOWN = 10


def _office(request: Request) -> OfficePort | None:
    """None where this application has no office: the page then says so."""
    try:
        return office_of(request)
    except NotFound:
        return None


_Office = Annotated[OfficePort | None, Depends(_office)]


@router.get("")
async def shift(request: Request, session: Officer, services: _Services, office: _Office) -> Response:
    viewer, now = session.viewer, services.clock.now()
    wards = await console(services).wards(viewer)
    mine = await console(services).queue(viewer, mine=True, limit=_SHOWN)
    values: dict[str, Any] = {
        "wards": wards,
        "mine": mine.items,
        "mine_count": sum(mine.counts.values()),
        "office": office is not None,
        "watches": [],
        "handovers": [],
        "takers": [],
    }
    if office is not None:
        values["watches"] = await office.watches(viewer, now - _BACK, now + _AHEAD)
        values["handovers"] = list(await office.handovers(viewer))[:_SHOWN]
        if viewer.role is not Role.PROVINCE:
            values["takers"] = [(ward, await office.colleagues(viewer, ward.ward)) for ward in wards]
    return render(request, "shift.html", values)


@router.post("/handover")
async def draw(session: Officer, office: _Office, form: Form) -> Response:
    """Freeze a ward's open items; `to` names ward and taker."""
    ward, _, taker = text(form, "to", 100).partition("|")
    drawn = await _there(office).draw_handover(session.viewer, ward, taker, key=_key(form, session.viewer))
    return RedirectResponse(f"/shift/{drawn.id}", 303)


@router.get("/{handover}")
async def handover(request: Request, handover: str, session: Officer, services: _Services, office: _Office) -> Response:
    held = await _there(office).handover(session.viewer, handover)
    rows = {row.id: row for row in await console(services).rows(session.viewer, [item.alert for item in held.items])}
    names = await services.accounts.names({item.owner for item in held.items if item.owner})
    return render(request, "handover.html", {"held": held, "rows": rows, "names": names})


@router.post("/{handover}/sign")
async def sign(handover: str, session: Officer, office: _Office, form: Form) -> Response:
    """Sign the list that was read."""
    held = await _there(office).sign_handover(
        session.viewer, handover, text(form, "hash", 64), key=_key(form, session.viewer)
    )
    return RedirectResponse(f"/shift/{held.id}", 303)


def _there(office: OfficePort | None) -> OfficePort:
    if office is None:
        raise HTTPException(404)
    return office


def _key(form: FormData, viewer: Viewer) -> str:
    key = text(form, "key", 64)
    if not key:
        raise HTTPException(400, "the form's key is missing")
    return scoped(viewer, key)

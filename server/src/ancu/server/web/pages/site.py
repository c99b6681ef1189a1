"""Quarantine sites: the board, the plan that staff draw, and who lies where."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from ancu.server.people.sites_plan import HEIGHT, WIDTH, PlanChanged, PlanRefused, Room, Saved
from ancu.server.ports import Viewer
from ancu.server.ports.exchange import Refused
from ancu.server.ports.site import SitePort
from ancu.server.web.api.common import scoped
from ancu.server.web.auth import Form, Officer, text
from ancu.server.web.render import render
from ancu.server.web.site import Sites
from ancu.server.web.state import Services, services_of

__all__ = ["extent", "form_key", "router"]

router = APIRouter(prefix="/sites", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_PLAN_CHARS = 60_000  # of a form: hundreds of beds


@router.get("")
async def sites(request: Request, session: Officer, desk: Sites) -> Response:
    rows = await desk.sites(session.viewer)
    if len(rows) == 1:
        return RedirectResponse(f"/sites/{rows[0].id}", 303)
    return render(request, "sites.html", {"rows": rows})


@router.get("/{site}")
async def board(request: Request, site: str, session: Officer, desk: Sites) -> Response:
    held = await desk.board(session.viewer, site)
    return render(request, "site.html", {"board": held, "extent": extent(held.plan), "wall": False})


@router.get("/{site}/plan")
async def plan(request: Request, site: str, session: Officer, desk: Sites) -> Response:
    return await _plan(request, desk, session.viewer, site)


@router.post("/{site}/plan")
async def save_plan(request: Request, site: str, session: Officer, desk: Sites, form: Form) -> Response:
    drawn = text(form, "plan", _PLAN_CHARS)
    try:
        rooms = msgspec.json.decode(drawn.encode(), type=list[Room])
        after = int(text(form, "after", 12))
    except (msgspec.DecodeError, ValueError):
        raise HTTPException(422, "no plan") from None
    try:
        await desk.save_plan(session.viewer, site, rooms, after=after, key=form_key(session.viewer, form))
    except (PlanRefused, PlanChanged) as refused:
        name = getattr(refused, "name", "")
        why = refused.why if isinstance(refused, PlanRefused) else "changed"
        return await _plan(request, desk, session.viewer, site, drawn=drawn, why=why, name=name)
    return RedirectResponse(f"/sites/{site}", 303)


@router.get("/{site}/beds")
async def beds(request: Request, site: str, session: Officer, desk: Sites) -> Response:
    return await _beds(request, desk, session.viewer, site)


@router.post("/{site}/beds")
async def assign(request: Request, site: str, session: Officer, desk: Sites, form: Form) -> Response:
    person, bed = text(form, "person", 64), text(form, "bed", 16) or None
    try:
        await desk.assign_bed(session.viewer, site, person, bed, key=form_key(session.viewer, form))
    except Refused as refused:
        return await _beds(request, desk, session.viewer, site, why=refused.why)
    return RedirectResponse(f"/sites/{site}/beds#{person}", 303)


@router.post("/{site}/count")
async def count(site: str, session: Officer, desk: Sites, form: Form) -> Response:
    number = text(form, "people", 6)
    if not (number.isascii() and number.isdigit()):
        raise HTTPException(422, "a head count is a number")
    await desk.count(session.viewer, site, int(number), key=form_key(session.viewer, form))
    return RedirectResponse(f"/sites/{site}", 303)


def extent(plan: Saved) -> tuple[int, int]:
    """Width and height of what is drawn, with a little room around it: an empty half of a plan shows nothing."""
    return (
        max((room.x + room.width + 2 for room in plan.rooms), default=WIDTH),
        max((room.y + room.height + 2 for room in plan.rooms), default=HEIGHT),
    )


def form_key(viewer: Viewer, form: Any) -> str:
    """The page's own key, made with the form: a second tap is the same wish."""
    key = text(form, "key", 64)
    if not key:
        raise HTTPException(400, "the form's key is missing")
    return scoped(viewer, key)


async def _plan(
    request: Request, desk: SitePort, viewer: Viewer, site: str, *, drawn: str = "", why: str = "", name: str = ""
) -> Response:
    held = await desk.board(viewer, site)
    residents = {one.bed: one.label for one in await desk.residents(viewer, site) if one.bed}
    values = {
        "site": held.site,
        "version": held.plan.version,
        "drawn": drawn or msgspec.json.encode(held.plan.rooms).decode(),
        "taken": msgspec.json.encode(sorted(residents)).decode(),
        "why": why,
        "name": name,
        "width": WIDTH,
        "height": HEIGHT,
    }
    return render(request, "site_plan.html", values, status=409 if why else 200)


async def _beds(request: Request, desk: SitePort, viewer: Viewer, site: str, *, why: str = "") -> Response:
    held = await desk.board(viewer, site)
    rows = await desk.residents(viewer, site)
    values = {"site": held.site, "plan": held.plan, "rows": rows, "taken": {one.bed for one in rows}, "why": why}
    return render(request, "site_beds.html", values, status=409 if why else 200)

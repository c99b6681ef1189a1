"""A camera's picture with the doors and zones that staff draw on it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from ancu.models.commands import Door, Zone
from ancu.server.people.sites_drawing import DrawingChanged, DrawingRefused
from ancu.server.ports import Viewer
from ancu.server.ports.site import SitePort
from ancu.server.web.auth import Form, Officer, text
from ancu.server.web.pages.site import form_key
from ancu.server.web.render import render
from ancu.server.web.site import Sites
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/cameras/{edge}/{camera}", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_DRAWN_CHARS = 30_000


class _Drawn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    doors: tuple[Door, ...] = ()
    zones: tuple[Zone, ...] = ()


@router.get("")
async def camera(
    request: Request, edge: str, camera: str, *, session: Officer, desk: Sites, services: _Services
) -> Response:
    return await _page(request, desk, services, viewer=session.viewer, edge=edge, camera=camera)


@router.post("")
async def save(
    request: Request, edge: str, camera: str, *, session: Officer, desk: Sites, services: _Services, form: Form
) -> Response:
    drawn = text(form, "drawn", _DRAWN_CHARS)
    try:
        read = msgspec.json.decode(drawn.encode(), type=_Drawn)
        after = int(text(form, "after", 12))
    except (msgspec.DecodeError, ValueError):
        raise HTTPException(422, "no drawing") from None
    key = form_key(session.viewer, form)
    try:
        await desk.save_drawing(session.viewer, edge, camera, read.doors, read.zones, after=after, key=key)
    except (DrawingRefused, DrawingChanged) as refused:
        why, name = (refused.why, refused.name) if isinstance(refused, DrawingRefused) else ("changed", "")
        more: dict[str, Any] = {"drawn": drawn, "why": why, "name": name, "status": 409}
        return await _page(request, desk, services, viewer=session.viewer, edge=edge, camera=camera, **more)
    return RedirectResponse(f"/cameras/{edge}/{camera}#use", 303)


@router.post("/still")
async def ask(edge: str, camera: str, session: Officer, desk: Sites, form: Form) -> Response:
    await desk.ask_still(session.viewer, edge, camera, key=form_key(session.viewer, form))
    return RedirectResponse(f"/cameras/{edge}/{camera}", 303)


@router.get("/still.jpg")
async def still(edge: str, camera: str, session: Officer, desk: Sites) -> Response:
    """The newest picture; kept nowhere on the way."""
    picture = await desk.still(session.viewer, edge, camera)
    return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


async def _page(
    request: Request,
    desk: SitePort,
    services: Services,
    *,
    viewer: Viewer,
    edge: str,
    camera: str,
    status: int = 200,
    **more: Any,
) -> Response:
    view = await desk.camera(viewer, edge, camera)
    drawn = msgspec.json.encode({"doors": view.doors, "zones": view.zones}).decode()
    values = {
        "view": view,
        "edge": edge,
        "camera": camera,
        "names": await services.accounts.names({view.drawn_by} if view.drawn_by else set()),
        "drawn": drawn,
        "why": "",
        "name": "",
    }
    return render(request, "site_camera.html", values | more, status=status)

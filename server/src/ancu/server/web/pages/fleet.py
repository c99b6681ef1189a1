"""The fleet: every device with what is wrong with it, worst first; and one device."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from ancu.server.fleet import FAULTS
from ancu.server.people.kits import kit_text
from ancu.server.ports import Role, Viewer
from ancu.server.web.api.common import scoped
from ancu.server.web.auth import Form, Officer, text
from ancu.server.web.pages.labels import qr_path
from ancu.server.web.render import render
from ancu.server.web.site import Fleet
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/devices", include_in_schema=False)
KINDS = ("band", "edge", "gateway", "camera")
SORTS = ("faults", "battery", "link", "seen", "name")
_PAGE = 100
_REVOKES = (Role.PROVINCE, Role.OPERATOR)
_Services = Annotated[Services, Depends(services_of)]


@router.get("")
async def devices(
    request: Request,
    session: Officer,
    fleet: Fleet,
    *,
    kind: Annotated[Literal["band", "edge", "gateway", "camera", ""], Query()] = "",
    fault: Annotated[str, Query(max_length=20)] = "",
    q: Annotated[str, Query(max_length=40)] = "",
    sort: Annotated[Literal["faults", "battery", "link", "seen", "name"], Query()] = "faults",
    page: Annotated[int, Query(ge=0, le=1000)] = 0,
) -> Response:
    found = await fleet.fleet(
        session.viewer,
        kind=kind or None,
        fault=fault if fault in FAULTS else None,
        text=q,
        sort=sort,
        offset=page * _PAGE,
        limit=_PAGE,
    )
    values = {
        "found": found,
        "kinds": KINDS,
        "sorts": SORTS,
        "fault_codes": [code for code in FAULTS if found.faults.get(code) or code == fault],
        "kind": kind,
        "fault": fault,
        "q": q,
        "sort": sort,
        "page": page,
        "first": page * _PAGE,
        "more": found.total > (page + 1) * _PAGE,
    }
    return render(request, "fleet.html", values)


@router.get("/{device:path}")
async def one_device(request: Request, device: str, *, session: Officer, fleet: Fleet, services: _Services) -> Response:
    """`device` is its kind and its id: band/wb-00000042, camera/site-001/cam-a."""
    kind, _, id_ = device.partition("/")
    detail = await fleet.device(session.viewer, kind, id_)
    values = {
        "detail": detail,
        "row": detail.row,
        "device": detail.row.device,
        "names": await services.accounts.names({line.by for line in detail.log}),
        "revokes": _may_revoke(session.viewer) and detail.row.device.state != "revoked",
        "label": qr_path(kit_text(id_) if kind == "edge" else id_) if kind in ("edge", "band") else None,
        "refused": None,
    }
    return render(request, "fleet_device.html", values)


@router.post("/{device:path}/revoke")
async def revoke(device: str, session: Officer, fleet: Fleet, form: Form) -> Response:
    key, why = text(form, "key", 64), text(form, "reason", 200).strip()
    if not key or not why:
        raise HTTPException(400, "a revocation has a reason")
    kind, _, id_ = device.partition("/")
    await fleet.revoke(session.viewer, kind, id_, why, key=scoped(session.viewer, key))
    return RedirectResponse(f"/devices/{device}", 303)


def _may_revoke(viewer: Viewer) -> bool:
    return viewer.role in _REVOKES

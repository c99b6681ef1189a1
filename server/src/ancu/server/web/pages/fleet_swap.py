"""A band exchanged for another in three steps, and a kit given to somebody: each step is a page of its own."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from ancu.models.errors import AncuError, UsageError
from ancu.server.ports import NotFound
from ancu.server.ports.exchange import Refused
from ancu.server.ports.site import SwapReason
from ancu.server.web.api.common import scoped
from ancu.server.web.auth import Form, Officer, text
from ancu.server.web.days import is_over
from ancu.server.web.render import render
from ancu.server.web.site import Fleet
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/devices", include_in_schema=False)
REASONS: tuple[SwapReason, ...] = get_args(SwapReason)
_PEOPLE = 20
_Text = Annotated[str, Query(max_length=200)]
_Services = Annotated[Services, Depends(services_of)]


@router.get("/swap")
async def swapping(request: Request, session: Officer, fleet: Fleet, old: _Text = "", new: _Text = "") -> Response:
    """Step 1 asks for the old band, step 2 for the new one, step 3 shows both."""
    values: dict[str, Any] = {"step": 1, "old": old, "new": new, "worn": None, "why": None, "reasons": REASONS}
    try:
        if old:
            values["worn"] = await fleet.worn(session.viewer, old)
            values |= {"step": 2, "old": values["worn"].band}
        if old and new:
            values["new"] = await fleet.spare(session.viewer, new)
            values["why"] = "same" if values["new"] == values["old"] else None
            values["step"] = 2 if values["why"] else 3
    except (NotFound, Refused) as refused:
        values["why"] = _why(refused)
    return render(request, "fleet_swap.html", values)


@router.post("/swap")
async def swap(request: Request, session: Officer, fleet: Fleet, form: Form) -> Response:
    old, new, reason, key = (text(form, name, 64) for name in ("old", "new", "reason", "key"))
    if not key:
        raise HTTPException(400, "the form's key is missing")
    if reason not in REASONS:
        return RedirectResponse(f"/devices/swap?old={old}&new={new}", 303)
    try:
        state = await fleet.swap(session.viewer, old, new, reason, key=scoped(session.viewer, key))
    except (NotFound, Refused) as refused:
        values = {"step": 1, "old": "", "new": "", "worn": None, "why": _why(refused), "reasons": REASONS}
        return render(request, "fleet_swap.html", values, status=_status(refused))
    return RedirectResponse(f"/devices/given/{state.person}", 303)


@router.get("/given/{person}")
async def given(request: Request, person: str, session: Officer, fleet: Fleet) -> Response:
    """How far the new band is: the box knows it, and it was heard."""
    return render(request, "fleet_given.html", {"state": await fleet.swap_state(session.viewer, person)})


@router.get("/kit")
async def kit(
    request: Request, session: Officer, fleet: Fleet, services: _Services, *, label: _Text = "", person: _Text = ""
) -> Response:
    """Step 1 reads the kit's label, step 2 chooses the person, step 3 shows both."""
    values: dict[str, Any] = {"step": 1, "label": label, "kit": None, "people": [], "person": None, "why": None}
    try:
        if label:
            values |= {"kit": await fleet.kit(session.viewer, label), "step": 2}
        if label and person:
            values |= {"person": await services.desk.person(session.viewer, person), "step": 3}
    except (NotFound, Refused, UsageError) as refused:
        values["why"] = _why(refused)
    if values["step"] == 2:
        page = await services.desk.people(session.viewer, limit=500)
        under = [one for one in page.items if not is_over(one, services.clock.now())]
        values["people"] = sorted(under, key=lambda one: (one.band is not None and one.edge is not None, one.label))
    return render(request, "fleet_kit.html", values)


@router.post("/kit")
async def give_kit(request: Request, session: Officer, fleet: Fleet, form: Form) -> Response:
    label, person, key = (text(form, name, 200) for name in ("label", "person", "key"))
    if not key:
        raise HTTPException(400, "the form's key is missing")
    try:
        named = await fleet.kit(session.viewer, label)
        state = await fleet.hand_over(session.viewer, person, named, key=scoped(session.viewer, key))
    except (NotFound, Refused, UsageError) as refused:
        values = {"step": 1, "label": label, "kit": None, "people": [], "person": None, "why": _why(refused)}
        return render(request, "fleet_kit.html", values, status=_status(refused))
    return RedirectResponse(f"/devices/given/{state.person}", 303)


def _status(refused: AncuError) -> int:
    return 404 if isinstance(refused, NotFound) else 409


def _why(refused: AncuError) -> str:
    match refused:
        case Refused():
            return refused.why
        case NotFound():
            return "unknown"
        case _:
            return "unreadable"

"""The page of a person under order: days left and why, what waits for him, what is measured, SOS."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from ancu.server.ports import AlertRow, AlertState, PersonDetail
from ancu.server.ports.citizen import Standing
from ancu.server.web.api.citizens import CitizensOf
from ancu.server.web.api.common import scoped
from ancu.server.web.auth import Citizen, Form
from ancu.server.web.days import days_left, is_over
from ancu.server.web.pages.citizen import family
from ancu.server.web.pages.citizen.forms import key_of
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of
from ancu.server.web.words import VIETNAM

__all__ = ["router"]

_LOW_PERCENT = 20  # the work list hears of it a day and a half later

router = APIRouter(prefix="/me", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]


@router.get("")
async def mine(request: Request, session: Citizen, services: _Services, desk: CitizensOf) -> Response:
    person = await services.desk.person(session.viewer, session.viewer.person or "")
    standing = await desk.standing(session.viewer)
    now = services.clock.now()
    values = {
        "person": person,
        "name": person.label.split(" · ")[0],
        "standing": standing,
        "days": days_left(person, now),
        "over": is_over(person, now),
        "coming": now < person.order_from,
        "released_at": min(person.order_until, person.ended_at or person.order_until),
        "early": person.ended_at is not None and person.ended_at < person.order_until,
        "declared_today": _is_today(standing, now.astimezone(VIETNAM).date()),
        "longer": next((row for row in standing.results if row.action == "extend" and row.accepted), None),
        "sos": _open_sos(person),
        "charge": _to_charge(person.latest),
        "family": await family.members(request, services, session),
    }
    response = render(request, "mine.html", values)
    family.keep(request, response)
    return response


@router.post("/sos")
async def sos(session: Citizen, services: _Services, form: Form) -> Response:
    await services.desk.sos(session.viewer, key=scoped(session.viewer, key_of(form)))
    return RedirectResponse("/me#sos", 303)


def _open_sos(person: PersonDetail) -> AlertRow | None:
    """The person sees his own call for help and whether somebody has it; no other alert accuses him here."""
    return next((row for row in person.alerts if row.kind == "sos" and row.state is not AlertState.RESOLVED), None)


def _is_today(standing: Standing, today: date) -> bool:
    last = standing.declaration
    return last is not None and last.at.astimezone(VIETNAM).date() == today


def _to_charge(latest: Mapping[str, Any]) -> dict[str, Any]:
    """What the person can mend: a wristband with little left, a box without mains power."""
    percent = latest.get("battery_percent")
    low = percent if percent is not None and percent <= _LOW_PERCENT else None
    charging = "charging" in latest.get("status", ())
    return {"band": None if charging else low, "box": latest.get("box_mains") is False}

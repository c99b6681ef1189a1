"""People under order in the officer's wards, and one of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from ancu.server.ports import PersonDetail, Point, Viewer
from ancu.server.web.auth import Form, Officer
from ancu.server.web.days import days_left, is_over
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/people", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_HOUR_S = 3600
_SLOT_S = 900  # of the presence strip: 96 a day


@router.get("")
async def people(
    request: Request,
    session: Officer,
    services: _Services,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    page = await services.desk.people(session.viewer, limit=100, cursor=cursor)
    now = services.clock.now()
    rows = [(person, days_left(person, now), is_over(person, now)) for person in page.items]
    return render(request, "people.html", {"rows": rows, "more": page.next_cursor})


@router.get("/{person}")
async def one_person(request: Request, person: str, session: Officer, services: _Services) -> Response:
    return await _page(request, services, session.viewer, person)


@router.post("/{person}/code")
async def new_code(request: Request, person: str, session: Officer, services: _Services, _form: Form) -> Response:
    """A new access code for the person's own page, shown this once."""
    detail = await services.desk.person(session.viewer, person)  # only who may see the person may do this
    code = await services.accounts.issue_code(detail.id, by=session.viewer.id)
    return await _page(request, services, session.viewer, person, code)


async def _page(request: Request, services: Services, viewer: Viewer, person: str, code: str | None = None) -> Response:
    detail = await services.desk.person(viewer, person)
    now = services.clock.now()
    hours, slots = await _series(services, viewer, detail)
    values = {
        "person": detail,
        "days": days_left(detail, now),
        "over": is_over(detail, now),
        "hours": hours,
        "slots": slots,
        "code": code,
    }
    return render(request, "person.html", values)


async def _series(services: Services, viewer: Viewer, detail: PersonDetail) -> tuple[list[Point], list[str]]:
    """The last day by the hour, newest first, for the table; and what was heard in each slot of the strip."""
    if detail.band is None:
        return [], []
    end = services.clock.now()
    start = end - timedelta(days=1)
    hours = await services.desk.readings(viewer, detail.band, start, end, _HOUR_S)
    fine = await services.desk.readings(viewer, detail.band, start, end, _SLOT_S)
    slots = ["none"] * (86_400 // _SLOT_S)
    for point in fine:
        index = int((point.at - start).total_seconds() // _SLOT_S)
        if 0 <= index < len(slots) and point.heard:
            slots[index] = "off" if point.worn is False else "heard"
    return [point for point in reversed(hours) if point.heard], slots

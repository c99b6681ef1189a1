"""People under order in the officer's wards, and one of them: his day, what was agreed, and what officers saw."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from ancu.server.ports import AlertRow, PersonDetail, Point, Viewer
from ancu.server.ports.console import Condition, VisitKind
from ancu.server.web.api.common import scoped
from ancu.server.web.api.exchange import exchange_of
from ancu.server.web.auth import Form, Officer, text
from ancu.server.web.days import days_left, is_over
from ancu.server.web.pages.inbox import console
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/people", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_HOUR_S = 3600
_SLOT_S = 900  # of the strips: 96 a day
_SLOTS = 86_400 // _SLOT_S
_WEAK_DBM = -85.0  # below this a reading is luck
_AWAY = frozenset(
    {"out_of_range", "checkpoint_scan", "strap_cut"}
)  # incidents during which he was not seen to be there
_MET = {"yes": True, "no": False}


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


@router.post("/{person}/visits")
async def add_visit(request: Request, person: str, session: Officer, services: _Services, form: Form) -> Response:
    """What an officer saw or was told; a form that waited for the network brings its own time."""
    key = text(form, "key", 64)
    if not key:
        raise HTTPException(400, "the form's key is missing")
    try:
        kind, condition = VisitKind(text(form, "kind", 20)), Condition(text(form, "condition", 20))
    except ValueError:
        raise HTTPException(422, "no such kind or condition") from None
    await console(services).add_visit(
        session.viewer,
        person,
        kind,
        _time(form_at=text(form, "at", 40), now=services.clock.now()),
        met=_MET.get(text(form, "met", 10)),
        condition=condition,
        note=text(form, "note").strip(),
        key=scoped(session.viewer, key),
    )
    if not request.headers.get("hx-request"):
        return RedirectResponse(f"/people/{person}#visits", 303)
    return render(request, "visits.html", await _visits(services, session.viewer, person))


async def _page(request: Request, services: Services, viewer: Viewer, person: str, code: str | None = None) -> Response:
    detail = await services.desk.person(viewer, person)
    now = services.clock.now()
    hours, slots = await _series(services, viewer, detail)
    exchange = exchange_of(request)
    values = {
        "person": detail,
        "days": days_left(detail, now),
        "over": is_over(detail, now),
        "hours": hours,
        "strips": _strips(slots, detail.alerts, now) if detail.band else {},
        "code": code,
        "kinds": list(VisitKind),
        "conditions": list(Condition),
        "absences": (await exchange.absences(viewer, person=detail.id, limit=10)).items,
        "checkins": (await exchange.checkins(viewer, person=detail.id, limit=10)).items,
        **await _visits(services, viewer, detail.id),
    }
    return render(request, "person.html", values)


async def _visits(services: Services, viewer: Viewer, person: str) -> dict[str, Any]:
    visits = await console(services).visits(viewer, person)
    return {"visits": visits, "names": await services.accounts.names({visit.by for visit in visits})}


async def _series(services: Services, viewer: Viewer, detail: PersonDetail) -> tuple[list[Point], list[Point | None]]:
    """The last day by the hour, newest first, for the table; and what was heard in each slot of the strips."""
    slots: list[Point | None] = [None] * _SLOTS
    if detail.band is None:
        return [], slots
    end = services.clock.now()
    start = end - timedelta(days=1)
    hours = await services.desk.readings(viewer, detail.band, start, end, _HOUR_S)
    for point in await services.desk.readings(viewer, detail.band, start, end, _SLOT_S):
        index = int((point.at - start).total_seconds() // _SLOT_S)
        if 0 <= index < _SLOTS and point.heard:
            slots[index] = point
    return [point for point in reversed(hours) if point.heard], slots


def _strips(slots: Sequence[Point | None], alerts: Sequence[AlertRow], now: datetime) -> dict[str, list[str]]:
    """Presence, wear and link, a word a slot. What nobody heard is unknown, unless an incident says he was away."""
    start = now - timedelta(days=1)
    away = [(row.opened_at, row.ended_at or now) for row in alerts if row.kind in _AWAY]
    presence = []
    for index, point in enumerate(slots):
        begin = start + timedelta(seconds=index * _SLOT_S)
        out = any(opened < begin + timedelta(seconds=_SLOT_S) and ended > begin for opened, ended in away)
        presence.append("home" if _was_near(point) else "away" if out else "none")
    return {
        "presence": presence,
        "wear": ["none" if p is None or p.worn is None else "worn" if p.worn else "off" for p in slots],
        "link": ["none" if p is None else _link(p) for p in slots],
    }


def _was_near(point: Point | None) -> bool:
    """Whether a box heard the band; what it wrote down for itself says nothing of where it was."""
    return point is not None and point.rssi_dbm is not None


def _link(point: Point) -> str:
    if point.late >= point.heard:
        return "late"  # nobody knew of it at the time
    return "good" if point.rssi_dbm is not None and point.rssi_dbm >= _WEAK_DBM else "weak"


def _time(form_at: str, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(form_at)
    except ValueError:
        return now
    return at if at.tzinfo else now

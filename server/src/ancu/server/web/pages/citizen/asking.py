"""Asking for food, medicine, help or an absence, and disputing, in taps and a few words."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from ancu.server.ports.citizen import AskKind, DisputeAbout
from ancu.server.ports.exchange import AbsenceReason, Refused
from ancu.server.web.api.citizens import CitizensOf
from ancu.server.web.api.common import scoped
from ancu.server.web.auth import Citizen, Form, text
from ancu.server.web.pages.citizen.forms import key_of
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of
from ancu.server.web.words import VIETNAM

__all__ = ["router"]

router = APIRouter(prefix="/me", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_DAYS = 4  # from today that can be tapped
_HOURS = range(5, 22)
_LONG_H = (1, 2, 4, 8)
_FIELDS = ("note", "about", "day", "hour", "long")
_PROMISE_S = {  # what the page promises; the clock itself is the desk's
    AskKind.FOOD: 6 * 3600,
    AskKind.MEDICINE: 2 * 3600,
    AskKind.HELP: 2 * 3600,
    AskKind.ABSENCE: 12 * 3600,
    AskKind.DISPUTE: 72 * 3600,
}


@router.get("/asks")
async def form_of(request: Request, _session: Citizen, services: _Services, kind: AskKind = AskKind.HELP) -> Response:
    return _page(request, services, kind, {})


@router.post("/asks")
async def ask(request: Request, session: Citizen, services: _Services, desk: CitizensOf, form: Form) -> Response:
    viewer, about = session.viewer, text(form, "about", 40)
    said_kind = text(form, "kind", 20)
    kind = AskKind(said_kind) if said_kind in set(AskKind) else AskKind.HELP
    try:
        starts_at, until = _window(form) if kind is AskKind.ABSENCE else (None, None)
        await desk.ask(
            viewer,
            viewer.person or "",
            kind,
            about=about,
            note=text(form, "note"),
            starts_at=starts_at,
            until=until,
            key=scoped(viewer, key_of(form)),
        )
    except Refused as refused:
        if refused.why not in {"window", "note", "too_many", "no_order", "about"}:
            raise
        said = {name: text(form, name) for name in _FIELDS}
        return _page(request, services, kind, said, fault=f"ask_fault.{refused.why}", status=422)
    return RedirectResponse("/me#asks", 303)


def _window(form: FormData) -> tuple[datetime, datetime]:
    try:
        day, hour = date.fromisoformat(text(form, "day", 10)), int(text(form, "hour", 2))
        starts_at = datetime.combine(day, time(hour), VIETNAM)
        return starts_at, starts_at + timedelta(hours=int(text(form, "long", 2)))
    except (ValueError, OverflowError):
        raise Refused("window", "no such time") from None


def _page(
    request: Request, services: Services, kind: AskKind, said: dict[str, str], *, fault: str | None = None,
    status: int = 200,
) -> Response:  # fmt: skip
    now = services.clock.now().astimezone(VIETNAM)
    abouts = {AskKind.ABSENCE: AbsenceReason, AskKind.DISPUTE: DisputeAbout}.get(kind)
    first = 1 if now.hour >= _HOURS[-1] else 0
    values: dict[str, Any] = {
        "kind": kind.value,
        "promise_s": _PROMISE_S[kind],
        "abouts": list(abouts) if abouts else [],
        "about_words": "leave_reason" if kind is AskKind.ABSENCE else "dispute_about",
        "days": [now.date() + timedelta(days=n) for n in range(first, first + _DAYS)],
        "hours": list(_HOURS),
        "long_h": _LONG_H,
        "next_hour": min(max(now.hour + 1, _HOURS[0]), _HOURS[-1]),
        "said": {name: said.get(name, "") for name in _FIELDS},
        "fault": fault,
    }
    return render(request, "citizen_ask.html", values, status=status)

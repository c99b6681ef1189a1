"""The daily declaration, prefilled so that only changes are asked; and the answer to a check-in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from ancu.server.ports.exchange import DeclarationRow, Refused, Symptom
from ancu.server.web.api.common import scoped
from ancu.server.web.api.exchange import ExchangeOf
from ancu.server.web.auth import Citizen, Form, text
from ancu.server.web.pages.citizen.forms import key_of
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["read_body", "router"]

router = APIRouter(prefix="/me", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_LOWEST, _HIGHEST = 300, 450  # 0.1 °C: what a thermometer says of somebody alive


@router.get("/health")
async def health(request: Request, session: Citizen, desk: ExchangeOf) -> Response:
    declared = await desk.declarations(session.viewer, limit=1)
    last = next(iter(declared.items), None)
    return _page(request, last, chosen=set(last.symptoms) if last else set())


@router.post("/health")
async def declare(request: Request, session: Citizen, desk: ExchangeOf, form: Form) -> Response:
    viewer = session.viewer
    said = {str(value) for value in form.getlist("symptom")}
    symptoms = [symptom for symptom in Symptom if symptom in said]
    body = text(form, "body", 10).strip()
    try:
        measured = read_body(body)
    except ValueError:
        return _page(request, None, chosen=said, body=body, fault="feel.bad_body", status=422)
    await desk.declare(viewer, viewer.person or "", symptoms, measured, key=scoped(viewer, key_of(form)))
    return RedirectResponse("/me#feel", 303)


@router.post("/checkins/{checkin}")
async def here(checkin: str, session: Citizen, desk: ExchangeOf, form: Form) -> Response:
    """'I am at home', tapped; a later question or a closed one changes nothing for the person."""
    try:
        await desk.answer_checkin(session.viewer, checkin, key=scoped(session.viewer, key_of(form)))
    except Refused as refused:
        if refused.why != "superseded":
            raise
    return RedirectResponse("/me", 303)


def read_body(said: str) -> int | None:
    """0.1 °C of '37,5'; None for nothing. Raises ValueError."""
    if not said:
        return None
    value = round(float(said.replace(",", ".").removesuffix("°C").removesuffix("°")) * 10)
    if not _LOWEST <= value <= _HIGHEST:
        raise ValueError(said)
    return value


def _page(
    request: Request,
    last: DeclarationRow | None,
    *,
    chosen: set[str],
    body: str = "",
    fault: str | None = None,
    status: int = 200,
) -> Response:
    values = {"last": last, "chosen": chosen, "symptoms": list(Symptom), "body": body, "fault": fault}
    return render(request, "citizen_health.html", values, status=status)

"""What is stored of a person and who looked at it; the copy he takes away; the erasure and its receipt."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from ancu.server.web.api.citizens import CitizensOf
from ancu.server.web.api.common import scoped
from ancu.server.web.auth import Citizen, Form, forget
from ancu.server.web.days import is_over
from ancu.server.web.pages.citizen.forms import key_of
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]


@router.get("/me/data")
async def stored(request: Request, session: Citizen, services: _Services, desk: CitizensOf) -> Response:
    taken = await desk.take_away(session.viewer)
    looks = await desk.accesses(session.viewer)
    person = await services.desk.person(session.viewer, session.viewer.person or "")
    values = {
        "counts": {part: len(rows) for part, rows in taken.items() if _is_list(rows)},
        "looks": looks,
        "names": await services.accounts.names({look.viewer for look in looks}),
        "over": is_over(person, services.clock.now()),
    }
    return render(request, "citizen_data.html", values)


@router.get("/me/data.json")
async def copy(session: Citizen, services: _Services, desk: CitizensOf) -> Response:
    taken = await desk.take_away(session.viewer)
    day = services.clock.now().date().isoformat()
    text = json.dumps(msgspec.to_builtins(dict(taken)), ensure_ascii=False, indent=1)
    headers = {"Content-Disposition": f'attachment; filename="an-cu-{day}.json"'}
    return Response(text, media_type="application/json", headers=headers)


@router.post("/me/erase")
async def erase(request: Request, session: Citizen, desk: CitizensOf, form: Form) -> Response:
    receipt = await desk.erase(session.viewer, key=scoped(session.viewer, key_of(form)))
    response = RedirectResponse(f"/receipt/{receipt.id}", 303)
    forget(request, response)
    return response


@router.get("/receipt/{receipt}")
async def receipt_page(request: Request, receipt: str, desk: CitizensOf) -> Response:
    """For whoever has the number: it says what was erased, and names nobody."""
    found = await desk.receipt(receipt)
    shown = {name: count for name, count in found.counts.items() if count}
    return render(request, "citizen_receipt.html", {"receipt": found, "counts": shown})


def _is_list(rows: Any) -> bool:
    return isinstance(rows, Sequence) and not isinstance(rows, str | Mapping | datetime)

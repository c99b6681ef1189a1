"""What people ask for and dispute, with the reply clock; and test results that propose a change of an order."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from ancu.server.ports import PersonDetail, Viewer
from ancu.server.ports.exchange import Refused, ResultRow
from ancu.server.web.api.citizens import CitizensOf
from ancu.server.web.api.common import scoped
from ancu.server.web.api.exchange import ExchangeOf
from ancu.server.web.auth import Form, Officer, text
from ancu.server.web.pages.citizen.forms import key_of
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/asks", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_PROPOSES = ("release", "extend")
_MOST = 200


@router.get("")
async def asks(
    request: Request,
    *,
    session: Officer,
    services: _Services,
    desk: CitizensOf,
    exchange: ExchangeOf,
    show: Literal["open", "done"] = "open",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    return await _page(request, services, session.viewer, desk, exchange, show=show, cursor=cursor)


@router.post("/{ask}/answer")
async def answer(  # noqa: PLR0917 - FastAPI fills them in by name
    request: Request, ask: str, session: Officer, services: _Services, desk: CitizensOf, exchange: ExchangeOf,
    form: Form,
) -> Response:  # fmt: skip
    viewer, accept = session.viewer, text(form, "accept", 3) == "yes"
    reply = text(form, "reply")
    try:
        await desk.answer_ask(viewer, ask, accept=accept, reply=reply, key=scoped(viewer, key_of(form)))
    except Refused as refused:
        if refused.why not in {"reply", "window"}:
            raise
        return await _page(request, services, viewer, desk, exchange, fault=(ask, refused.why, reply), status=422)
    return RedirectResponse("/asks", 303)


@router.post("/results/{result}")
async def decide(result: str, session: Officer, exchange: ExchangeOf, form: Form) -> Response:
    viewer, accept = session.viewer, text(form, "accept", 3) == "yes"
    await exchange.decide_result(viewer, result, accept=accept, key=scoped(viewer, key_of(form)))
    return RedirectResponse("/asks#results", 303)


async def _page(
    request: Request,
    services: Services,
    viewer: Viewer,
    desk: CitizensOf,
    exchange: ExchangeOf,
    *,
    show: str = "open",
    cursor: str | None = None,
    fault: tuple[str, str, str] | None = None,
    status: int = 200,
) -> Response:
    page = await desk.asks(viewer, still_open=show == "open", limit=_MOST, cursor=cursor)
    rows = [row for row in page.items if show == "open" or row.accepted is not None]
    if show == "open":
        rows.sort(key=lambda row: row.due_at)
    proposals = await _proposals(services, viewer, exchange) if show == "open" else []
    by = {row.decided_by for row in rows if row.decided_by}
    values = {
        "rows": rows,
        "show": show,
        "more": page.next_cursor,
        "proposals": proposals,
        "names": await services.accounts.names(by),
        "fault": fault,
    }
    return render(request, "asks.html", values, status=status)


async def _proposals(services: Services, viewer: Viewer, exchange: ExchangeOf) -> list[tuple[ResultRow, PersonDetail]]:
    found = [
        row
        for row in (await exchange.results(viewer, limit=_MOST)).items
        if row.accepted is None and row.action in _PROPOSES
    ]
    return [(row, await services.desk.person(viewer, row.person)) for row in found]

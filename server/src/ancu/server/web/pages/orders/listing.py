"""The list of orders, and the form that writes one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from ancu.server.people.errors import OrderRefused
from ancu.server.people.imports import read_one
from ancu.server.ports import NotFound, Viewer
from ancu.server.ports.exchange import Refused
from ancu.server.ports.orders import OrderReason
from ancu.server.web.api.common import scoped
from ancu.server.web.api.orders import OrdersOf
from ancu.server.web.auth import Form, Officer, text
from ancu.server.web.pages.citizen.forms import key_of
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of
from ancu.server.web.words import VIETNAM

__all__ = ["router"]

router = APIRouter(prefix="/orders", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_FIELDS = (
    "name", "phone", "address", "ward", "start", "days", "reason", "guardian", "guardian_phone", "edge", "place",
)  # fmt: skip


@router.get("")
async def orders(
    request: Request,
    session: Officer,
    desk: OrdersOf,
    show: Literal["open", "all"] = "open",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    page = await desk.orders(session.viewer, still_open=show == "open", limit=100, cursor=cursor)
    return render(request, "orders.html", {"rows": page.items, "more": page.next_cursor, "show": show})


@router.get("/new")
async def form_of(request: Request, session: Officer, services: _Services, desk: OrdersOf) -> Response:
    today = f"{services.clock.now().astimezone(VIETNAM):%d/%m/%Y}"  # typed, for browsers here often ask month first
    return await _page(request, desk, session.viewer, {"start": today, "days": "14"})


@router.post("/new")
async def create(request: Request, session: Officer, desk: OrdersOf, form: Form) -> Response:
    """The form is read as a row of a file is: the same rules, the same words for what is wrong."""
    viewer = session.viewer
    said = {name: text(form, name, 300) for name in _FIELDS}
    wards = await desk.order_wards(viewer)
    if said["ward"] not in {"", *(ward.code for ward in wards)}:
        raise NotFound("no such ward")  # the form offers one's own
    order, faults = read_one(said, wards)
    if order is not None:
        try:
            row = await desk.create_order(viewer, order, key=scoped(viewer, key_of(form)))
        except OrderRefused:
            faults = {"edge": "other_ward"} if said["edge"] else {"days": "over"}
        except Refused:
            faults = {"edge": "unknown_edge"}
        else:
            return RedirectResponse(f"/orders/{row.id}?done=created", 303)
    return await _page(request, desk, viewer, said, faults=faults, status=422)


async def _page(
    request: Request,
    desk: OrdersOf,
    viewer: Viewer,
    said: dict[str, str],
    *,
    faults: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    values: dict[str, Any] = {
        "said": {name: said.get(name, "") for name in _FIELDS},
        "faults": faults or {},
        "wards": await desk.order_wards(viewer),
        "reasons": [OrderReason.CLOSE_CONTACT, OrderReason.POSITIVE, OrderReason.ENTRY, OrderReason.HOME_QUARANTINE],
    }
    return render(request, "orders_new.html", values, status=status)

"""One order: what it says, and what changes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from ancu.models.errors import UsageError
from ancu.server.people.errors import OrderRefused
from ancu.server.people.imports import read_day
from ancu.server.ports import Viewer
from ancu.server.ports.exchange import Refused
from ancu.server.scope import Scope
from ancu.server.web.api.common import scoped
from ancu.server.web.api.orders import OrdersOf
from ancu.server.web.auth import Form, Officer, text
from ancu.server.web.pages.citizen.forms import key_of
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of
from ancu.server.web.words import VIETNAM

__all__ = ["router"]

router = APIRouter(prefix="/orders/{order}", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_END_REASONS = ("completed", "test_negative", "hospital", "wrong_order", "died")


@router.get("")
async def one(
    request: Request, order: str, session: Officer, desk: OrdersOf, done: Literal["", "created", "saved"] = ""
) -> Response:
    return await _page(request, desk, session.viewer, order, done=done)


@router.post("/extend")
async def extend(request: Request, order: str, session: Officer, desk: OrdersOf, form: Form) -> Response:
    """The order lasts to the end of the day that was chosen."""
    viewer = session.viewer
    await desk.order(viewer, order)
    try:
        until = read_day(text(form, "until", 20)) + timedelta(days=1)
    except UsageError:
        return await _page(request, desk, viewer, order, fault="order_fault.bad_date", status=422)
    try:
        await desk.extend_order(viewer, order, until, key=scoped(viewer, key_of(form)))
    except OrderRefused:
        return await _page(request, desk, viewer, order, fault="order_fault.over", status=422)
    return _back(order)


@router.post("/end")
async def end(order: str, session: Officer, desk: OrdersOf, form: Form) -> Response:
    reason = text(form, "reason", 40)
    reason = reason if reason in _END_REASONS else _END_REASONS[0]
    await desk.end_order(session.viewer, order, reason, key=scoped(session.viewer, key_of(form)))
    return _back(order)


@router.post("/transfer")
async def transfer(request: Request, order: str, session: Officer, desk: OrdersOf, form: Form) -> Response:
    viewer = session.viewer
    before = await desk.order(viewer, order)
    ward, edge = text(form, "ward", 40) or before.ward, text(form, "edge", 40).strip()
    try:
        after = await desk.transfer_order(
            viewer,
            order,
            ward=ward,
            edge=edge or None,
            address=text(form, "address", 300).strip() or None,
            key=scoped(viewer, key_of(form)),
        )
    except OrderRefused:
        return await _page(request, desk, viewer, order, fault="order_fault.other_ward", status=422)
    except Refused as refused:
        if refused.why != "edge":
            raise
        return await _page(request, desk, viewer, order, fault="order_fault.unknown_edge", status=422)
    if not Scope.of(viewer).has(after.ward):
        return render(request, "orders_moved.html")
    return _back(order)


@router.post("/code")
async def new_code(
    request: Request, order: str, *, session: Officer, services: _Services, desk: OrdersOf, form: Form
) -> Response:
    """A code that opens the person's page once, with the kit; shown this once."""
    key_of(form)
    row = await desk.order(session.viewer, order)
    code = await services.accounts.issue_entry_code(row.person, by=session.viewer.id)
    return await _page(request, desk, session.viewer, order, code=code)


def _back(order: str) -> Response:
    return RedirectResponse(f"/orders/{order}?done=saved", 303)


async def _page(
    request: Request,
    desk: OrdersOf,
    viewer: Viewer,
    order: str,
    *,
    done: str = "",
    fault: str | None = None,
    code: str | None = None,
    status: int = 200,
) -> Response:
    row = await desk.order(viewer, order)
    values: dict[str, Any] = {
        "order": row,
        "last_day": f"{(row.until - timedelta(microseconds=1)).astimezone(VIETNAM):%d/%m/%Y}",
        "wards": await desk.order_wards(viewer, everywhere=True),
        "end_reasons": _END_REASONS,
        "done": done,
        "fault": fault,
        "code": code,
    }
    return render(request, "orders_one.html", values, status=status)

"""`/api/v1/orders`: quarantine orders; a person is a pseudonymous id from the moment he is written down."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from ancu.server.ports.orders import Guardian, NewOrder, OrderReason, OrderRow, Orders
from ancu.server.web.api.common import KEYED, NUMBER, PROBLEMS, Cursor, Moment, scoped
from ancu.server.web.api.exchange import Items
from ancu.server.web.auth import Key, Officer
from ancu.server.web.state import services_of

__all__ = ["OrdersOf", "orders_of", "router"]

router = APIRouter(prefix="/api/v1/orders", tags=["orders"], responses=PROBLEMS)


def orders_of(request: Request) -> Orders:
    return cast("Orders", services_of(request).desk)


OrdersOf = Annotated[Orders, Depends(orders_of)]
_Id = Annotated[str, Field(min_length=1, max_length=40)]
_Text = Annotated[str, Field(min_length=1, max_length=300)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OrderShown(BaseModel):
    """Without a name: that is the register's, and on the pages."""

    id: str
    person: str
    ward: str
    edge: str | None
    starts_at: datetime
    until: datetime
    ended_at: datetime | None
    reason: str
    state: str

    @classmethod
    def of(cls, row: OrderRow) -> OrderShown:
        names = (name for name in cls.model_fields)
        return cls(**{name: getattr(row, name) for name in names})


class GuardianGiven(_Body):
    name: _Text
    phone: Annotated[str | None, Field(max_length=40)] = None
    relation: Annotated[str, Field(max_length=40)] = "guardian"


class Position(_Body):
    """WGS 84, degrees."""

    latitude: Annotated[float, Field(ge=-90, le=90), NUMBER]
    longitude: Annotated[float, Field(ge=-180, le=180), NUMBER]


class OrderGiven(_Body):
    """`edge`: the box of the home or site, if it is known already; `place`: the home, for the ward's map."""

    ward: _Id
    name: _Text
    starts_at: Moment
    until: Moment
    phone: Annotated[str | None, Field(max_length=40)] = None
    address: Annotated[str | None, Field(max_length=300)] = None
    guardian: GuardianGiven | None = None
    edge: _Id | None = None
    reason: OrderReason = OrderReason.HOME_QUARANTINE
    place: Position | None = None


class Until(_Body):
    until: Moment


class Reason(_Body):
    reason: Annotated[str, Field(pattern="^[a-z_]{1,40}$")] = "completed"


class Place(_Body):
    """`edge` null: the new home has no box yet. `address` null: as it was."""

    ward: _Id
    edge: _Id | None = None
    address: Annotated[str | None, Field(max_length=300)] = None


@router.get("")
async def list_orders(
    session: Officer,
    desk: OrdersOf,
    open: Annotated[bool, Query(description="only those that were not ended")] = False,  # noqa: A002 - the API's word
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Cursor = None,
) -> Items[OrderShown]:
    """Newest first."""
    page = await desk.orders(session.viewer, still_open=open, limit=limit, cursor=cursor)
    return Items(items=[OrderShown.of(row) for row in page.items], next_cursor=page.next_cursor)


@router.post("", status_code=201, openapi_extra=KEYED)
async def create(body: OrderGiven, session: Officer, key: Key, desk: OrdersOf) -> OrderShown:
    """Register a person and open his order."""
    guardian = None if body.guardian is None else Guardian(**body.guardian.model_dump())
    place = None if body.place is None else (body.place.latitude, body.place.longitude)
    new = NewOrder(**(body.model_dump() | {"guardian": guardian, "place": place}))
    return OrderShown.of(await desk.create_order(session.viewer, new, key=scoped(session.viewer, key)))


@router.get("/{order}")
async def one_order(order: str, session: Officer, desk: OrdersOf) -> OrderShown:
    return OrderShown.of(await desk.order(session.viewer, order))


@router.post("/{order}:extend", openapi_extra=KEYED)
async def extend(order: str, body: Until, session: Officer, key: Key, desk: OrdersOf) -> OrderShown:
    """Move the end, later or earlier."""
    key = scoped(session.viewer, key)
    return OrderShown.of(await desk.extend_order(session.viewer, order, body.until, key=key))


@router.post("/{order}:end", openapi_extra=KEYED)
async def end(order: str, body: Reason, session: Officer, key: Key, desk: OrdersOf) -> OrderShown:
    """End it now; the person's page says so at once."""
    return OrderShown.of(await desk.end_order(session.viewer, order, body.reason, key=scoped(session.viewer, key)))


@router.post("/{order}:transfer", openapi_extra=KEYED)
async def transfer(order: str, body: Place, session: Officer, key: Key, desk: OrdersOf) -> OrderShown:
    """To another ward, another home or both."""
    row = await desk.transfer_order(
        session.viewer, order, ward=body.ward, edge=body.edge, address=body.address, key=scoped(session.viewer, key)
    )
    return OrderShown.of(row)

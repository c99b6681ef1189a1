"""`/api/v1/push`: an officer's browsers subscribe to web push, and answer from a notification."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from ancu.server.ports.office import Taken
from ancu.server.web.api.common import KEYED, NUMBER, PROBLEMS, scoped
from ancu.server.web.auth import Key, Officer
from ancu.server.web.office import Office

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/push", tags=["push"], responses=PROBLEMS)


class PushKey(BaseModel):
    """`key` is the applicationServerKey, base64url; null: there is no web push here."""

    key: str | None


class SubscriptionKeys(BaseModel):
    model_config = ConfigDict(extra="forbid")

    p256dh: str = Field(max_length=200)
    auth: str = Field(max_length=100)


class PushSubscription(BaseModel):
    """As `PushSubscription.toJSON()` of a browser gives it."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    endpoint: str = Field(max_length=1000)
    keys: SubscriptionKeys
    expiration_time: Annotated[float | None, Field(alias="expirationTime"), NUMBER] = None


class Endpoint(BaseModel):
    model_config = ConfigDict(extra="forbid")

    endpoint: str = Field(max_length=1000)


class TakenAlerts(BaseModel):
    items: list[Taken]


@router.get("/key")
async def key_of_push(_session: Officer, office: Office) -> PushKey:
    return PushKey(key=office.push_key)


@router.post("/subscriptions", status_code=204, openapi_extra=KEYED)
async def subscribe(body: PushSubscription, session: Officer, key: Key, office: Office) -> Response:
    """Keep this browser's subscription; the same one again changes nothing."""
    text = json.dumps({"endpoint": body.endpoint, "keys": body.keys.model_dump()})
    await office.subscribe(session.viewer, text, key=scoped(session.viewer, key))
    return Response(status_code=204)


@router.post("/subscriptions:remove", status_code=204, openapi_extra=KEYED)
async def unsubscribe(body: Endpoint, session: Officer, key: Key, office: Office) -> Response:
    """Forget a subscription of one's own; nothing where there is none."""
    await office.unsubscribe(session.viewer, body.endpoint, key=scoped(session.viewer, key))
    return Response(status_code=204)


@router.post("/messages/{message}:shown", status_code=204, openapi_extra=KEYED)
async def shown(message: str, session: Officer, key: Key, office: Office) -> Response:
    """The browser showed a message: it is delivered. `message` is the `id` inside the push."""
    await office.shown(session.viewer, message, key=scoped(session.viewer, key))
    return Response(status_code=204)


@router.post("/messages/{message}:acknowledge", openapi_extra=KEYED)
async def take(message: str, session: Officer, key: Key, office: Office) -> TakenAlerts:
    """Acknowledge what a message told of, from the notification itself; what another has taken stays his."""
    return TakenAlerts(items=list(await office.take(session.viewer, message, key=scoped(session.viewer, key))))

"""`/api/v1/devices`: a band exchanged, a kit given to somebody, a device shut out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ancu.server.ports.site import SwapReason, SwapState
from ancu.server.web.api.common import KEYED, PROBLEMS, scoped
from ancu.server.web.auth import Key, Officer
from ancu.server.web.site import Fleet

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/devices", tags=["devices"], responses=PROBLEMS)
_Id = Annotated[str, Field(min_length=1, max_length=80)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Swap(_Body):
    """`old` is worn, `new` is free; both as printed on the band."""

    old: _Id
    new: _Id
    reason: SwapReason


class Gift(_Body):
    """`label`: what the kit's label says, scanned or typed: a box, and perhaps the band beside it."""

    person: _Id
    label: Annotated[str, Field(min_length=1, max_length=200)]


class Revocation(_Body):
    kind: Literal["band", "edge", "gateway", "camera"]
    id: _Id
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class BandGiven(BaseModel):
    """How far a person's new band is: the box knows it, and it was heard since. `box_knows` null: it does not say."""

    person: str
    band: str
    edge: str | None
    since: datetime
    box_knows: bool | None
    heard_at: datetime | None

    @classmethod
    def of(cls, state: SwapState) -> BandGiven:
        return cls(**{name: getattr(state, name) for name in cls.model_fields})


@router.get("/given/{person}")
async def band_given(person: str, session: Officer, fleet: Fleet) -> BandGiven:
    """The band that a person was given last."""
    return BandGiven.of(await fleet.swap_state(session.viewer, person))


@router.post(":swap", openapi_extra=KEYED)
async def swap_band(body: Swap, session: Officer, key: Key, fleet: Fleet) -> BandGiven:
    """Give a person another band: its keys follow his order. A lost one is believed no longer."""
    key = scoped(session.viewer, key)
    return BandGiven.of(await fleet.swap(session.viewer, body.old, body.new, body.reason, key=key))


@router.post(":give", openapi_extra=KEYED)
async def give_kit(body: Gift, session: Officer, key: Key, fleet: Fleet) -> BandGiven:
    """Give a person under order a kit: his order is served at its box, with its band."""
    kit = await fleet.kit(session.viewer, body.label)
    return BandGiven.of(await fleet.hand_over(session.viewer, body.person, kit, key=scoped(session.viewer, key)))


@router.post(":revoke", status_code=204, openapi_extra=KEYED)
async def revoke(body: Revocation, session: Officer, key: Key, fleet: Fleet) -> None:
    """Shut a device out, for good."""
    key = scoped(session.viewer, key)
    await fleet.revoke(session.viewer, body.kind, body.id, body.reason, key=key)

"""`/api/v1/requests`, `/disputes`, `/vaccinations`: what people under order ask for, and what is told of them."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from ancu.server.ports.citizen import AskKind, AskRow, Citizens, DisputeAbout, VaccinationRow
from ancu.server.ports.exchange import AbsenceReason
from ancu.server.web.api.common import KEYED, NUMBER, PROBLEMS, Cursor, Moment, scoped
from ancu.server.web.api.exchange import Items, whom
from ancu.server.web.auth import Anyone, Key, Officer
from ancu.server.web.state import services_of

__all__ = ["CitizensOf", "citizens_of", "router"]

router = APIRouter(prefix="/api/v1", tags=["citizens"], responses=PROBLEMS)
_WISHES = frozenset(AskKind) - {AskKind.DISPUTE}


def citizens_of(request: Request) -> Citizens:
    return cast("Citizens", services_of(request).desk)


CitizensOf = Annotated[Citizens, Depends(citizens_of)]
_Id = Annotated[str, Field(min_length=1, max_length=40)]
_Note = Annotated[str, Field(max_length=2000)]
_Person = Annotated[str | None, Query(max_length=40)]
_Open = Annotated[bool, Query(alias="open", description="only those that nobody decided yet")]
_Limit = Annotated[int, Query(ge=1, le=500)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Wish(_Body):
    """`person` only where an officer writes for somebody on the telephone. Window and reason: of an absence."""

    person: _Id | None = None
    kind: Literal["food", "medicine", "help", "absence"]
    note: _Note = ""
    reason: AbsenceReason = AbsenceReason.OTHER
    starts_at: Moment | None = None
    until: Moment | None = None


class Dispute(_Body):
    person: _Id | None = None
    about: DisputeAbout
    note: Annotated[str, Field(min_length=1, max_length=2000)]


class Answer(_Body):
    """A refusal of an absence or a dispute says why. An accepted absence is granted, a wrong order ends."""

    accept: StrictBool
    reply: _Note = ""


class Vaccination(_Body):
    person: _Id
    vaccine: Annotated[str, Field(min_length=1, max_length=80)]
    dose: Annotated[int, Field(ge=1, le=20), NUMBER]
    given_at: Moment


@router.post("/requests", status_code=201, openapi_extra=KEYED)
async def ask(body: Wish, session: Anyone, key: Key, desk: CitizensOf) -> AskRow:
    """Ask for food, medicine, help or an absence; `due_at` says until when somebody replies."""
    viewer, kind = session.viewer, AskKind(body.kind)
    return await desk.ask(
        viewer,
        whom(viewer, body.person),
        kind,
        about=body.reason if kind is AskKind.ABSENCE else "",
        note=body.note,
        starts_at=body.starts_at,
        until=body.until,
        key=scoped(viewer, key),
    )


@router.get("/requests")
async def requests(  # noqa: PLR0917 - by name: they are a query
    session: Anyone, desk: CitizensOf, still_open: _Open = False, person: _Person = None, limit: _Limit = 100,
    cursor: Cursor = None,
) -> Items[AskRow]:  # fmt: skip
    """Newest first."""
    return Items.of(
        await desk.asks(session.viewer, kinds=_WISHES, still_open=still_open, person=person, limit=limit, cursor=cursor)
    )


@router.post("/requests/{ask}:answer", openapi_extra=KEYED)
async def answer(ask: str, body: Answer, session: Officer, key: Key, desk: CitizensOf) -> AskRow:
    viewer = session.viewer
    return await desk.answer_ask(viewer, ask, accept=body.accept, reply=body.reply, key=scoped(viewer, key))


@router.post("/disputes", status_code=201, openapi_extra=KEYED)
async def dispute(body: Dispute, session: Anyone, key: Key, desk: CitizensOf) -> AskRow:
    """Say that an order, an alert or stored data is wrong; answered within 72 hours."""
    viewer = session.viewer
    person = whom(viewer, body.person)
    return await desk.ask(viewer, person, AskKind.DISPUTE, about=body.about, note=body.note, key=scoped(viewer, key))


@router.get("/disputes")
async def disputes(  # noqa: PLR0917 - by name: they are a query
    session: Anyone, desk: CitizensOf, still_open: _Open = False, person: _Person = None, limit: _Limit = 100,
    cursor: Cursor = None,
) -> Items[AskRow]:  # fmt: skip
    """Newest first."""
    kinds = frozenset({AskKind.DISPUTE})
    return Items.of(
        await desk.asks(session.viewer, kinds=kinds, still_open=still_open, person=person, limit=limit, cursor=cursor)
    )


@router.post("/disputes/{ask}:reply", openapi_extra=KEYED)
async def reply(ask: str, body: Answer, session: Officer, key: Key, desk: CitizensOf) -> AskRow:
    viewer = session.viewer
    return await desk.answer_ask(viewer, ask, accept=body.accept, reply=body.reply, key=scoped(viewer, key))


@router.post("/vaccinations", status_code=201, openapi_extra=KEYED)
async def add_vaccination(body: Vaccination, session: Officer, key: Key, desk: CitizensOf) -> VaccinationRow:
    """Tell that somebody was vaccinated; the person reads it on his page."""
    viewer = session.viewer
    return await desk.add_vaccination(
        viewer, body.person, body.vaccine, body.dose, body.given_at, key=scoped(viewer, key)
    )


@router.get("/vaccinations")
async def vaccinations(
    session: Anyone, desk: CitizensOf, person: _Person = None, limit: _Limit = 100, cursor: Cursor = None
) -> Items[VaccinationRow]:
    return Items.of(await desk.vaccinations(session.viewer, person=person, limit=limit, cursor=cursor))

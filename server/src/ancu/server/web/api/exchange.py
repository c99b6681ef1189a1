"""`/api/v1/checkpoint-scans`, `/absences`, `/checkins`, `/declarations`, `/test-results`."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar, cast

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from starlette.exceptions import HTTPException

from ancu.models.errors import UsageError
from ancu.server.people.proposals import TestResult
from ancu.server.ports import Page, Role, Viewer
from ancu.server.ports.exchange import (
    AbsenceReason,
    AbsenceRow,
    CheckinRow,
    DeclarationRow,
    Exchange,
    ResultRow,
    ScanRow,
    Symptom,
)
from ancu.server.web.api.common import KEYED, NUMBER, PROBLEMS, Cursor, Moment, scoped
from ancu.server.web.auth import Anyone, Key, Officer
from ancu.server.web.state import services_of

__all__ = ["ExchangeOf", "Items", "router", "whom"]

router = APIRouter(prefix="/api/v1", tags=["exchange"], responses=PROBLEMS)
T = TypeVar("T")


def exchange_of(request: Request) -> Exchange:
    return cast("Exchange", services_of(request).desk)


ExchangeOf = Annotated[Exchange, Depends(exchange_of)]
_Id = Annotated[str, Field(min_length=1, max_length=40)]
_Person = Annotated[str | None, Query(max_length=40)]
_Limit = Annotated[int, Query(ge=1, le=500)]


class Items(BaseModel, Generic[T]):
    items: list[T]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[T]) -> Items[T]:
        return cls(items=list(page.items), next_cursor=page.next_cursor)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Scan(_Body):
    person: _Id
    checkpoint: _Id
    at: Moment


class Taken(BaseModel):
    """The same answer for everybody: a checkpoint learns nothing of who is under order."""

    id: str


class Absence(_Body):
    """`checkpoints`: where a scan is allowed; none named: anywhere."""

    person: _Id
    starts_at: Moment
    until: Moment
    reason: AbsenceReason
    checkpoints: list[_Id] = Field(default_factory=list, max_length=50)


class Whom(_Body):
    person: _Id


class Checked(_Body):
    """What a check of face and place said; null: nobody checked. A person's own answer leaves both out."""

    face: StrictBool | None = None
    place: StrictBool | None = None


class Declaration(_Body):
    """`person` only where somebody declares for another. `body_deci_c`: 0.1 °C, as measured."""

    person: _Id | None = None
    symptoms: list[Symptom] = Field(max_length=len(Symptom))
    body_deci_c: Annotated[int | None, Field(ge=300, le=450), NUMBER] = None


class Result(_Body):
    person: _Id
    result: TestResult
    taken_at: Moment


class Decision(_Body):
    accept: StrictBool


@router.post("/checkpoint-scans", status_code=202, openapi_extra=KEYED)
async def add_scan(body: Scan, session: Officer, key: Key, desk: ExchangeOf) -> Taken:
    """A code was scanned at a checkpoint. A breach where an order is in force and no absence allows it."""
    viewer = session.viewer
    return Taken(id=await desk.scanned(viewer, body.person, body.checkpoint, body.at, key=scoped(viewer, key)))


@router.get("/checkpoint-scans")
async def scans(
    session: Officer, desk: ExchangeOf, person: _Person = None, limit: _Limit = 100, cursor: Cursor = None
) -> Items[ScanRow]:
    """Scans of people who were under order, newest first."""
    return Items.of(await desk.scans(session.viewer, person=person, limit=limit, cursor=cursor))


@router.post("/absences", status_code=201, openapi_extra=KEYED)
async def grant(body: Absence, session: Officer, key: Key, desk: ExchangeOf) -> AbsenceRow:
    """Allow a person to be away in a window; it opens and closes by itself."""
    viewer = session.viewer
    return await desk.grant_absence(
        viewer,
        body.person,
        starts_at=body.starts_at,
        until=body.until,
        reason=body.reason,
        checkpoints=body.checkpoints,
        key=scoped(viewer, key),
    )


@router.post("/absences/{absence}:end", openapi_extra=KEYED)
async def end_absence(absence: str, session: Officer, key: Key, desk: ExchangeOf) -> AbsenceRow:
    """End an absence now, or call it off before it begins."""
    return await desk.end_absence(session.viewer, absence, key=scoped(session.viewer, key))


@router.get("/absences")
async def absences(
    session: Anyone, desk: ExchangeOf, person: _Person = None, limit: _Limit = 100, cursor: Cursor = None
) -> Items[AbsenceRow]:
    return Items.of(await desk.absences(session.viewer, person=person, limit=limit, cursor=cursor))


@router.post("/checkins", status_code=201, openapi_extra=KEYED)
async def ask_checkin(body: Whom, session: Officer, key: Key, desk: ExchangeOf) -> CheckinRow:
    """Ask a person to check in now; refused in quiet hours, during an absence, and while one waits."""
    return await desk.ask_checkin(session.viewer, body.person, key=scoped(session.viewer, key))


@router.post("/checkins/{checkin}:answer", openapi_extra=KEYED)
async def answer_checkin(checkin: str, body: Checked, session: Anyone, key: Key, desk: ExchangeOf) -> CheckinRow:
    """The person's own answer, or what a check of it said. What a person says of his own face counts for nothing."""
    return await desk.answer_checkin(
        session.viewer, checkin, face=body.face, place=body.place, key=scoped(session.viewer, key)
    )


@router.get("/checkins")
async def checkins(
    session: Anyone, desk: ExchangeOf, person: _Person = None, limit: _Limit = 100, cursor: Cursor = None
) -> Items[CheckinRow]:
    return Items.of(await desk.checkins(session.viewer, person=person, limit=limit, cursor=cursor))


@router.post("/declarations", status_code=201, openapi_extra=KEYED)
async def declare(body: Declaration, session: Anyone, key: Key, desk: ExchangeOf) -> DeclarationRow:
    """How a person feels today; the last one, to fill the form in, is the first of the list."""
    viewer = session.viewer
    person = whom(viewer, body.person)
    return await desk.declare(viewer, person, body.symptoms, body.body_deci_c, key=scoped(viewer, key))


@router.get("/declarations")
async def declarations(
    session: Anyone, desk: ExchangeOf, person: _Person = None, limit: _Limit = 100, cursor: Cursor = None
) -> Items[DeclarationRow]:
    """For the health worker, the province desk and the person."""
    return Items.of(await desk.declarations(session.viewer, person=person, limit=limit, cursor=cursor))


@router.post("/test-results", status_code=201, openapi_extra=KEYED)
async def add_result(body: Result, session: Officer, key: Key, desk: ExchangeOf) -> ResultRow:
    """A result, and what it proposes for the order: nothing changes before somebody decides."""
    viewer = session.viewer
    return await desk.add_result(viewer, body.person, body.result, body.taken_at, key=scoped(viewer, key))


@router.post("/test-results/{result}:decide", openapi_extra=KEYED)
async def decide(result: str, body: Decision, session: Officer, key: Key, desk: ExchangeOf) -> ResultRow:
    """Carry the proposal out, or turn it down."""
    return await desk.decide_result(session.viewer, result, accept=body.accept, key=scoped(session.viewer, key))


@router.get("/test-results")
async def results(
    session: Anyone, desk: ExchangeOf, person: _Person = None, limit: _Limit = 100, cursor: Cursor = None
) -> Items[ResultRow]:
    return Items.of(await desk.results(session.viewer, person=person, limit=limit, cursor=cursor))


def whom(viewer: Viewer, person: str | None) -> str:
    """The person that a call is about: the asker himself, or whom an officer names."""
    if viewer.role is Role.CITIZEN:
        if person not in {None, viewer.person} or viewer.person is None:
            raise HTTPException(403)
        return viewer.person
    if person is None:
        raise UsageError("whose it is: 'person' is missing")
    return person

"""`/api/v1/visits`: what officers saw or were told of a person; theirs alone to read and write."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from ancu.server.ports.console import Condition, Console, VisitKind, VisitRow
from ancu.server.web.api.common import KEYED, PROBLEMS, Moment, scoped
from ancu.server.web.auth import Key, Officer
from ancu.server.web.state import services_of

__all__ = ["ConsoleOf", "console_of", "router"]

router = APIRouter(prefix="/api/v1/visits", tags=["visits"], responses=PROBLEMS)


def console_of(request: Request) -> Console:
    return cast("Console", services_of(request).desk)


ConsoleOf = Annotated[Console, Depends(console_of)]


class Visit(BaseModel):
    """`met` null: it was no visit to the home. `at`: when it was; at most a week ago."""

    model_config = ConfigDict(extra="forbid")

    person: Annotated[str, Field(min_length=1, max_length=40)]
    kind: VisitKind
    at: Moment
    met: StrictBool | None = None
    condition: Condition = Condition.UNKNOWN
    note: Annotated[str, Field(max_length=2000)] = ""


class Visits(BaseModel):
    items: list[VisitRow]


@router.get("")
async def visits(
    session: Officer,
    desk: ConsoleOf,
    person: Annotated[str, Query(min_length=1, max_length=40)],
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Visits:
    """Of one person, the newest first."""
    return Visits(items=list(await desk.visits(session.viewer, person, limit=limit)))


@router.post("", status_code=204, openapi_extra=KEYED)
async def add_visit(body: Visit, session: Officer, key: Key, desk: ConsoleOf) -> None:
    """Keep what an officer saw."""
    await desk.add_visit(
        session.viewer,
        body.person,
        body.kind,
        body.at,
        met=body.met,
        condition=body.condition,
        note=body.note,
        key=scoped(session.viewer, key),
    )

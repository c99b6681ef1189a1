"""`/api/v1/alerts`: incidents, and what an officer does about them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from ancu.server.ports import AlertDetail, AlertRow, AlertState, Outcome, Severity
from ancu.server.web.api.common import KEYED, PROBLEMS, Cursor, Moment, scoped
from ancu.server.web.api.visits import ConsoleOf
from ancu.server.web.auth import Key, Officer
from ancu.server.web.state import Services, services_of

__all__ = ["OPEN_STATES", "AlertPage", "Resolution", "router"]

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"], responses=PROBLEMS)
OPEN_STATES = frozenset(AlertState) - {AlertState.RESOLVED}
_Services = Annotated[Services, Depends(services_of)]


class AlertPage(BaseModel):
    items: list[AlertRow]
    next_cursor: str | None


class Resolution(BaseModel):
    """How an incident ended, and a note for whoever reads it later."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome
    note: str = Field("", max_length=2000)


class Nap(BaseModel):
    """Until when an incident sleeps: within a few hours."""

    model_config = ConfigDict(extra="forbid")

    until: Moment


class Unit(BaseModel):
    """Who was sent."""

    model_config = ConfigDict(extra="forbid")

    unit: Literal["ward_team", "police", "health", "neighbours"]


class Way(BaseModel):
    """How the person was reached."""

    model_config = ConfigDict(extra="forbid")

    how: Literal["phone", "visit", "message"]


@router.get("")
async def list_alerts(  # noqa: PLR0917 - by name: they are a query
    session: Officer,
    services: _Services,
    state: Annotated[list[AlertState] | None, Query(description="several may be given; none: every state")] = None,
    kind: Annotated[list[str] | None, Query()] = None,
    severity: Annotated[list[Severity] | None, Query()] = None,
    ward: Annotated[str | None, Query(max_length=40)] = None,
    person: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Cursor = None,
) -> AlertPage:
    """Incidents of the asker's wards, worst and newest first, a page at a time."""
    page = await services.desk.alerts(
        session.viewer,
        states=frozenset(state) if state else None,
        kinds=frozenset(kind) if kind else None,
        severities=frozenset(severity) if severity else None,
        ward=ward,
        person=person,
        limit=limit,
        cursor=cursor,
    )
    return AlertPage(items=list(page.items), next_cursor=page.next_cursor)


@router.get("/{alert}")
async def one_alert(alert: str, session: Officer, services: _Services) -> AlertDetail:
    """One incident with its evidence, thresholds and timeline."""
    return await services.desk.alert(session.viewer, alert)


@router.post("/{alert}:acknowledge", openapi_extra=KEYED)
async def acknowledge(alert: str, session: Officer, key: Key, services: _Services) -> AlertRow:
    """Claim an incident; the same key again answers alike."""
    return await services.desk.acknowledge(session.viewer, alert, key=scoped(session.viewer, key))


@router.post("/{alert}:snooze", openapi_extra=KEYED)
async def snooze(alert: str, body: Nap, session: Officer, key: Key, services: _Services) -> AlertRow:
    """Let an incident sleep; it comes back by itself, and sooner where it grows worse."""
    return await services.desk.snooze(session.viewer, alert, body.until, key=scoped(session.viewer, key))


@router.post("/{alert}:wake", openapi_extra=KEYED)
async def wake(alert: str, session: Officer, key: Key, desk: ConsoleOf) -> AlertRow:
    """End its sleep now."""
    return await desk.wake(session.viewer, alert, key=scoped(session.viewer, key))


@router.post("/{alert}:release", openapi_extra=KEYED)
async def release(alert: str, session: Officer, key: Key, desk: ConsoleOf) -> AlertRow:
    """Give back what the asker claimed a moment ago: nobody has it again."""
    return await desk.release(session.viewer, alert, key=scoped(session.viewer, key))


@router.post("/{alert}:contact", openapi_extra=KEYED)
async def contact(alert: str, body: Way, session: Officer, key: Key, services: _Services) -> AlertRow:
    """Note that the person was reached, and how."""
    return await services.desk.contact(session.viewer, alert, body.how, key=scoped(session.viewer, key))


@router.post("/{alert}:dispatch", openapi_extra=KEYED)
async def dispatch(alert: str, body: Unit, session: Officer, key: Key, services: _Services) -> AlertRow:
    """Note that somebody was sent."""
    return await services.desk.dispatch(session.viewer, alert, body.unit, key=scoped(session.viewer, key))


@router.post("/{alert}:resolve", openapi_extra=KEYED)
async def resolve(alert: str, body: Resolution, session: Officer, key: Key, services: _Services) -> AlertRow:
    """Close an incident with an outcome code."""
    return await services.desk.resolve(
        session.viewer, alert, body.outcome, note=body.note, key=scoped(session.viewer, key)
    )

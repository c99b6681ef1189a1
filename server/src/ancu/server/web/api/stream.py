"""`/api/v1/alerts/stream`: changes of alerts as server-sent events, resumable by Last-Event-ID."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from ancu.server.web.api.common import PROBLEMS
from ancu.server.web.auth import Officer, still_signed_in
from ancu.server.web.state import Services, services_of
from ancu.server.web.stream import EventStream, asked_position

__all__ = ["router"]

router = APIRouter(tags=["alerts"], responses=PROBLEMS)


@router.get(
    "/api/v1/alerts/stream",
    response_class=Response,
    responses={200: {"description": "Events, without end", "content": {"text/event-stream": {}}}},
)
async def stream(
    request: Request,
    session: Officer,
    services: Annotated[Services, Depends(services_of)],
    after: Annotated[int | None, Query(ge=0, description="where to begin, for clients that cannot set headers")] = None,
) -> EventStream:
    """`event: alert` with `{"position", "alert"}`; `event: beat` as a sign of life; `event: expired` before an end
    that signing in would mend. Without a position it begins with what happens from now on.
    """
    after = asked_position(request, after)
    holding = services.streams.hold(session.viewer.id)
    holding.__enter__()  # released by the response, whose life is longer than this function's
    source = services.streams.events(
        services.desk.changes(session.viewer, after),
        lambda: still_signed_in(request, session.viewer),
        services.streams.json,
    )
    return EventStream(source, holding)

"""The inbox's own stream: a change with its row as that list shows it, made once for every page that shows it alike.

A page that had to ask for each row would, with two hundred pages open, make two hundred requests of one alert.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from ancu.server.ports import Change, Viewer
from ancu.server.web.auth import Officer, still_signed_in
from ancu.server.web.pages.inbox import Asked, row_values
from ancu.server.web.render import fragment, words_of
from ancu.server.web.state import Services, services_of
from ancu.server.web.stream import EventStream, alert_bytes, asked_position
from ancu.server.web.words import Words

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_FRESH = timedelta(seconds=30)  # after that a row's words about time are no longer true; the page asks for it


@router.get("/alerts/stream")
async def inbox_stream(
    request: Request,
    session: Officer,
    services: Annotated[Services, Depends(services_of)],
    after: Annotated[int | None, Query(ge=0)] = None,
) -> Response:
    """`event: alert` with `{"position", "id", "html"}`: html is the row, empty where it is not on the list any more,
    null where the page is to ask for it. Beats and ends are those of `/api/v1/alerts/stream`.
    """
    after = asked_position(request, after)
    viewer, asked, words = session.viewer, Asked.of(request.query_params), words_of(request)
    holding = services.streams.hold(viewer.id)
    holding.__enter__()  # released by the response, whose life is longer than this function's
    source = services.streams.events(
        services.desk.changes(viewer, after),
        lambda: still_signed_in(request, viewer),
        lambda change: _said(services, viewer, asked, words, change),
    )
    return EventStream(source, holding)


async def _said(services: Services, viewer: Viewer, asked: Asked, words: Words, change: Change) -> bytes:
    mine = viewer.id if asked.show == "mine" else None

    async def make() -> bytes:
        html: str | None = None
        if services.clock.now() - change.row.updated_at < _FRESH:
            values = await row_values(services, viewer, asked, [change.row])
            html = fragment(services, words, "inbox_rows.html", values).strip()
        return alert_bytes(change, {"id": change.row.id, "html": html})

    return await services.streams.shared((change.position, asked, words.lang, mine), make)

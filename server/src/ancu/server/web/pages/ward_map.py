"""The ward at a glance: everybody under order by where he is served, a tile each; a map only where one is set up."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, RedirectResponse, Response

from ancu.server.ports import AlertRow, Severity
from ancu.server.web import tiles as map_tiles
from ancu.server.web.auth import Officer
from ancu.server.web.pages.inbox import console
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_MOST = 500  # open alerts that the tiles know of
_ORDER = {"away": 0, "unknown": 1, "home": 2}


@router.get("/tiles.pmtiles")
async def map_file(_session: Officer, services: _Services) -> Response:
    """The operator's map, whole or in ranges; nothing of ours is in it."""
    path = services.settings.map
    if path is None or not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, media_type=map_tiles.MEDIA_TYPE, headers={"Cache-Control": "private, max-age=3600"})


@router.get("/map")
async def own(session: Officer, services: _Services) -> Response:
    """To the first of the officer's wards."""
    wards = await console(services).wards(session.viewer)
    if not wards:
        raise HTTPException(404)
    return RedirectResponse(f"/map/{wards[0].ward}", 303)


@router.get("/map/{ward}")
async def ward_map(
    request: Request,
    ward: str,
    session: Officer,
    services: _Services,
    only: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    viewer, desk = session.viewer, console(services)
    people = await desk.whereabouts(viewer, ward)
    queue = await desk.queue(viewer, ward=ward, limit=_MOST)
    worst: dict[str, AlertRow] = {}
    for row in sorted(queue.items, key=lambda row: list(Severity).index(row.severity)):
        worst.setdefault(row.person or row.subject, row)
    tiles = [(who, worst.get(who.id) or worst.get(who.edge or "")) for who in people]
    tiles.sort(key=lambda tile: (_rank(tile[1]), _ORDER.get(tile[0].presence, 1), tile[0].label))
    values = {
        "wards": await desk.wards(viewer),
        "ward": ward,
        "tiles": [tile for tile in tiles if only in {"", tile[0].presence} or (only == "alert" and tile[1])],
        "only": only,
        "mapped": services.settings.map is not None,
        "placed": sum(who.place is not None for who in people),
        "presence": Counter(who.presence for who in people),
        "alerting": sum(alert is not None for _, alert in tiles),
        "places": [row for row in queue.items if row.person is None],
    }
    return render(request, "map.html", values)


def _rank(alert: AlertRow | None) -> int:
    return len(Severity) if alert is None else list(Severity).index(alert.severity)

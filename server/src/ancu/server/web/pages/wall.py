"""A screen on a site's wall: the board in large letters, without names, by a cookie that can do nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from ancu.server.people.walls import WALL_DAYS
from ancu.server.ports import NotFound
from ancu.server.ports.site import Board, SitePort, WallRow
from ancu.server.web.auth import Form, Officer, forget, session_token, text
from ancu.server.web.pages.site import extent, form_key
from ancu.server.web.render import render
from ancu.server.web.site import Sites
from ancu.server.web.state import Services, services_of
from ancu.server.web.stream import EventStream

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_LOOK_S = 2.0  # between two looks at the board
_WARN_DAYS = 7  # before a screen's time is over


@router.get("/sites/{site}/walls")
async def walls(request: Request, site: str, session: Officer, desk: Sites) -> Response:
    held = await desk.board(session.viewer, site)
    values = {"site": held.site, "rows": await desk.walls(session.viewer, site), "days": WALL_DAYS}
    return render(request, "site_walls.html", values)


@router.post("/sites/{site}/walls")
async def hang(
    request: Request, site: str, *, session: Officer, desk: Sites, services: _Services, form: Form
) -> Response:
    """Turn this very browser into a screen: it gets the screen's cookie, and its officer is signed out of it."""
    secret = await desk.hang_wall(session.viewer, site, text(form, "label", 40).strip() or "–")
    if token := session_token(request):
        await services.accounts.sign_out(token)
    response = RedirectResponse("/wall", 303)
    forget(request, response)
    response.set_cookie(
        _cookie(request),
        secret,
        max_age=WALL_DAYS * 86_400,
        path="/",
        httponly=True,
        samesite="strict",
        secure=services.settings.secure,
    )
    return response


@router.post("/sites/{site}/walls/{wall}/down")
async def take_down(site: str, wall: str, session: Officer, desk: Sites, form: Form) -> Response:
    await desk.take_down_wall(session.viewer, site, wall, key=form_key(session.viewer, form))
    return RedirectResponse(f"/sites/{site}/walls", 303)


@router.get("/wall")
async def wall(request: Request, desk: Sites) -> Response:
    try:
        screen, board = await desk.wall(request.cookies.get(_cookie(request), ""))
    except NotFound:
        return render(request, "wall_none.html", status=403)
    return render(request, "wall.html", _values(request, screen, board))


@router.get("/wall/stream")
async def wall_stream(request: Request, desk: Sites, services: _Services) -> Response:
    """The board whenever it changed, as a fragment; ends when the screen is let in no longer."""
    secret = request.cookies.get(_cookie(request), "")
    screen, _ = await desk.wall(secret)
    holding = services.streams.hold(f"wall:{screen.id}")
    holding.__enter__()
    return EventStream(_boards(request, desk, secret, services), holding)


async def _boards(request: Request, desk: SitePort, secret: str, services: Services) -> AsyncIterator[bytes]:
    shown, beat_s, quiet_s = "", services.settings.beat_s, 0.0
    yield b"retry: 2000\n: open\n\n"
    while not services.streams.closing.is_set():
        try:
            screen, board = await desk.wall(secret)
        except NotFound:
            yield b"event: gone\ndata: {}\n\n"
            return
        fragment = bytes(render(request, "site_board.html", _values(request, screen, board)).body).decode()
        if fragment != shown:
            shown, quiet_s = fragment, 0.0
            yield b"event: board\n" + b"".join(b"data: " + line.encode() + b"\n" for line in shown.split("\n")) + b"\n"
        elif quiet_s >= beat_s:
            quiet_s = 0.0
            yield b"event: beat\ndata: {}\n\n"
        quiet_s += _LOOK_S
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(services.streams.closing.wait(), _LOOK_S)


def _values(request: Request, screen: WallRow, board: Board) -> dict[str, object]:
    now = services_of(request).clock.now()
    ends_soon = (screen.expires_at - now).days < _WARN_DAYS
    return {"screen": screen, "board": board, "extent": extent(board.plan), "wall": True, "ends_soon": ends_soon}


def _cookie(request: Request) -> str:
    """Beside the session's cookie and named like it, so that instances side by side do not share it."""
    return "__Host-ancu-wall" if services_of(request).settings.secure else f"ancu-wall-{request.url.port or 80}"

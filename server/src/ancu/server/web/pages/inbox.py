"""The inbox: incidents that wait for somebody, first those that nobody has."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from ancu.server.ports import AlertRow, AlertState, Page, Role, Severity, Viewer
from ancu.server.web.auth import Anyone, Officer
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["inbox_values", "router"]

router = APIRouter(include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_Show = Annotated[Literal["open", "all"], Query()]
_OPEN = frozenset(AlertState) - {AlertState.RESOLVED}
_WORST = list(Severity)
_PAGE = 200


@router.get("/")
async def home(session: Anyone) -> Response:
    return RedirectResponse("/me" if session.viewer.role is Role.CITIZEN else "/alerts", 303)


@router.get("/alerts")
async def inbox(
    request: Request,
    session: Officer,
    services: _Services,
    show: _Show = "open",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    return render(request, "inbox.html", await inbox_values(services, session.viewer, show, cursor))


@router.get("/alerts/list")
async def inbox_list(
    request: Request,
    session: Officer,
    services: _Services,
    show: _Show = "open",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """The list alone: what an open page asks for when something changed."""
    return render(request, "inbox_list.html", await inbox_values(services, session.viewer, show, cursor))


async def inbox_values(services: Services, viewer: Viewer, show: str, cursor: str | None = None) -> dict[str, object]:
    """What the list's template needs."""
    page: Page[AlertRow] = await services.desk.alerts(
        viewer, states=_OPEN if show == "open" else None, limit=_PAGE, cursor=cursor
    )
    rows = sorted(page.items, key=_urgency) if show == "open" else page.items
    return {"rows": rows, "show": show, "cursor": cursor, "more": page.next_cursor}


def _urgency(row: AlertRow) -> tuple[bool, int, float]:
    return row.acknowledged_by is not None, _WORST.index(row.severity), -row.opened_at.timestamp()

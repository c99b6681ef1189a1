"""The inbox: incidents that wait for somebody, the most urgent first; a page at a time, and a row at a time live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Depends, Query, Request
from starlette.datastructures import QueryParams
from starlette.responses import RedirectResponse, Response

from ancu.server.ports import AlertRow, AlertState, Severity, Viewer
from ancu.server.ports.console import Console
from ancu.server.ports.office import OfficePort
from ancu.server.web import nav
from ancu.server.web.auth import Anyone, Officer
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["Asked", "console", "inbox_values", "is_taken", "router", "row_values"]

router = APIRouter(include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_PAGE = 100
_MOST = 1000  # rows that are brought up to date at once; further down they are asked for anew
_FAR_MS = 10**14
_SHOWS = ("open", "mine", "all")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which list: `show` is open, mine or all; a severity and a ward narrow it."""

    show: str = "open"
    severity: Severity | None = None
    ward: str | None = None

    @classmethod
    def of(cls, query: QueryParams) -> Asked:
        show, severity, ward = query.get("show", ""), query.get("sev", ""), query.get("ward", "")
        return cls(
            show if show in _SHOWS else "open",
            Severity(severity) if severity in set(Severity) else None,
            ward[:40] or None,
        )

    def query(self, **other: str | None) -> str:
        """As the address says it, with parts changed."""
        parts = {"show": self.show, "sev": self.severity, "ward": self.ward} | other
        return "&".join(f"{name}={value}" for name, value in parts.items() if value is not None)


def console(services: Services) -> Console:
    """The desk as the officers' pages know it."""
    return cast("Console", services.desk)


@router.get("/")
async def home(session: Anyone) -> Response:
    return RedirectResponse(nav.home(session.viewer.role), 303)


@router.get("/alerts")
async def inbox(
    request: Request,
    session: Officer,
    services: _Services,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    asked = Asked.of(request.query_params)
    office: OfficePort | None = getattr(request.app.state, "office", None)
    position = await services.desk.position()  # before the list, so that the stream begins where the list ends
    values = await inbox_values(services, session.viewer, asked, cursor)
    return render(
        request, "inbox.html", values | {"position": position, "push_key": office.push_key if office else None}
    )


@router.get("/alerts/list")
async def inbox_list(  # noqa: PLR0917 - by name: they are a query
    request: Request,
    session: Officer,
    services: _Services,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    rows: Annotated[int, Query(ge=1, le=_MOST)] = _PAGE,
    part: Literal["all", "more"] = "all",
) -> Response:
    """The list alone, as many rows as are open on a page; `more`: only the rows that follow."""
    values = await inbox_values(services, session.viewer, Asked.of(request.query_params), cursor, rows)
    return render(request, "inbox_list.html" if part == "all" else "inbox_rows.html", values)


@router.get("/alerts/rows")
async def inbox_rows(
    request: Request, session: Officer, services: _Services, id_: Annotated[list[str], Query(alias="id", max_length=50)]
) -> Response:
    """Single rows, for an open page: what changed, as far as it belongs on that list."""
    asked = Asked.of(request.query_params)
    found = await console(services).rows(session.viewer, id_)
    return render(request, "inbox_rows.html", await row_values(services, session.viewer, asked, found))


async def inbox_values(
    services: Services, viewer: Viewer, asked: Asked, cursor: str | None = None, rows: int = _PAGE
) -> dict[str, Any]:
    """What the list's template needs."""
    severities = None if asked.severity is None else frozenset({asked.severity})
    items: list[AlertRow]
    if asked.show == "all":
        page = await services.desk.alerts(viewer, severities=severities, ward=asked.ward, limit=rows, cursor=cursor)
        items, more, counts, waiting = list(page.items), page.next_cursor, {}, 0
    else:
        queue = await console(services).queue(
            viewer, severities=severities, ward=asked.ward, mine=asked.show == "mine", limit=rows, cursor=cursor
        )
        items, more, counts, waiting = list(queue.items), queue.next_cursor, dict(queue.counts), queue.waiting
    return {
        **await _shown(services, asked, items),
        "cursor": cursor,
        "more": more,
        "counts": counts,
        "waiting": waiting,
        "total": sum(counts.values()),
    }


async def row_values(services: Services, viewer: Viewer, asked: Asked, found: Any) -> dict[str, Any]:
    """Rows for an open page: those that belong on its list."""
    items = [row for row in found if _belongs(asked, row, viewer)]
    return {**await _shown(services, asked, items), "cursor": None, "more": None}


def is_taken(row: AlertRow, now: datetime) -> bool:
    """Somebody has it, or it sleeps, or it is over: it stands below those that wait."""
    asleep = row.snoozed_until is not None and row.snoozed_until > now
    return row.acknowledged_by is not None or asleep or row.state is AlertState.RESOLVED


async def _shown(services: Services, asked: Asked, items: list[AlertRow]) -> dict[str, Any]:
    now = services.clock.now()
    return {
        "asked": asked,
        "show": asked.show,
        "rows": [(row, is_taken(row, now), _rank(row, asked, now)) for row in items],
        "names": await services.accounts.names({row.acknowledged_by for row in items if row.acknowledged_by}),
    }


def _belongs(asked: Asked, row: AlertRow, viewer: Viewer) -> bool:
    return (
        (asked.show == "all" or row.state is not AlertState.RESOLVED)
        and (asked.show != "mine" or row.acknowledged_by == viewer.id)
        and asked.severity in {None, row.severity}
        and asked.ward in {None, row.ward}
    )


def _rank(row: AlertRow, asked: Asked, now: datetime) -> str:
    """Where a row stands among others, as text that sorts: the page puts a new row in its place by it."""
    newest = _FAR_MS - round(row.opened_at.timestamp() * 1000)
    if asked.show == "all":
        return f"{newest:015d}{row.id}"
    return f"{int(is_taken(row, now))}{list(Severity).index(row.severity)}{newest:015d}{row.id}"

"""What an officer does to an incident, from the list, from its page, or to several at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.datastructures import FormData, QueryParams
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from ancu.models.errors import AncuError
from ancu.server.ports import AlertRow, Outcome, Viewer
from ancu.server.web.api.common import scoped
from ancu.server.web.auth import Form, Officer, text
from ancu.server.web.pages.inbox import Asked, console, row_values
from ancu.server.web.pages.incident import BACKS, CONTACTS, SLEEPS_MIN, UNITS, choices, incident_page
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/alerts", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_MANY = 200


@router.get("/bulk/{act}")
async def many(  # noqa: PLR0917 - by name: they are a query
    request: Request,
    session: Officer,
    services: _Services,
    act: str,
    id_: Annotated[list[str], Query(alias="id", max_length=_MANY)],
    back: str = "open",
) -> Response:
    """The sheet of choices for several incidents."""
    if act not in {"resolve", "more"}:
        raise HTTPException(404)
    rows = await console(services).rows(session.viewer, id_)
    values = choices() | {"ids": [row.id for row in rows], "back": back if back in BACKS else "open"}
    return render(request, f"sheet_{act}_many.html", values)


@router.post("/bulk")
async def do_many(request: Request, session: Officer, services: _Services, form: Form) -> Response:
    """One act for several: each is done by itself, and those that cannot be are counted, not hidden."""
    act, viewer = text(form, "act", 20) or request.query_params.get("act", ""), session.viewer
    ids = [one for one in text(form, "ids", 40 * _MANY).split(",") if one][:_MANY]
    key = _key(request, form)
    done, failed = 0, 0
    for alert in ids:
        try:
            await _do(services, viewer, alert, act, form, scoped(viewer, f"{key}-{alert}"))
            done += 1
        except AncuError:  # resolved by somebody else meanwhile, or not his: the rows that come back show it
            failed += 1
    if not request.headers.get("hx-request"):
        return RedirectResponse("/alerts", 303)
    rows = await console(services).rows(viewer, ids)
    values = await row_values(services, viewer, _asked(form), rows)
    return render(request, "inbox_rows.html", values | {"done": done, "failed": failed})


@router.post("/{alert}/{act}")
async def do_one(  # noqa: PLR0917 - FastAPI fills them in by name
    request: Request, session: Officer, services: _Services, form: Form, alert: str, act: str
) -> Response:
    viewer = session.viewer
    row = await _do(services, viewer, alert, act, form, scoped(viewer, _key(request, form)))
    back = text(form, "back", 10)
    if not request.headers.get("hx-request"):
        return RedirectResponse("/alerts" if back in BACKS else f"/alerts/{alert}", 303)
    if back in BACKS:
        return render(request, "inbox_rows.html", await row_values(services, viewer, _asked(form), [row]))
    return await incident_page(request, alert, viewer, services, "incident_body.html")


async def _do(  # noqa: PLR0917 - of one call
    services: Services, viewer: Viewer, alert: str, act: str, form: FormData, key: str
) -> AlertRow:
    """Raises HTTPException for a form that is not ours, and what the desk raises."""
    desk, more = services.desk, console(services)
    match act:
        case "acknowledge":
            done = desk.acknowledge(viewer, alert, key=key)
        case "release":
            done = more.release(viewer, alert, key=key)
        case "wake":
            done = more.wake(viewer, alert, key=key)
        case "snooze":
            minutes = int(_one_of(form, "minutes", [str(minutes) for minutes in SLEEPS_MIN]))
            done = desk.snooze(viewer, alert, _began(services, form) + timedelta(minutes=minutes), key=key)
        case "dispatch":
            done = desk.dispatch(viewer, alert, _one_of(form, "unit", UNITS), key=key)
        case "contact":
            done = desk.contact(viewer, alert, _one_of(form, "how", CONTACTS), key=key)
        case "resolve":
            outcome = Outcome(_one_of(form, "outcome", list(Outcome)))
            done = desk.resolve(viewer, alert, outcome, note=text(form, "note").strip(), key=key)
        case _:
            raise HTTPException(404)
    return await done


def _one_of(form: FormData, name: str, known: Sequence[str]) -> str:
    value = text(form, name, 40)
    if value not in known:
        raise HTTPException(422, f"no such {name}")
    return value


def _began(services: Services, form: FormData) -> datetime:
    """When he tapped, if the page says so: a tap that waited for the network means its own time, and asks alike."""
    now = services.clock.now()
    try:
        at = datetime.fromisoformat(text(form, "at", 40))
    except ValueError:
        return now
    return at if at.tzinfo and abs(at - now) < timedelta(hours=4) else now


def _key(request: Request, form: FormData) -> str:
    """The page's own key, made with the form: a second tap is the same wish."""
    key = text(form, "key", 64) or request.query_params.get("key", "")[:64]
    if not key:
        raise HTTPException(400, "the form's key is missing")
    return key


def _asked(form: FormData) -> Asked:
    """Which list the open page shows."""
    return Asked.of(QueryParams({name: text(form, name, 40) for name in ("show", "sev", "ward")}))

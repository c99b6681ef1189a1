"""One incident: why, what speaks against it, what to do, whom to call; acknowledge and resolve."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from ancu.server.ports import Outcome, Viewer
from ancu.server.web.api.common import scoped
from ancu.server.web.auth import Form, Officer, text
from ancu.server.web.pages.inbox import inbox_values
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/alerts", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_FIRST = ("severity", "opens_after_s", "agreed_severity", "agreed_opens_after_s", "next_level_min")  # as a reader asks


@router.get("/{alert}")
async def incident(request: Request, alert: str, session: Officer, services: _Services) -> Response:
    return await _page(request, alert, session.viewer, services)


@router.get("/{alert}/body")
async def incident_body(request: Request, alert: str, session: Officer, services: _Services) -> Response:
    """The incident alone: what an open page asks for when it changed."""
    return await _page(request, alert, session.viewer, services, "incident_body.html")


@router.get("/{alert}/call")
async def call(request: Request, alert: str, session: Officer, services: _Services) -> Response:
    return await _page(request, alert, session.viewer, services, "sheet_call.html")


@router.get("/{alert}/resolve")
async def resolving(request: Request, alert: str, session: Officer, services: _Services, back: str = "") -> Response:
    template = "sheet_resolve.html" if request.headers.get("hx-request") else "resolve.html"
    return await _page(request, alert, session.viewer, services, template, back=back)


@router.post("/{alert}/acknowledge")
async def acknowledge(request: Request, alert: str, session: Officer, services: _Services, form: Form) -> Response:
    await services.desk.acknowledge(session.viewer, alert, key=_key(session.viewer, form))
    return await _done(request, alert, session.viewer, services, form)


@router.post("/{alert}/resolve")
async def resolve(request: Request, alert: str, session: Officer, services: _Services, form: Form) -> Response:
    try:
        outcome = Outcome(text(form, "outcome", 40))
    except ValueError:
        raise HTTPException(422, "no such outcome") from None
    key = _key(session.viewer, form)
    await services.desk.resolve(session.viewer, alert, outcome, note=text(form, "note").strip(), key=key)
    return await _done(request, alert, session.viewer, services, form)


async def _page(
    request: Request,
    alert: str,
    viewer: Viewer,
    services: Services,
    template: str = "incident.html",
    *,
    back: str = "",
) -> Response:
    detail = await services.desk.alert(viewer, alert)
    values = {
        "alert": detail,
        "row": detail.row,
        "names": await services.accounts.names({step.by for step in detail.timeline if step.by}),
        "thresholds": sorted(detail.thresholds.items(), key=lambda item: _rank(item[0])),
        "outcomes": list(Outcome),
        "back": _known(back),
    }
    return render(request, template, values)


async def _done(request: Request, alert: str, viewer: Viewer, services: Services, form: FormData) -> Response:
    """Where the officer acted from: the list or the incident, as a fragment for htmx, as a page without it."""
    back = _known(text(form, "back", 10))
    if not request.headers.get("hx-request"):
        return RedirectResponse("/alerts" if back else f"/alerts/{alert}", 303)
    if back:
        return render(request, "inbox_list.html", await inbox_values(services, viewer, back))
    return await _page(request, alert, viewer, services, "incident_body.html")


def _key(viewer: Viewer, form: FormData) -> str:
    """The page's own key, made with the form: a second tap is the same wish."""
    key = text(form, "key", 64)
    if not key:
        raise HTTPException(400, "the form's key is missing")
    return scoped(viewer, key)


def _rank(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)


def _known(back: str) -> str:
    return back if back in ("open", "all") else ""

"""One incident: why, what speaks against it, what to do, whom to call; and the sheets of choices over it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ancu.server.cases.codes import TROUBLE_SIGNS, Say
from ancu.server.ports import Outcome, Viewer
from ancu.server.review.explain import Reader, explain
from ancu.server.review.words import load_words, tell
from ancu.server.web.api.exchange import exchange_of
from ancu.server.web.auth import Officer
from ancu.server.web.pages.inbox import is_taken
from ancu.server.web.render import language, render
from ancu.server.web.state import Services, services_of

__all__ = ["BACKS", "CONTACTS", "SHEETS", "SLEEPS_MIN", "UNITS", "choices", "incident_page", "router"]

router = APIRouter(prefix="/alerts", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
BACKS = ("open", "mine", "all")  # the lists that an act may come from
SLEEPS_MIN = (15, 60, 240)
UNITS = ("ward_team", "police", "health", "neighbours")
SHEETS = ("call", "resolve", "more")
CONTACTS = ("phone", "visit", "message")
_FIRST = ("severity", "opens_after_s", "agreed_severity", "agreed_opens_after_s", "next_level_min")  # as a reader asks
_FEW = 5
_HINTED = frozenset((*TROUBLE_SIGNS.values(), Say.BODY_REFUSED))  # each has its own meaning and its own thing to do


@router.get("/{alert}")
async def incident(request: Request, alert: str, session: Officer, services: _Services) -> Response:
    return await incident_page(request, alert, session.viewer, services, "incident.html")


@router.get("/{alert}/body")
async def incident_body(request: Request, alert: str, session: Officer, services: _Services) -> Response:
    """The incident alone: what an open page asks for when it changed."""
    return await incident_page(request, alert, session.viewer, services, "incident_body.html")


@router.get("/{alert}/explanation")
async def explanation(request: Request, alert: str, session: Officer, services: _Services) -> Response:
    """Why it is there, on one page, as the person under order may read it too."""
    detail = await services.desk.alert(session.viewer, alert)
    names = await services.accounts.names({step.by for step in detail.timeline if step.by})
    told = tell(load_words(language(request)), explain(detail, Reader.OFFICER, names))
    return render(request, "explanation.html", {"row": detail.row, "told": told})


@router.get("/{alert}/{sheet}")
async def sheet(  # noqa: PLR0917 - by name: they are a query
    request: Request, alert: str, sheet: str, session: Officer, services: _Services, back: str = ""
) -> Response:
    """What is chosen from: whom to call, how it ended, what else. In a page of its own where there is no script."""
    if sheet not in SHEETS:
        raise HTTPException(404)
    template = f"sheet_{sheet}.html" if request.headers.get("hx-request") else "sheet_page.html"
    return await incident_page(request, alert, session.viewer, services, template, back=back, sheet=sheet)


async def incident_page(
    request: Request,
    alert: str,
    viewer: Viewer,
    services: Services,
    template: str,
    *,
    back: str = "",
    sheet: str = "",
) -> Response:
    detail = await services.desk.alert(viewer, alert)
    person = detail.row.person
    about = exchange_of(request) if person is not None and not sheet else None
    values = choices() | {
        "alert": detail,
        "row": detail.row,
        "taken": is_taken(detail.row, services.clock.now()),
        "names": await services.accounts.names({step.by for step in detail.timeline if step.by}),
        "thresholds": sorted(detail.thresholds.items(), key=lambda item: _rank(item[0])),
        "hints": [code for code in dict.fromkeys(sign.code for sign in detail.evidence) if code in _HINTED],
        "back": back if back in BACKS else "",
        "sheet": sheet,
        "absences": (await about.absences(viewer, person=person, limit=_FEW)).items if about else (),
        "checkins": (await about.checkins(viewer, person=person, limit=_FEW)).items if about else (),
    }
    return render(request, template, values)


def choices() -> dict[str, object]:
    """What may be chosen for any incident."""
    return {"outcomes": list(Outcome), "units": UNITS, "contacts": CONTACTS, "sleeps": SLEEPS_MIN}


def _rank(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)

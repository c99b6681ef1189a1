"""Printed papers: for one order, or for all that an import wrote."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ancu.server.people.templates import Letter, print_papers
from ancu.server.web.api.orders import OrdersOf
from ancu.server.web.auth import Form, Officer, text
from ancu.server.web.state import Services, services_of
from ancu.server.web.words import LANGUAGES

__all__ = ["router"]

router = APIRouter(prefix="/orders", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_MOST = 1000  # papers at once: as many as an import writes
_ID_CHARS = 40
_printing = asyncio.Semaphore(1)  # a long print takes a core for seconds; the next one waits


@router.post("/print")
async def print_(request: Request, session: Officer, services: _Services, desk: OrdersOf, form: Form) -> Response:
    """Kit and entry codes are made anew for each paper, for nobody keeps the earlier ones."""
    viewer = session.viewer
    wanted = list(dict.fromkeys(text(form, "orders", _MOST * _ID_CHARS).split()))[:_MOST]
    if not wanted:
        raise HTTPException(400, "no orders are named")
    papers = await desk.papers(viewer, wanted)
    passes = await services.accounts.issue_passes([paper.person for paper in papers], by=viewer.id)
    base = (services.settings.origin or str(request.base_url)).rstrip("/")
    letters = [
        Letter(paper, f"{base}/k/{passed.kit}", passed.code) for paper, passed in zip(papers, passes, strict=True)
    ]
    lang = text(form, "lang", 2)
    words = services.words[lang if lang in LANGUAGES else LANGUAGES[0]]

    def reason(code: str) -> str:
        return words.t(f"order_reason.{code}") if words.has(f"order_reason.{code}") else code

    async with _printing:
        pdf = await asyncio.to_thread(print_papers, letters, words, services.clock.now(), reason)
    name = wanted[0] if len(wanted) == 1 else "an-cu"
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return Response(pdf, media_type="application/pdf", headers=headers)

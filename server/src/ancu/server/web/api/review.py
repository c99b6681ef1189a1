"""`/api/v1/kpis`, and why an alert is there, told to whoever may see it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from ancu.models.errors import UsageError
from ancu.server.ports import Role
from ancu.server.review.explain import Reader, explain
from ancu.server.review.words import Told, load_words, tell
from ancu.server.web.api.common import PROBLEMS
from ancu.server.web.auth import Anyone, Officer
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["review"], responses=PROBLEMS)
_LONGEST = timedelta(days=92)
_Services = Annotated[Services, Depends(services_of)]


@router.get("/kpis")
async def figures(
    session: Officer,
    services: _Services,
    start: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    ward: Annotated[str | None, Query(max_length=40)] = None,
) -> dict[str, Any]:
    """Figures of the asker's wards between two times (the last week, if not given); nobody is named in them."""
    end = end or services.clock.now()
    start = start or end - timedelta(days=7)
    if start >= end:
        raise UsageError("'from' is not before 'to'")
    if end - start > _LONGEST:
        raise UsageError(f"more than {_LONGEST.days} days: ask for a shorter time")
    return dict(await services.desk.kpis(session.viewer, start=start, end=end, ward=ward))


@router.get("/alerts/{alert}/explanation")
async def explanation(
    alert: str, session: Anyone, services: _Services, lang: Annotated[str, Query(pattern="^(vi|en)$")] = "vi"
) -> Told:
    """One sentence and one page; the person under order reads the same, less what the law withholds."""
    detail = await services.desk.alert(session.viewer, alert)
    citizen = session.viewer.role is Role.CITIZEN
    names = {} if citizen else await services.accounts.names({step.by for step in detail.timeline if step.by})
    return tell(load_words(lang), explain(detail, Reader.SUBJECT if citizen else Reader.OFFICER, names))

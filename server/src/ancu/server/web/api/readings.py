"""`/api/v1/readings`: the series of one band, down-sampled."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel

from ancu.models.errors import UsageError
from ancu.server.ports import Point
from ancu.server.web.api.common import PROBLEMS
from ancu.server.web.auth import Officer
from ancu.server.web.state import Services, services_of

__all__ = ["Series", "router"]

router = APIRouter(prefix="/api/v1/readings", tags=["readings"], responses=PROBLEMS)
_MOST_POINTS = 5_000  # a week at two minutes; more is an export's work


class Series(BaseModel):
    band: str
    every_s: int
    points: list[Point]


@router.get("")
async def readings(  # noqa: PLR0917 - by name: they are a query
    session: Officer,
    services: Annotated[Services, Depends(services_of)],
    band: Annotated[str, Query(max_length=40)],
    start: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    every: Annotated[int, Query(ge=1, le=86_400, description="seconds a point stands for")] = 300,
) -> Series:
    """Vitals and presence between two times (the last day, if not given), one point for each `every` seconds."""
    end = end or services.clock.now()
    start = start or end - timedelta(days=1)
    if start >= end:
        raise UsageError("'from' is not before 'to'")
    if (end - start) / timedelta(seconds=every) > _MOST_POINTS:
        raise UsageError(f"more than {_MOST_POINTS} points: ask for a longer 'every' or a shorter time")
    points = await services.desk.readings(session.viewer, band, start, end, every)
    return Series(band=band, every_s=every, points=list(points))

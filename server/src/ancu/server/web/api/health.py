"""Health and metrics, for machines that watch this one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse, Response

from ancu.server.web.problems import problem
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(tags=["health"])
_Services = Annotated[Services, Depends(services_of)]
_log = logging.getLogger(__name__)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Alive: this process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "It cannot, with the reason"}})
async def readyz(services: _Services) -> Response:
    """Whether the server can do its job."""
    health = await _health(services)
    if not health["ready"]:
        return problem(503, "not_ready", str(health.get("reason") or "not ready"), headers={"Retry-After": "2"})
    return JSONResponse({"status": "ready"})


@router.get("/metrics", response_class=Response)
async def metrics(services: _Services) -> Response:
    """Prometheus's text form."""
    text = services.metrics.text(await _health(services))
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _health(services: Services) -> Mapping[str, Any]:
    try:
        return await services.desk.health()
    except Exception as error:  # noqa: BLE001 - whatever ails the desk is the answer
        _log.exception("the desk cannot say how it is")
        return {"ready": False, "reason": f"the desk does not answer ({type(error).__name__})", "counters": {}}

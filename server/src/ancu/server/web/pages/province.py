"""The province desk: wards side by side, escalations, outages, figures, load to come, policies and rehearsals."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ancu.server.ports import AlertState, Role, Severity
from ancu.server.ports.exchange import Refused
from ancu.server.web.accounts import Session
from ancu.server.web.auth import Form, Officer, text
from ancu.server.web.pages.inbox import console
from ancu.server.web.render import render
from ancu.server.web.state import Services, services_of

__all__ = ["PROVINCE_ROLES", "router"]

router = APIRouter(prefix="/province", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
PROVINCE_ROLES = frozenset({Role.PROVINCE, Role.HEALTH, Role.OPERATOR})
_OUTAGES = frozenset({"area_outage", "gateway_silent", "edge_silent", "mains_lost", "camera_fault"})
_OPEN = frozenset(AlertState) - {AlertState.RESOLVED}
_FEW, _MANY = 20, 500
_DAYS = 21
_WEEK = timedelta(days=7)


async def _province(session: Officer) -> Session:
    if session.viewer.role not in PROVINCE_ROLES:
        raise HTTPException(403)
    return session


_Province = Annotated[Session, Depends(_province)]


@router.get("")
async def province(request: Request, session: _Province, services: _Services) -> Response:
    viewer, now, desk = session.viewer, services.clock.now(), console(services)
    wards, queue, outages, figures, load, policies = await asyncio.gather(
        desk.wards(viewer),
        desk.queue(viewer, limit=_MANY),
        services.desk.alerts(viewer, states=_OPEN, kinds=_OUTAGES, limit=_FEW),
        services.desk.kpis(viewer, start=now - _WEEK, end=now),
        desk.load(viewer, _DAYS),
        desk.policies(viewer),
    )
    values = {
        "wards": wards,
        "severities": list(Severity),
        "passed": [row for row in queue.items if row.level and row.acknowledged_by is None][:_FEW],
        "outages": outages.items,
        "figures": figures,
        "load": load,
        "most": max((day.under_order for day in load), default=0) or 1,
        "policies": policies,
        "may_rehearse": viewer.role is not Role.HEALTH,
    }
    return render(request, "province.html", values)


@router.get("/policy/{label}/{kind}")
async def rule(request: Request, label: str, kind: str, session: _Province, services: _Services) -> Response:
    """The numbers of one rule, to be tried on the past."""
    return render(request, "province_rule.html", await _rule(session, services, label, kind))


@router.post("/policy/{label}/{kind}")
async def rehearse(  # noqa: PLR0917 - FastAPI fills them in by name
    request: Request, label: str, kind: str, session: _Province, services: _Services, form: Form
) -> Response:
    """What the last days would have been with other numbers. Changes nothing."""
    values = await _rule(session, services, label, kind)
    asked = {name: _number(text(form, name, 10)) for name in values["numbers"] if text(form, name, 10)}
    changes = {name: value for name, value in asked.items() if value != values["numbers"][name]}
    days = _number(text(form, "days", 3) or "7")
    found: Mapping[str, Any] | None = None
    why = "same" if not changes else None
    if changes:
        try:
            found = await console(services).rehearse(session.viewer, label, kind, changes, days)
        except Refused as refused:
            why = refused.why
    more = {"found": found, "why": why, "asked": {**values["numbers"], **asked}, "days": days}
    return render(request, "province_rule.html", values | more)


async def _rule(session: Session, services: Services, label: str, kind: str) -> dict[str, Any]:
    if session.viewer.role is Role.HEALTH:
        raise HTTPException(403)
    policies = await console(services).policies(session.viewer)
    policy = next((policy for policy in policies if policy.label == label), None)
    if policy is None or kind not in policy.rules:
        raise HTTPException(404)
    numbers = policy.rules[kind]
    return {
        "policy": policy, "kind": kind, "numbers": numbers, "asked": numbers, "found": None, "why": None, "days": 7,
    }  # fmt: skip


def _number(value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise HTTPException(422, "a whole number, please")
    return int(value)

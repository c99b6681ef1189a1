"""The fleet's and the sites' desks behind the application. An application without them answers 404."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, Request

from ancu.server.ports import NotFound
from ancu.server.ports.site import FleetPort, SitePort

__all__ = ["Fleet", "Sites", "fleet_of", "install", "sites_of"]


def install(app: FastAPI, fleet: FleetPort, sites: SitePort) -> None:
    app.state.fleet, app.state.sites = fleet, sites


def fleet_of(request: Request) -> FleetPort:
    """The dependency of a route; raises NotFound."""
    fleet: FleetPort | None = getattr(request.app.state, "fleet", None)
    if fleet is None:
        raise NotFound("no fleet here")
    return fleet


def sites_of(request: Request) -> SitePort:
    """The dependency of a route; raises NotFound."""
    sites: SitePort | None = getattr(request.app.state, "sites", None)
    if sites is None:
        raise NotFound("no sites here")
    return sites


Fleet = Annotated[FleetPort, Depends(fleet_of)]
Sites = Annotated[SitePort, Depends(sites_of)]

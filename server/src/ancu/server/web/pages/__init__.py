"""Pages for people: server-rendered, each usable without a script."""

from ancu.server.web.pages import (
    citizen,
    fleet,
    fleet_swap,
    inbox,
    inbox_acts,
    incident,
    map,
    mine,
    orders,
    people,
    province,
    pwa,
    search,
    shift,
    sign_in,
    site,
    site_camera,
    wall,
)

__all__ = ["routers"]

routers = (
    sign_in.router,
    inbox.router,
    inbox_acts.router,
    incident.router,
    people.router,
    fleet_swap.router,
    fleet.router,
    wall.router,
    site.router,
    site_camera.router,
    mine.router,
    *citizen.routers,
    *orders.routers,
    map.router,
    province.router,
    search.router,
    shift.router,
    pwa.router,
)

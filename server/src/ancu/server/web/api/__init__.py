"""The JSON API, and what machines ask: health, metrics, the stream."""

from ancu.server.web.api import (
    alerts,
    callbacks,
    cameras,
    citizens,
    devices,
    exchange,
    fleet,
    health,
    me,
    orders,
    push,
    readings,
    review,
    sessions,
    shifts,
    sites,
    stream,
    visits,
)

__all__ = ["routers"]

routers = (
    health.router,
    stream.router,
    alerts.router,
    readings.router,
    devices.router,
    fleet.router,
    sites.router,
    cameras.router,
    me.router,
    exchange.router,
    citizens.router,
    orders.router,
    visits.router,
    sessions.router,
    review.router,
    shifts.router,
    push.router,
    callbacks.router,
)

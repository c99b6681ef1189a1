"""The JSON API, and what machines ask: health, metrics, the stream."""

from ancu.server.web.api import (
    alerts,
    callbacks,
    citizens,
    devices,
    exchange,
    health,
    me,
    orders,
    push,
    readings,
    review,
    sessions,
    shifts,
    stream,
)

__all__ = ["routers"]

routers = (
    health.router,
    stream.router,
    alerts.router,
    readings.router,
    devices.router,
    me.router,
    exchange.router,
    citizens.router,
    orders.router,
    sessions.router,
    review.router,
    shifts.router,
    push.router,
    callbacks.router,
)

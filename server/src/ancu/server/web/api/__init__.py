"""The JSON API, and what machines ask: health, metrics, the stream."""

from ancu.server.web.api import alerts, devices, exchange, health, me, readings, review, sessions, stream

__all__ = ["routers"]

routers = (
    health.router,
    stream.router,
    alerts.router,
    readings.router,
    devices.router,
    me.router,
    exchange.router,
    sessions.router,
    review.router,
)

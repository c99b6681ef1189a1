"""The outermost layer: security headers, size and host limits, the last catch, and the request counters."""

from __future__ import annotations

import logging
import time

from h11 import LocalProtocolError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ancu.server.web.metrics import WebMetrics
from ancu.server.web.problems import problem
from ancu.server.web.settings import WebSettings

__all__ = ["Shell"]

_log = logging.getLogger(__name__)
_CSP = (  # nothing inline, nothing evaluated, nothing from elsewhere
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self';"
    " worker-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # an address here holds the id of a person
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SCANS = "/devices/"  # pages whose labels are read with the camera
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_ANY_HOST = frozenset({"/healthz", "/readyz", "/metrics"})  # asked by address, and without secrets
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Shell:
    """Pure ASGI, so that streams pass through it unbuffered."""

    def __init__(self, app: ASGIApp, settings: WebSettings, metrics: WebMetrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics
        self._hosts = _LOOPBACK | (
            {settings.origin.split("://")[-1].split("/")[0].lower()} if settings.origin else set()
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._dress(MutableHeaders(scope=message), scope["path"])
                self._count(scope, status, time.perf_counter() - began)
            await send(message)

        headers = Headers(scope=scope)
        try:
            if not self._knows(scope, headers):
                await problem(421, "misdirected", "this host is not served here")(scope, receive, sending)
            elif _length(headers) > self._settings.body_bytes:
                await problem(413, "too_large", headers={"Connection": "close"})(scope, receive, sending)
            else:
                await self._app(scope, self._limited(receive), sending)
        except LocalProtocolError as error:  # what came in was no HTTP: the connection is closed already
            _log.info("a request was not answered", extra={"route": _route(scope), "why": str(error)})
        except Exception as error:  # noqa: BLE001 - the last wall: a caller gets a problem, never a traceback
            # Ids only: neither path nor query may reach a log.
            _log.exception("a request failed", extra={"route": _route(scope), "error": type(error).__name__})
            if not status:
                await problem(500, "internal")(scope, receive, sending)

    def _knows(self, scope: Scope, headers: Headers) -> bool:
        """Whether the Host is one of ours: a foreign name that resolves here is an attack on the reader."""
        host = headers.get("host", "").lower()
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        return scope["path"] in _ANY_HOST or name in self._hosts or host in self._hosts

    def _limited(self, receive: Receive) -> Receive:
        left = self._settings.body_bytes

        async def receiving() -> Message:
            nonlocal left
            message = await receive()
            if message["type"] == "http.request":
                left -= len(message.get("body", b""))
                if left < 0:
                    raise HTTPException(413)
            return message

        return receiving

    def _dress(self, headers: MutableHeaders, path: str) -> None:
        for name, value in _HEADERS.items():
            headers[name] = value
        if path.startswith(_SCANS):
            headers["Permissions-Policy"] = _HEADERS["Permissions-Policy"].replace("camera=()", "camera=(self)")
        if self._settings.secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if "cache-control" not in headers:
            headers["Cache-Control"] = "no-store"

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(_route(scope), method, str(status)).inc()
        self._metrics.seconds.observe(seconds)


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "none")


def _length(headers: Headers) -> int:
    text = headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0

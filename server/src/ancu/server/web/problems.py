"""Problems: every error as RFC 9457 for programs, or as a page for people. Never a traceback."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from ancu.models.errors import AncuError
from ancu.server.web.render import plain, render
from ancu.server.web.routes import routes_of

__all__ = ["Problem", "SignInNeeded", "install", "problem"]

_log = logging.getLogger(__name__)
_STATUS = {
    "not_found": 404,
    "alert_already_resolved": 409,
    "idempotency_key_reused": 422,
    "snooze_refused": 409,
    "refused": 409,
    "order_refused": 409,
    "plan_refused": 409,
    "plan_changed": 409,
    "drawing_refused": 409,
    "drawing_changed": 409,
    "handover_refused": 409,
    "signature_refused": 401,
    "too_many_streams": 429,
    "locked_out": 429,
    "sign_in_refused": 401,
    "code_needed": 401,
    "provider_failed": 502,
    "usage": 409,  # it fits the description (else 422), and makes no sense: "from" after "to"
    "unavailable": 503,
}
_CODES = {
    400: "bad_request",
    401: "sign_in_needed",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    422: "invalid",
}


class Problem(BaseModel):
    """RFC 9457 problem details; `code` is stable, `title` is English for logs and developers."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str | None = None
    errors: list[dict[str, Any]] | None = None


class SignInNeeded(AncuError):
    """Nobody is signed in, or the session is over."""

    code = "sign_in_needed"


def problem(
    status: int, code: str, detail: str | None = None, *, headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    """An answer of type application/problem+json."""
    body = {"type": "about:blank", "title": _title(status), "status": status, "code": code}
    if detail:
        body["detail"] = detail
    return JSONResponse(
        body | more,
        status,
        headers={"Cache-Control": "no-store"} | (headers or {}),
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Let the application answer every error this way."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(AncuError, _ours)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, AncuError)  # noqa: S101 - registered for it
    if isinstance(error, SignInNeeded):
        return _sign_in(request)
    status = _STATUS.get(error.code, 0)
    if not status:
        _log.error("an error without a status", extra={"code": error.code})
        return _answer(request, 500, "internal")
    detail = None if status == 404 else str(error)  # it could tell what is foreign from what is absent
    wait = getattr(error, "retry_after_s", None)
    headers = None if wait is None else {"Retry-After": str(wait)}
    return _answer(request, status, error.code, detail, headers)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    code = _CODES.get(error.status_code, "error")
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_allowed(request)))
    detail = error.detail if isinstance(error.detail, str) and error.detail != _title(error.status_code) else None
    return _answer(request, error.status_code, code, detail, headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    # Where and what, never the value: it may hold somebody's data.
    errors = [{"at": [str(part) for part in entry["loc"]], "says": entry["msg"]} for entry in error.errors()]
    return _answer(request, 422, "invalid", errors=errors)


def _answer(
    request: Request,
    status: int,
    code: str,
    detail: str | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    if not for_people(request):
        return problem(status, code, detail, headers=headers, **more)
    if request.headers.get("hx-request"):
        return plain(request, f"problem.{code}", status)
    return render(request, "problem.html", {"code": code, "status": status}, status=status, headers=headers)


def for_people(request: Request) -> bool:
    """Whether a browser asked for a page, rather than a program for data."""
    path = request.url.path
    return not path.startswith("/api/") and (
        "text/html" in request.headers.get("accept", "") or bool(request.headers.get("hx-request"))
    )


def _sign_in(request: Request) -> Response:
    if not for_people(request):
        return problem(401, "sign_in_needed", headers={"WWW-Authenticate": 'Bearer realm="ancu"'})
    citizen = request.url.path.startswith("/me")
    query = {"why": "expired"} if getattr(request.state, "ended", False) else {}
    if request.method == "GET" and not citizen and request.url.path != "/" and not request.headers.get("hx-request"):
        query["next"] = request.url.path
    where = ("/enter" if citizen else "/login") + (f"?{urlencode(query, safe='/')}" if query else "")
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"HX-Redirect": where})
    return RedirectResponse(where, 303)


def _allowed(request: Request) -> set[str]:
    """The methods that an address takes, whichever route each has; ':' begins an action and is part of no id."""
    found: set[str] = set()
    for route in routes_of(request.app.routes):
        match = route.path_regex.match(request.url.path)
        if match and not any(":" in value for value in match.groups()):
            found |= route.methods or set()
    return found


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"

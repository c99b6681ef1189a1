"""Rendering: templates with words, dates and addresses of static files at hand."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from ancu.server.web import nav
from ancu.server.web.static import asset
from ancu.server.web.words import DEFAULT, LANGUAGES, Words

if TYPE_CHECKING:
    from ancu.server.web.state import Services

__all__ = ["LANG_COOKIE", "environment", "fragment", "language", "plain", "render", "words_of"]

LANG_COOKIE = "ancu-lang"
_YEAR_S = 365 * 86_400


def environment() -> Environment:
    """Templates of this part; an unknown name is an error, not an empty string."""
    env = Environment(
        loader=PackageLoader("ancu.server.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.globals |= {"asset": asset, "nav": nav.ENTRIES, "home": nav.home, "new_key": lambda: secrets.token_urlsafe(12)}
    return env


def language(request: Request) -> str:
    """`?lang=` first, then the cookie, then Vietnamese: browsers in Vietnam are often set to English."""
    for wanted in (request.query_params.get("lang"), request.cookies.get(LANG_COOKIE)):
        if wanted in LANGUAGES:
            return wanted
    return DEFAULT


def words_of(request: Request) -> Words:
    return _services(request).words[language(request)]


def render(
    request: Request,
    template: str,
    values: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A page or a fragment. `session` is there for every template, None where nobody is signed in."""
    services = _services(request)
    words = words_of(request)
    whose = {"session": getattr(request.state, "session", None), "here": request.url.path}
    text = fragment(services, words, template, whose | dict(values or {}))
    response = HTMLResponse(text, status, headers=dict(headers or {}))
    response.headers["Content-Language"] = words.lang
    response.headers["Vary"] = "Cookie, HX-Request"
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie(
            LANG_COOKIE, words.lang, max_age=_YEAR_S, samesite="lax", httponly=True, secure=services.settings.secure
        )
    return response


def fragment(services: Services, words: Words, template: str, values: Mapping[str, Any]) -> str:
    """The text of a template that nobody in particular asked for: `session` only where the values have one."""
    now = services.clock.now()
    return services.templates.get_template(template).render(
        {
            "session": None,
            "here": "",
            "lang": words.lang,
            "t": words.t,
            "n": words.n,
            "words": words,
            "now": now,
            "since": lambda at: _since(words, at, now),
            **values,
        }
    )


def plain(request: Request, key: str, status: int) -> Response:
    """A sentence for the page's message area, where a whole page would be too much."""
    return PlainTextResponse(words_of(request).t(key), status)


def _since(words: Words, at: datetime, now: datetime) -> Markup:
    """A relative time that the page keeps true, with the exact one behind it."""
    return Markup('<time datetime="{}" title="{}" data-ago>{}</time>').format(
        at.isoformat(), words.exact(at), words.ago(at, now)
    )


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services

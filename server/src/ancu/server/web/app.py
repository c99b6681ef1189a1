"""The application: pages, API and stream over one desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from ancu.models.clock import Clock
from ancu.server.ports import Desk
from ancu.server.web import api, openapi, pages, problems, static, tiles
from ancu.server.web.accounts import Accounts
from ancu.server.web.metrics import WebMetrics
from ancu.server.web.render import environment
from ancu.server.web.settings import WebSettings
from ancu.server.web.shell import Shell
from ancu.server.web.state import Services
from ancu.server.web.stream import Streams
from ancu.server.web.words import load_catalogues

__all__ = ["create_app"]


def create_app(desk: Desk, accounts: Accounts, settings: WebSettings, clock: Clock) -> FastAPI:
    """Build the application; it starts nothing and opens nothing before its first request."""
    words = load_catalogues()
    metrics = WebMetrics()
    streams = Streams(settings, metrics)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        streams.close()
        await accounts.close()

    app = FastAPI(
        title="An Cư",
        summary="Alerts of home quarantine, for ward officers and the people under order.",
        version=_version(),
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.services = Services(desk, accounts, settings, clock, words, environment(), streams, metrics)
    problems.install(app)
    for router in (*api.routers, *pages.routers):
        app.include_router(router)
    static.mount(app)
    openapi.describe(app)
    # Compression tells a listener the length of a secret beside text that he chose, if he can make a browser ask for
    # both: strict cookies leave him nothing to ask with. Streams are left alone, and a map, which is read in ranges.
    as_it_is = (*DEFAULT_EXCLUDED_CONTENT_TYPES, tiles.MEDIA_TYPE)
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=6, exclude_content_types=as_it_is)
    app.add_middleware(Shell, settings=settings, metrics=metrics)
    return app


def _version() -> str:
    try:
        return version("ancu-server")
    except PackageNotFoundError:
        return "0"

"""An application over the desk in memory, and a browser-like client for it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from types import ModuleType
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ancu.server.web import site as web_site
from ancu.server.web.app import create_app
from ancu.server.web.settings import WebSettings

from . import fakes as web_fakes
from . import fakes_site

HOST = "http://127.0.0.1:8080"


class Browser(httpx.AsyncClient):
    """A client that fills in forms as a browser does."""

    async def token(self, path: str) -> str:
        page = await self.get(path)
        match = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert match is not None, page.text
        return match[1]

    async def sign_in(self, login: str) -> None:
        form = {"csrf": await self.token("/login"), "login": login, "password": login[::-1]}
        assert (await self.post("/login", data=form)).status_code == 303

    async def enter(self, person: str) -> None:
        form = {"csrf": await self.token("/enter"), "code": person[::-1]}
        assert (await self.post("/enter", data=form)).status_code == 303


@pytest.fixture
def fakes() -> ModuleType:
    return web_fakes


@pytest.fixture
def clock(fakes: ModuleType):
    return fakes.FakeClock()


@pytest.fixture
def desk(fakes: ModuleType, clock: Any):
    desk = fakes.FakeDesk(clock)
    fakes.populate(desk)
    return desk


@pytest.fixture
def accounts(fakes: ModuleType):
    return fakes.FakeAccounts()


@pytest.fixture
def settings() -> WebSettings:
    return WebSettings()


@pytest.fixture
def app(desk: Any, accounts: Any, settings: WebSettings, clock: Any) -> FastAPI:
    app = create_app(desk, accounts, settings, clock)
    web_site.install(app, fakes_site.FakeFleet(desk), fakes_site.FakeSites(desk))
    return app


@pytest.fixture
async def new_browser(app: FastAPI) -> AsyncIterator[Callable[..., Browser]]:
    opened: list[Browser] = []

    def new(base: str = HOST, **headers: str) -> Browser:
        transport = httpx.ASGITransport(app=app)
        opened.append(Browser(transport=transport, base_url=base, headers={"Accept": "text/html", **headers}))
        return opened[-1]

    yield new
    for browser in opened:
        await browser.aclose()


@pytest.fixture
async def browser(new_browser: Any) -> Browser:
    return new_browser()


@pytest.fixture
async def officer(new_browser: Any) -> Browser:
    """Lan, of the ward Bến Nghé, at her browser."""
    browser = new_browser()
    await browser.sign_in("lan")
    return browser


@pytest.fixture
async def script(new_browser: Any, accounts: Any, clock: Any) -> Browser:
    """Lan's script, with a bearer token."""
    viewer, name = accounts.officers["lan"]
    token = accounts.open(viewer, name, clock.now()).token
    return new_browser(Authorization=f"Bearer {token}", Accept="application/json")

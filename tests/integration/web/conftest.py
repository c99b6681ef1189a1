"""The pages on a real port, over the desk in memory; and a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pytest_asyncio

from ancu.server.web import site as web_site
from ancu.server.web.app import create_app
from ancu.server.web.serve import serve
from ancu.server.web.settings import WebSettings
from tests.chromium import CHROMIUM, FLAGS
from tests.integration.people.house import House, open_house
from tests.unit.server.web import fakes as web_fakes
from tests.unit.server.web import fakes_site

from .browsing import page_of
from .browsing import served as serving


@dataclass
class Site:
    url: str
    desk: Any
    accounts: Any
    stopping: asyncio.Event
    serving: asyncio.Task[None]


@pytest.fixture
def fakes() -> ModuleType:
    return web_fakes


@pytest.fixture
def settings() -> WebSettings:
    return WebSettings(beat_s=0.3)


@pytest_asyncio.fixture(loop_scope="module")
async def site(fakes: ModuleType, settings: WebSettings) -> AsyncIterator[Site]:
    desk = fakes.FakeDesk(fakes.FakeClock())
    fakes.populate(desk)
    accounts = fakes.FakeAccounts()
    app = create_app(desk, accounts, settings, desk.clock)
    web_site.install(app, fakes_site.FakeFleet(desk), fakes_site.FakeSites(desk))
    stopping = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, stopping, listening=port.set_result))
    yield Site(f"http://127.0.0.1:{await port}", desk, accounts, stopping, serving)
    stopping.set()
    await serving


@pytest_asyncio.fixture(loop_scope="module", scope="module")  # a browser takes seconds to start
async def chromium() -> AsyncIterator[Any]:
    if CHROMIUM is None:
        pytest.skip("needs Chromium: no chromium on the PATH")
    from playwright.async_api import async_playwright  # noqa: PLC0415 - only where there is a browser

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        await browser.close()


@dataclass
class ServedHouse:
    house: House
    url: str


@pytest_asyncio.fixture(loop_scope="module")
async def served(tmp_path: Path) -> AsyncIterator[ServedHouse]:
    """A house of real parts, its pages on a port."""
    house = await open_house(tmp_path)
    async with serving(house) as url:
        yield ServedHouse(house, url)
    await house.close()


@pytest.fixture
def lang() -> str:
    return "vi"


@pytest.fixture
def scripts() -> bool:
    return True


@pytest_asyncio.fixture(loop_scope="module")
async def page(
    chromium: Any, served: ServedHouse, size: tuple[int, int], lang: str, *, scripts: bool
) -> AsyncIterator[Any]:
    """A page of the house, nobody signed in; fails if anything came from elsewhere or its console complained."""
    async with page_of(chromium, served.url, served.house, None, size, lang=lang, scripts=scripts) as page:
        yield page

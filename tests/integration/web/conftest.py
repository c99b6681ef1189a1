"""The pages on a real port, over the desk in memory; and a real browser."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import sys
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

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@dataclass
class Site:
    url: str
    desk: Any
    accounts: Any
    stopping: asyncio.Event
    serving: asyncio.Task[None]


def load(name: str, file: str) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / "unit/server/web" / file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture
def fakes() -> ModuleType:
    return load("web_fakes", "fakes.py")


@pytest.fixture
def settings() -> WebSettings:
    return WebSettings(beat_s=0.3)


@pytest_asyncio.fixture(loop_scope="module")
async def site(fakes: ModuleType, settings: WebSettings) -> AsyncIterator[Site]:
    desk = fakes.FakeDesk(fakes.FakeClock())
    fakes.populate(desk)
    accounts = fakes.FakeAccounts()
    app = create_app(desk, accounts, settings, desk.clock)
    site_fakes = load("web_fakes_site", "fakes_site.py")
    web_site.install(app, site_fakes.FakeFleet(desk), site_fakes.FakeSites(desk))
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
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*_FLAGS])
        yield browser
        await browser.close()

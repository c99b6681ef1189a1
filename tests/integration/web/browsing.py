"""What the tests of the fleet and of sites share: the world, served on a port, and a browser signed in."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from ancu.server.web.serve import serve

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PHONE, DESK = (390, 844), (1440, 900)


def load(name: str) -> ModuleType:
    """A module beside the tests, which are no package."""
    key = f"web_{name}"
    if key not in sys.modules:
        spec = importlib.util.spec_from_file_location(key, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[key] = module
        spec.loader.exec_module(module)
    return sys.modules[key]


@asynccontextmanager
async def served(world: Any) -> AsyncIterator[str]:
    """The world's pages on a port of their own."""
    stopping = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(world.app, "127.0.0.1", 0, stopping, listening=port.set_result))
    yield f"http://127.0.0.1:{await port}"
    stopping.set()
    await serving


@asynccontextmanager
async def page_of(
    chromium: Any,
    url: str,
    world: Any,
    login: str | None,
    size: tuple[int, int],
    *,
    lang: str = "vi",
    touch: bool = False,
) -> AsyncIterator[Any]:
    """A page of somebody who is signed in; fails where anything came from elsewhere or the console complained."""
    context = await chromium.new_context(
        viewport={"width": size[0], "height": size[1]}, locale="en-GB", has_touch=touch, color_scheme="light"
    )
    context.set_default_timeout(40_000)  # on a machine that others use too
    await context.add_cookies([{"name": "ancu-lang", "value": lang, "url": url}])
    if login is not None:
        signed_in = await world.session(login)
        cookie = f"ancu-{url.rsplit(':', 1)[1]}"
        await context.add_cookies([{"name": cookie, "value": signed_in.token, "url": url}])
    page = await context.new_page()
    complaints: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(url) else complaints.append(request.url))
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.complaints = complaints
    yield page
    await context.close()
    assert complaints == []


async def fits(page: Any) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


async def tab_to(page: Any, found: Callable[[], Any] | str, most: int = 60) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(most):
        await page.keyboard.press("Tab")
        if await page.locator(f"{found}:focus").count():
            return
    raise AssertionError(f"the keyboard does not reach {found}")

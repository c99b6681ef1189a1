"""What stories in a browser share: pages on a port, a browser at a size, somebody signed in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ancu.server.web.serve import serve

PHONE, DESK = (390, 844), (1440, 900)
BOTH = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
LANGS = pytest.mark.parametrize("lang", ["vi", "en"])


@asynccontextmanager
async def served(world: Any) -> AsyncIterator[str]:
    """The world's pages on a port of their own."""
    stopping = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(world.app, "127.0.0.1", 0, stopping, listening=port.set_result))
    try:
        yield f"http://127.0.0.1:{await port}"
    finally:
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
    lang: str | None = "vi",
    touch: bool = False,
    scripts: bool = True,
    worker: bool = True,
    patience_ms: int = 40_000,  # on a machine that others use too
) -> AsyncIterator[Any]:
    """A page, of somebody who is signed in where `login` names him; fails where anything came from elsewhere or the
    console complained.
    """
    context = await chromium.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale="en-GB",
        has_touch=touch,
        color_scheme="light",
        java_script_enabled=scripts,
        service_workers="allow" if worker else "block",
    )
    context.set_default_timeout(patience_ms)
    if lang is not None:
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

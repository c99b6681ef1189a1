"""What a first visit to the inbox costs, on the wire, in a real Chromium whose caches are empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.middleware.gzip import GZipMiddleware

from . import browsing, busy_ward

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
MOST = 150_000  # bytes, without the map
UNSEEN = ("/worker.js", "/app.webmanifest")  # what a browser fetches beside the page, out of its devtools' sight


async def weigh(chromium: Any, world: Any, url: str) -> dict[str, int]:
    """Bytes by address, headers and bodies as they were sent: all of the inbox, alive and with its rows."""
    async with browsing.page_of(chromium, url, world, "lan", browsing.PHONE) as page:
        wire = await page.context.new_cdp_session(page)
        found: dict[str, int] = {}
        names: dict[str, str] = {}

        def took(said: Any) -> None:
            name = names.get(said["requestId"], "").removeprefix(url)
            found[name] = found.get(name, 0) + said["encodedDataLength"]

        wire.on("Network.requestWillBeSent", lambda said: names.update({said["requestId"]: said["request"]["url"]}))
        wire.on("Network.loadingFinished", took)
        await wire.send("Network.enable")
        await page.goto(f"{url}/alerts")
        await page.locator("#link.live").wait_for()
        await page.locator(f"#rows li:nth-child({busy_ward.ALERTS})").wait_for(state="attached")
        await page.evaluate("paths => Promise.all(paths.map(path => fetch(path).then(said => said.text())))", UNSEEN)
        return found


async def test_the_first_visit_to_the_inbox_costs_at_most_150_kb_and_without_compression_it_would_not(
    chromium: Any, tmp_path: Path
):
    world = await busy_ward.make_busy_ward(tmp_path)
    async with browsing.served(world) as url:
        found = await weigh(chromium, world, url)
        world.app.user_middleware[:] = [one for one in world.app.user_middleware if one.cls is not GZipMiddleware]
        world.app.middleware_stack = None  # built anew for the next request
        plain = await weigh(chromium, world, url)
    await world.close()
    print(found, sum(found.values()), sum(plain.values()))  # noqa: T201 - the figures that are told of
    assert {"/alerts", *UNSEEN} < set(found)
    assert any(name.startswith("/static/app.js") for name in found)
    assert sum(found.values()) <= MOST < sum(plain.values())

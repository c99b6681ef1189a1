"""The ward's map over an operator's PMTiles file, in a real Chromium that draws with its own processor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import pytest_asyncio

from ancu.server.ports.orders import NewOrder
from tests.chromium import CHROMIUM, FLAGS

from . import browsing, pmtiles_file
from . import world as world_of
from .site_world import until
from .test_axe import AXE, Walk

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]
HOME = (10.7769, 106.7009)
DRAWN = "#map[data-drawn=yes]"


@pytest_asyncio.fixture(loop_scope="module")
async def drawing() -> AsyncIterator[Any]:
    """A Chromium with WebGL in software, whatever graphics the machine has."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: no chromium on the PATH")
    from playwright.async_api import async_playwright  # noqa: PLC0415 - only where there is a browser

    flags = [flag for flag in FLAGS if flag != "--disable-gpu"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*flags, "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def world(tmp_path: Path) -> AsyncIterator[Any]:
    """Two homes with coordinates, one of them at the other's door, and people without."""
    path = pmtiles_file.write_map(tmp_path / "ward.pmtiles", *HOME, "Bến Nghé")
    made = await world_of.make_world(tmp_path, settings={"map": path})
    officer, now = (await made.session("ward_a")).session.viewer, made.clock.now()
    for n, place in enumerate((HOME, HOME, (HOME[0] + 0.004, HOME[1] - 0.006))):
        new = NewOrder(world_of.WARD_A, f"Lê Văn {'ABC'[n]}", now, now + timedelta(days=5), place=place)
        await made.desk.create_order(officer, new, key=f"o{n}")
    made.clock.advance(seconds=5)  # the judge reads the register again

    async def all_there() -> bool:
        return sum(who.place is not None for who in await made.desk.whereabouts(officer, world_of.WARD_A)) == 3

    await until(all_there)
    yield made
    await made.close()


async def test_homes_are_drawn_over_the_operators_map_and_nothing_comes_from_elsewhere(drawing: Any, world: Any):
    async with (
        browsing.served(world) as url,
        browsing.page_of(drawing, url, world, "ward_a", browsing.DESK) as page,
    ):
        answers: list[Any] = []
        page.on("response", lambda answer: answers.append(answer) if answer.url.endswith(".pmtiles") else None)
        await page.goto(f"{url}/map/{world_of.WARD_A}")
        await page.locator(DRAWN).wait_for()
        assert {answer.status for answer in answers} == {206}
        assert all("content-encoding" not in answer.headers for answer in answers)
        assert await page.locator("#map-credit").inner_text() == pmtiles_file.CREDIT
        homes = page.locator("#map a.home")
        assert await homes.count() == 3
        boxes = [await homes.nth(n).bounding_box() for n in range(2)]
        assert abs(boxes[0]["x"] - boxes[1]["x"]) >= boxes[0]["width"]  # a family is not one mark
        assert blue(await page.locator("#map").screenshot())
        await page.evaluate(AXE)
        walk = Walk(page, url)
        await walk.look("map")
        assert walk.found == {}
        await page.locator("#map-whole").click()
        await homes.first.click()
        await page.wait_for_url("**/people/*")


async def test_a_map_without_its_tile_is_not_taken_for_drawn(drawing: Any, world: Any):
    """The measure itself: the same page over a file whose only tile is elsewhere shows no water."""
    path = world.app.state.services.settings.map
    whole = path.read_bytes()
    path.write_bytes(whole[:-40] + bytes(40))
    async with browsing.served(world) as url:
        context = await drawing.new_context(viewport={"width": 1440, "height": 900})
        token = (await world.session("ward_a")).token
        await context.add_cookies([{"name": f"ancu-{url.rsplit(':', 1)[1]}", "value": token, "url": url}])
        page = await context.new_page()
        await page.goto(f"{url}/map/{world_of.WARD_A}")
        await page.locator("#map a.home").first.wait_for()
        assert not blue(await page.locator("#map").screenshot())
        await context.close()


async def test_a_home_that_comes_over_the_api_is_on_the_map(world: Any):
    body = {
        "ward": world_of.WARD_A, "name": "Lê Thị Dung", "starts_at": world.clock.now().isoformat(),
        "until": (world.clock.now() + timedelta(days=5)).isoformat(),
        "place": {"latitude": 10.78, "longitude": 106.7},
    }  # fmt: skip
    made = await world.ask("ward_a", "POST", "/api/v1/orders", body=body)
    assert made.status_code == 201, made.text
    world.clock.advance(seconds=5)
    officer = (await world.session("ward_a")).session.viewer

    async def there() -> bool:
        return (10.78, 106.7) in [who.place for who in await world.desk.whereabouts(officer, world_of.WARD_A)]

    await until(there)
    body["place"] = {"latitude": 1078, "longitude": 106.7}
    assert (await world.ask("ward_a", "POST", "/api/v1/orders", body=body)).status_code == 422


async def test_the_map_is_for_staff_alone_and_in_ranges(world: Any):
    assert (await world.ask("citizen", "GET", "/tiles.pmtiles")).status_code == 403
    assert (await world.ask("anonymous", "GET", "/tiles.pmtiles")).status_code == 303
    whole = await world.ask("ward_a", "GET", "/tiles.pmtiles")
    assert whole.status_code == 200
    assert whole.content[:7] == b"PMTiles"
    assert whole.headers["accept-ranges"] == "bytes"


async def test_a_ward_without_a_map_is_a_list_that_asks_for_none(chromium: Any, site: Any):
    async with browsing.page_of(chromium, site.url, site, None, browsing.PHONE) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"{site.url}/login")
        await page.fill("#login", "lan")
        await page.fill("#password", "nal")
        await page.keyboard.press("Enter")
        await page.locator("#link.live").wait_for()
        await page.goto(f"{site.url}/map/ben-nghe")
        assert await page.locator(".tile").count() > 0
        assert await page.locator("#map").count() == 0
        assert not [url for url in asked if "map.js" in url or "map.css" in url or "maplibre" in url or "tiles" in url]


def blue(picture: bytes) -> bool:
    """Whether most of the picture is water: more blue than red, by more than the page's own greys."""
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).astype(int)
    return bool(np.mean(pixels[:, :, 0] - pixels[:, :, 2] > 15) > 0.5)

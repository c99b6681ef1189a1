"""The fleet's and the sites' pages under axe-core: no violation, on a phone in light and on a desk in the dark."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ancu.models.commands import Door, Zone
from ancu.server.people.sites_plan import Bed, Room

from . import browsing, site_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]


RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
SITE = site_world.SITE
PAGES = (
    "/devices", "/devices/band/wb-00000002", "/devices/edge/site-001", "/devices/swap", "/devices/swap?old=2",
    "/devices/swap?old=2&new=42", "/devices/swap?old=9", "/devices/given/p-ba", "/devices/kit",
    "/devices/kit?label=home-001", "/devices/kit?label=home-001+wb-00000042&person=p-cam", f"/sites/{SITE}",
    f"/sites/{SITE}/plan", f"/sites/{SITE}/beds", f"/sites/{SITE}/walls", "/cameras/site-001/cam-a", "/wall",
)  # fmt: skip


@pytest_asyncio.fixture(loop_scope="module")
async def world(tmp_path: Path) -> AsyncIterator[Any]:
    world = await site_world.make_site_world(tmp_path)
    bao = (await world.session("bao")).session.viewer
    await site_world.until(lambda: world.boxes["site-001"].bands)
    world.hear("site-001", 2, battery=12, rssi=-95)
    await site_world.until(lambda: world.grounds.memory.latest.band(2))
    rooms = [Room("r1", "A", 2, 2, 30, 20, (Bed("b1", "1", 6, 9), Bed("b2", "2", 14, 9)))]
    await world.sites.save_plan(bao, SITE, rooms, after=0, key="p")
    await world.sites.assign_bed(bao, SITE, "p-ba", "b1", key="b")
    await world.sites.count(bao, SITE, 5, key="n")
    door = Door("gate", ((0.1, 0.5), (0.6, 0.5)), inside=(0.3, 0.8))
    zone = Zone("yard", "forbidden", ((0.1, 0.1), (0.5, 0.1), (0.5, 0.5)))
    await world.sites.save_drawing(bao, "site-001", "cam-a", [door], [zone], after=0, key="d")
    yield world
    await world.close()


@pytest.mark.parametrize(("size", "theme"), [(browsing.PHONE, "light"), (browsing.DESK, "dark")])
async def test_no_page_of_fleet_and_sites_breaks_a_rule(chromium: Any, world: Any, size: tuple[int, int], theme: str):
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    found: dict[str, list[str]] = {}
    bao = (await world.session("bao")).session.viewer
    async with browsing.served(world) as url, browsing.page_of(chromium, url, world, "bao", size) as page:
        await page.emulate_media(color_scheme=theme)
        page.context.set_default_timeout(60_000)
        wall = {"name": f"ancu-wall-{url.rsplit(':', 1)[1]}", "value": await world.sites.hang_wall(bao, SITE, "x")}
        await page.context.add_cookies([{**wall, "url": url}])
        for path in PAGES:
            answer = await page.goto(url + path)
            assert answer.status == 200, path
            if path.endswith("/plan"):
                await page.locator("g.room").focus()
            if path.startswith("/cameras"):
                await page.locator("#marks .name").first.focus()
            await page.evaluate(axe)
            told = await page.evaluate(
                "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", list(RULES)
            )
            found[path] = [
                f"{one['id']}: {node['target']} {node['html'][:120]}"
                for one in told["violations"]
                for node in one["nodes"]
            ]
    assert {path: broken for path, broken in found.items() if broken} == {}

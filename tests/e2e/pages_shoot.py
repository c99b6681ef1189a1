"""Pictures of the main pages for docs/images, phone and desk, light and dark: make screenshots.

Over the desk in memory that `pages_serve.py` furnishes, and a site over the real one: the people do not exist.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from ancu.server.people.sites_plan import Bed, Room
from tests.chromium import CHROMIUM, FLAGS
from tests.integration.web import browsing, busy_ward, site_world

IMAGES = Path(__file__).parents[2] / "docs/images"
SERVE = "tests.e2e.pages_serve"
PHONE, DESK = browsing.PHONE, browsing.DESK
LIVE = "#link.live"
THREE = (1, 2, 3)


@dataclass(frozen=True)
class Shot:
    """A picture; `ready` is there when the page has all that it shows."""

    name: str
    path: str
    size: tuple[int, int] = DESK
    lang: str = "vi"
    theme: str = "light"
    ready: str = "main"


OFFICER = (
    Shot("inbox-phone", "/alerts", PHONE, ready=LIVE),
    Shot("inbox-desk", "/alerts", lang="en", ready=LIVE),
    Shot("inbox-desk-dark", "/alerts", theme="dark", ready=LIVE),
    Shot("person-phone", "/people/p-an", PHONE, ready=".charts canvas >> nth=3"),
    Shot("person-desk", "/people/p-an", lang="en", ready=".charts canvas >> nth=3"),
    Shot("ward-desk", "/map/ben-nghe"),
    Shot("shift-desk", "/shift", lang="en", theme="dark"),
    Shot("province-desk", "/province", lang="en"),
)
CITIZEN = (
    Shot("citizen-phone", "/me", PHONE),
    Shot("citizen-phone-dark", "/me", PHONE, "en", "dark"),
    Shot("citizen-desk", "/me"),
)
SITE = (
    Shot("site-phone", f"/sites/{site_world.SITE}", PHONE),
    Shot("site-desk", f"/sites/{site_world.SITE}", lang="en"),
    Shot("fleet-desk", "/devices", lang="en"),
)


async def main() -> None:
    if CHROMIUM is None:
        sys.exit("needs Chromium: apt install chromium")
    IMAGES.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        await shoot_a_ward(browser)
        with tempfile.TemporaryDirectory() as data:
            await shoot_a_site(browser, Path(data))
        await browser.close()


async def shoot_a_ward(browser: Browser) -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", SERVE, "0", stdout=asyncio.subprocess.PIPE, env=os.environ
    )
    assert server.stdout is not None
    try:
        url = (await server.stdout.readline()).decode().strip().removesuffix("/login")
        for shots, door, typed in (
            (OFFICER, "/login", {"#login": "tinh", "#password": "hnit"}),
            (CITIZEN, "/enter", {"#code": "na-p"}),
        ):
            for shot in shots:
                page = await open_page(browser, shot)
                await page.goto(f"{url}{door}?lang={shot.lang}")
                for field, value in typed.items():
                    await page.fill(field, value)
                await page.keyboard.press("Enter")
                await page.wait_for_url(lambda at, door=door: door not in at)  # type: ignore[misc]
                await shoot(page, url, shot)
    finally:
        server.terminate()
        await server.wait()


async def shoot_a_site(browser: Browser, data: Path) -> None:
    world = await busy_ward.make_busy_ward(data)
    bao = await world.session("bao")
    rooms = [
        Room(
            id_,
            id_.upper(),
            left,
            2,
            30,
            20,
            tuple(Bed(f"{id_}{n}", f"{first + n}", left + 9 * n - 5, 9) for n in THREE),
        )
        for id_, left, first in (("a1", 2, 0), ("a2", 36, 3))
    ]
    await world.sites.save_plan(bao.session.viewer, site_world.SITE, rooms, after=0, key="p")
    await world.sites.assign_bed(bao.session.viewer, site_world.SITE, "p-ba", "a11", key="b")
    await world.sites.count(bao.session.viewer, site_world.SITE, 2, key="n")
    async with browsing.served(world) as url:
        for shot in SITE:
            page = await open_page(browser, shot)
            cookies = {f"ancu-{url.rsplit(':', 1)[1]}": bao.token, "ancu-lang": shot.lang}
            await page.context.add_cookies(
                [{"name": name, "value": value, "url": url} for name, value in cookies.items()]
            )
            await shoot(page, url, shot)
    await world.close()


async def open_page(browser: Browser, shot: Shot) -> Page:
    context = await browser.new_context(
        viewport={"width": shot.size[0], "height": shot.size[1]},
        color_scheme=shot.theme,  # type: ignore[arg-type]
        service_workers="block",
    )
    page = await context.new_page()
    page.set_default_timeout(60_000)
    return page


async def shoot(page: Page, url: str, shot: Shot) -> None:
    await page.goto(url + shot.path)
    await page.locator(shot.ready).wait_for()
    to = IMAGES / f"{shot.name}.png"
    await page.screenshot(path=to)
    await page.context.close()
    sys.stdout.write(f"{to.relative_to(IMAGES.parents[1])}\n")


if __name__ == "__main__":
    asyncio.run(main())

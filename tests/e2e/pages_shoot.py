"""Pictures of the main pages for docs/images, phone and desk, light and dark: make screenshots.

Over the desk in memory that `pages_serve.py` furnishes: the people in them do not exist.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from tests.chromium import CHROMIUM, FLAGS

IMAGES = Path(__file__).parents[2] / "docs/images"
SERVE = "tests.e2e.pages_serve"
PHONE, DESK = (390, 844), (1440, 900)
SHOTS = (  # name, path, size, language, theme
    ("inbox-phone", "/alerts", PHONE, "vi", "light"),
    ("inbox-desk", "/alerts", DESK, "en", "light"),
    ("inbox-desk-dark", "/alerts", DESK, "vi", "dark"),
    ("person-phone", "/people/p-an", PHONE, "vi", "light"),
    ("person-desk", "/people/p-an", DESK, "en", "light"),
    ("ward-desk", "/map/ben-nghe", DESK, "vi", "light"),
    ("shift-desk", "/shift", DESK, "en", "dark"),
    ("province-desk", "/province", DESK, "en", "light"),
)


async def main() -> None:
    if CHROMIUM is None:
        sys.exit("needs Chromium: apt install chromium")
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", SERVE, "0", stdout=asyncio.subprocess.PIPE, env=os.environ
    )
    assert server.stdout is not None
    try:
        url = (await server.stdout.readline()).decode().strip().removesuffix("/login")
        IMAGES.mkdir(parents=True, exist_ok=True)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            for name, path, size, lang, theme in SHOTS:
                await shoot(browser, url, IMAGES / f"{name}.png", path, size, lang, theme)
            await browser.close()
    finally:
        server.terminate()
        await server.wait()


async def shoot(  # noqa: PLR0917 - a line of the table above
    browser: Browser, url: str, to: Path, path: str, size: tuple[int, int], lang: str, theme: str
) -> None:
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=theme,
        service_workers="block",  # type: ignore[arg-type]
    )
    page = await context.new_page()
    page.set_default_timeout(60_000)
    await page.goto(f"{url}/login?lang={lang}")
    await page.fill("#login", "tinh")
    await page.fill("#password", "hnit")
    await page.keyboard.press("Enter")
    await page.locator("#link.live").wait_for()
    if path != "/alerts":
        await page.goto(url + path)
    if path.startswith("/people/"):
        await page.locator(".charts canvas").nth(3).wait_for()
    await page.screenshot(path=to)
    await context.close()
    sys.stdout.write(f"{to.relative_to(IMAGES.parents[1])}\n")


if __name__ == "__main__":
    asyncio.run(main())

"""The server is killed under an open inbox: the page says so, comes back by itself, and misses no alert."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ancu.server.demo.chain import Chain
from ancu.server.people.setup import make_installation
from tests.chromium import CHROMIUM, FLAGS

READY_S = 60
LONG_MS = 60_000


@pytest.mark.timeout(240)  # a whole installation and a browser, on a machine that does other things
async def test_a_page_over_a_killed_server_says_so_comes_back_and_has_what_happened_meanwhile(tmp_path: Path):
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt install chromium")
    playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    made = make_installation(tmp_path / "chain", homes=1)
    citizen = made.citizens[0]
    officer = next(login for login in made.logins if login.ward == citizen.ward)
    async with Chain(made) as chain, playwright.async_playwright() as tools:
        await chain.first_readings(await chain.province(), READY_S)
        browser = await tools.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            page = await browser.new_page()
            page.set_default_timeout(LONG_MS)
            await page.goto(f"{chain.url}/login?lang=vi")
            await page.fill("#login", officer.login)
            await page.fill("#password", officer.password)
            await page.keyboard.press("Enter")
            await page.locator("#link.live").wait_for()
            await page.evaluate("window.stayed = true")

            pid = chain.children.all["server"].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await page.locator("#link.again, #link.lost").wait_for()
            await chain.air.do("cut_strap", citizen.band)

            await page.locator("#link.live").wait_for()
            await page.locator("#rows [data-alert]").first.wait_for()
            assert await page.locator("#rows h2").first.inner_text() == "Dây vòng tay bị cắt"
            assert await page.evaluate("window.stayed"), "the page was loaded anew"
        finally:
            await browser.close()

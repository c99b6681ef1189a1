"""A whole installation and a real Chromium: a strap is cut in the air, and an officer takes and closes the alert."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from ancu.server.demo.chain import Chain
from ancu.server.people.setup import make_installation
from tests.chromium import CHROMIUM, FLAGS

READY_S = 60
LIVE_MS = 5000


async def new_page(browser: Any, width: int, height: int) -> Any:
    context = await browser.new_context(viewport={"width": width, "height": height}, locale="vi-VN")
    context.set_default_timeout(10_000)
    return await context.new_page()


async def until_resolved(province: Any, alert: str) -> None:
    """An act can be undone for some seconds before the page sends it."""
    for _ in range(60):
        items = (await province.get("/api/v1/alerts"))["items"]
        if any(item["id"] == alert and item["state"] == "resolved" for item in items):
            return
        await asyncio.sleep(0.5)
    raise AssertionError("the page never sent it")


@pytest.mark.timeout(120)
async def test_an_officer_sees_a_cut_strap_live_and_a_citizen_calls_for_help(tmp_path: Path):
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt install chromium")
    playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    made = make_installation(tmp_path / "chain", homes=2)
    officer = next(login for login in made.logins if login.ward == made.citizens[0].ward)
    citizen = made.citizens[0]
    async with Chain(made) as chain, playwright.async_playwright() as tools:
        await chain.first_readings(await chain.province(), READY_S)
        browser = await tools.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            desk = await new_page(browser, 1280, 900)
            await desk.goto(f"{chain.url}/login")
            await desk.fill("#login", officer.login)
            await desk.fill("#password", officer.password)
            await desk.keyboard.press("Enter")
            await desk.wait_for_url("**/alerts")
            await desk.locator("#link.live").wait_for()
            await desk.evaluate("window.stayed = true")

            await chain.air.do("cut_strap", citizen.band)
            row = desk.locator("#alerts [data-alert]")
            await row.first.wait_for(timeout=LIVE_MS)
            number = (await row.first.get_attribute("id")).removeprefix("row-")
            await desk.click(f"#ack-{number}")
            await desk.locator(f"#row-{number}.taken").wait_for()

            phone = await new_page(browser, 390, 844)
            await phone.goto(f"{chain.url}/enter")
            await phone.fill("#code", citizen.access_code)
            await phone.keyboard.press("Enter")
            await phone.wait_for_url("**/me")
            assert re.search(r"\b1[34]\b", await phone.locator("#days-h").inner_text())
            await phone.locator("#sos-details summary").click()
            await phone.locator("#sos-details button").click()
            await phone.locator("#sos .sent").wait_for()

            await row.nth(1).wait_for(timeout=LIVE_MS)
            assert await desk.evaluate("window.stayed"), "the page was loaded anew"
            await desk.click(f"#res-{number}")
            await desk.locator("dialog[open] .outcomes").wait_for()
            await desk.locator("dialog[open] .outcomes button").first.click()
            await desk.locator(f"#row-{number}").wait_for(state="detached")
            province = await chain.province()
            await until_resolved(province, number)
        finally:
            await browser.close()
        items = {item["kind"]: item for item in (await province.get("/api/v1/alerts"))["items"]}
    assert items.keys() == {"strap_cut", "sos"}
    assert items["strap_cut"]["id"] == number
    assert items["strap_cut"]["state"] == "resolved"
    assert items["strap_cut"]["outcome"]
    assert items["sos"]["state"] in {"open", "notified"}
    assert {chain.home_of(item) for item in items.values()} == {1}

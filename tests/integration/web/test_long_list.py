"""A list of hundreds in a real Chromium on a phone: it grows under the thumb, few rows are drawn, new ones find it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from ancu.server.ports import Severity

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
ROWS = 330  # three groups and a bit: as a list of thousands, without its wait
DRAWN = """() => [...document.querySelectorAll('#rows [data-alert] h2')]
  .filter((one) => one.checkVisibility({ contentVisibilityAuto: true })).length"""
TO_THE_END = "() => window.scrollTo(0, document.documentElement.scrollHeight)"


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium: Any, site: Any) -> AsyncIterator[Any]:
    for _ in range(ROWS):
        site.desk.raise_alert()
    context = await chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    context.set_default_timeout(40_000)
    viewer, name = site.accounts.officers["lan"]
    token = site.accounts.open(viewer, name, site.desk.clock.now()).token
    await context.add_cookies([{"name": f"ancu-{site.url.rpartition(':')[2]}", "value": token, "url": site.url}])
    page = await context.new_page()
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url.removeprefix(site.url)))
    await page.goto(f"{site.url}/alerts")
    await page.locator("#link.live").wait_for()
    yield page
    await context.close()


async def test_a_list_grows_under_the_thumb_draws_only_what_is_seen_and_takes_in_what_is_new(page: Any, site: Any):
    last = page.locator("#rows [data-alert]").nth(ROWS - 1)
    while not await last.count():
        there = await page.locator("#rows [data-alert]").count()
        await page.evaluate(TO_THE_END)
        await page.locator("#rows [data-alert]").nth(there).wait_for(state="attached")
    assert await page.evaluate(DRAWN) < 40

    await page.evaluate("() => window.scrollTo(0, 0)")
    page.asked.clear()
    row = site.desk.raise_alert("strap_cut", Severity.CRITICAL)
    await page.locator("#rows [data-alert]").first.and_(page.locator(f"#row-{row.id}")).wait_for()
    assert await page.evaluate(DRAWN) < 40
    low = site.desk.raise_alert("battery_low", Severity.LOW)
    await page.locator("#rows [data-alert]").last.and_(page.locator(f"#row-{low.id}")).wait_for(state="attached")
    assert [path for path in page.asked if path.startswith("/alerts/")] == [], "a row that came was asked for again"

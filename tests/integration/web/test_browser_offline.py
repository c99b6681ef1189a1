"""Without a server: pages that were read stay readable with their age, and what was done is sent when it is back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ancu.server.ports import AlertState
from ancu.server.web.app import create_app
from ancu.server.web.serve import serve
from ancu.server.web.settings import WebSettings

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]


async def test_a_page_is_read_and_a_visit_and_an_acknowledgement_are_kept_until_the_server_is_back(
    chromium: Any, site: Any
):
    row = site.desk.raise_alert()
    context = await chromium.new_context(viewport={"width": 390, "height": 844})
    context.set_default_timeout(60_000)
    page = await context.new_page()
    await page.goto(f"{site.url}/login")
    await page.fill("#login", "lan")
    await page.fill("#password", "nal")
    await page.keyboard.press("Enter")
    await page.locator("#link.live").wait_for()
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    for path in ("/people/p-an", "/alerts"):  # read once with the worker in charge
        await page.goto(site.url + path)
    await page.locator("#link.live").wait_for()

    site.stopping.set()
    await site.serving
    await page.locator("#link.again, #link.lost").wait_for()
    await page.click(f"#ack-{row.id}")
    await page.locator("body[data-waiting='1']").wait_for(state="attached")
    await page.goto(f"{site.url}/people/p-an")
    await page.locator("#copied").wait_for()
    assert "bản lưu" in await page.locator("#copied").inner_text()
    assert "Nguyễn Văn An" in await page.locator("h1").inner_text()
    await page.fill("#visit-note", "Cần thêm gạo")
    await page.get_by_role("button", name="Lưu").click()
    await page.locator("body[data-waiting='2']").wait_for(state="attached")
    assert site.desk.kept == []

    app = create_app(site.desk, site.accounts, WebSettings(beat_s=0.3), site.desk.clock)
    stopping = asyncio.Event()
    again = asyncio.create_task(serve(app, "127.0.0.1", int(site.url.rsplit(":", 1)[1]), stopping))
    await page.locator("body[data-waiting='0']").wait_for(state="attached")
    assert [visit.note for visit in site.desk.kept] == ["Cần thêm gạo"]
    assert site.desk.incidents[row.id].row.state is AlertState.ACKNOWLEDGED
    await context.close()
    stopping.set()
    await again


async def test_signing_out_leaves_no_copy_on_the_device(chromium: Any, site: Any):
    context = await chromium.new_context()
    context.set_default_timeout(60_000)
    page = await context.new_page()
    await page.goto(f"{site.url}/login")
    await page.fill("#login", "lan")
    await page.fill("#password", "nal")
    await page.keyboard.press("Enter")
    await page.locator("#link.live").wait_for()
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    await page.goto(f"{site.url}/people/p-an")
    held = "caches.open('ancu-pages-1').then(pages => pages.keys()).then(keys => keys.length)"
    assert await page.evaluate(held) > 0
    await page.locator("form[action='/logout'] button").click()
    await page.wait_for_url("**/login")
    assert await page.evaluate(held) == 0
    await context.close()

"""The pages in a real Chromium: live, by keyboard, in both languages, on a phone and on a desk."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from ancu.server.ports import AlertState, Outcome
from ancu.server.web.app import create_app
from ancu.server.web.serve import serve
from ancu.server.web.settings import WebSettings

# A browser beside everything else on a loaded machine: what is waited for has long to come.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
PHONE, DESK = (390, 844), (1440, 900)
BOTH = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])


@pytest.fixture
def size() -> tuple[int, int]:
    return PHONE


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium: Any, site: Any, size: tuple[int, int]) -> AsyncIterator[Any]:
    """A page that fails its test if anything came from elsewhere, or if its console had something to complain of."""
    context = await chromium.new_context(viewport={"width": size[0], "height": size[1]}, locale="en-GB")
    context.set_default_timeout(25_000)
    page = await context.new_page()
    foreign: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(site.url) else foreign.append(request.url))
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.complaints = complaints
    yield page
    await context.close()
    assert foreign == []
    assert complaints == []


async def sign_in(page: Any, site: Any, login: str = "lan") -> None:
    await page.goto(f"{site.url}/login")
    await page.keyboard.type(login)  # the field has the focus
    await page.keyboard.press("Tab")
    await page.keyboard.type(login[::-1])
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/alerts")
    await page.locator("#link.live").wait_for()


async def enter(page: Any, site: Any, person: str = "p-an") -> None:
    await page.goto(f"{site.url}/enter")
    await page.keyboard.type(person[::-1])
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/me")


async def sent(page: Any) -> None:
    """Nothing of what the officer did waits any more: the moment to undo it is over, and the server has answered."""
    await page.locator("body[data-waiting='0']").wait_for(state="attached")


async def fits(page: Any) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


async def tab_to(page: Any, element_id: str) -> None:
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == element_id:
            return
    raise AssertionError(f"the keyboard does not reach {element_id}")


@BOTH
async def test_an_alert_appears_live_and_is_taken_and_resolved_by_keyboard(page: Any, site: Any):
    await sign_in(page, site)
    await page.evaluate("window.stayed = true")
    row = site.desk.raise_alert()
    await page.locator(f"#row-{row.id}").wait_for()
    assert "Vòng tay ngoài vùng phủ sóng" in await page.locator("#news").inner_text()
    assert await fits(page)
    await tab_to(page, f"ack-{row.id}")
    await page.keyboard.press("Enter")
    await page.locator(f"#row-{row.id}.taken").wait_for()
    assert site.desk.incidents[row.id].row.acknowledged_by == "u-lan"
    await tab_to(page, f"res-{row.id}")
    await page.keyboard.press("Space")
    await page.locator("dialog[open] .outcomes").wait_for()
    await page.keyboard.press("Escape")
    await page.locator(f"#res-{row.id}:focus").wait_for()
    await page.keyboard.press("Enter")
    await page.locator("dialog[open] .outcomes").wait_for()
    await page.get_by_role("button", name="Góc khuất sóng").focus()
    await page.keyboard.press("Enter")
    await page.locator(f"#row-{row.id}").wait_for(state="detached")
    assert site.desk.incidents[row.id].row.outcome is None  # there is a moment to undo it
    await sent(page)
    assert site.desk.incidents[row.id].row.outcome is Outcome.RADIO_SHADOW
    assert not await page.locator("dialog[open]").count()
    assert await page.evaluate("window.stayed")


async def test_two_taps_resolve_and_the_note_goes_with_it(page: Any, site: Any):
    row = site.desk.raise_alert()
    await sign_in(page, site)
    await page.click(f"#res-{row.id}")
    await page.fill("#note", "Đã gặp tại nhà")
    await page.get_by_role("button", name="Đang ngủ").click()
    await page.locator(f"#row-{row.id}").wait_for(state="detached")
    await sent(page)
    assert site.desk.incidents[row.id].timeline[-1].values == {"outcome": "asleep", "note": "Đã gặp tại nhà"}


async def test_a_colleagues_click_is_seen_at_once_in_the_open_incident(page: Any, site: Any):
    row = site.desk.raise_alert()
    await sign_in(page, site)
    await page.goto(f"{site.url}/alerts/{row.id}")
    await page.locator("#link.live").wait_for()
    viewer, _ = site.accounts.officers["tinh"]
    await site.desk.acknowledge(viewer, row.id, key="k")
    await page.get_by_text("Trực ban tỉnh đã nhận").wait_for()
    assert await page.locator(f"#ack-{row.id}").count() == 0


async def test_calling_takes_two_taps(page: Any, site: Any):
    row = site.desk.raise_alert()
    await sign_in(page, site)
    await page.click(f"#call-{row.id}")
    link = page.locator("dialog[open] a.call").first
    assert await link.get_attribute("href") == "tel:0901234567"


async def test_a_lost_link_is_shown_and_what_happened_meanwhile_is_there_after(page: Any, site: Any):
    await sign_in(page, site)
    site.stopping.set()
    await site.serving
    await page.locator("#link.again").wait_for()
    assert "Đang kết nối lại" in await page.locator("#link").inner_text()
    row = site.desk.raise_alert()
    app = create_app(site.desk, site.accounts, WebSettings(beat_s=0.3), site.desk.clock)
    stopping = asyncio.Event()
    again = asyncio.create_task(serve(app, "127.0.0.1", int(site.url.rsplit(":", 1)[1]), stopping))
    await page.locator("#link.live").wait_for()
    await page.locator(f"#row-{row.id}").wait_for()
    stopping.set()
    await again
    page.complaints.clear()  # a browser complains of a server that is gone


async def test_a_session_that_ended_leads_to_the_sign_in(page: Any, site: Any):
    await sign_in(page, site)
    site.accounts.sessions.clear()
    await page.wait_for_url(re.compile("/login"))
    assert "Phiên làm việc đã hết" in await page.locator("[role=alert]").first.inner_text()
    page.complaints.clear()  # the browser notes the refusal's status


async def test_resolving_what_a_colleague_resolved_says_so(page: Any, site: Any):
    row = site.desk.raise_alert()
    await sign_in(page, site)
    await page.click(f"#res-{row.id}")
    await page.locator("dialog[open] .outcomes").wait_for()
    viewer, _ = site.accounts.officers["tinh"]
    await site.desk.resolve(viewer, row.id, Outcome.TEST, key="k")
    await page.locator(f"#row-{row.id}").wait_for(state="detached")
    await page.get_by_role("button", name="Đang ngủ").click()
    await page.get_by_text("đã có người kết thúc").wait_for()
    assert site.desk.incidents[row.id].row.outcome is Outcome.TEST
    page.complaints.clear()  # the browser notes the refusal's status


@BOTH
async def test_every_page_fits_in_both_languages(page: Any, site: Any):
    row = site.desk.raise_alert()
    await sign_in(page, site)
    for lang, word in (("en", "Devices"), ("vi", "Thiết bị")):
        await page.goto(f"{site.url}/devices?lang={lang}")
        assert await page.locator("h1").inner_text() == word
        for path in ("/alerts?show=all", f"/alerts/{row.id}", "/people", "/people/p-an", "/devices"):
            await page.goto(site.url + path)
            assert await page.evaluate("document.documentElement.lang") == lang
            assert await fits(page), path


async def test_a_persons_day_is_drawn_and_told_in_a_table(page: Any, site: Any):
    await sign_in(page, site)
    await page.goto(f"{site.url}/people/p-an")
    await page.locator(".charts canvas").nth(3).wait_for()
    assert 0 < await page.locator(".strip rect.slot-home").count() < 96
    await page.get_by_text("Xem số liệu dạng bảng").click()
    assert await page.locator("table.plain tbody tr").count() > 10


@BOTH
async def test_a_person_calls_for_help_with_a_confirmation(page: Any, site: Any):
    await enter(page, site)
    assert await page.locator(".number").inner_text() == "5"
    await page.locator("summary").click()
    assert site.desk.incidents == {}
    await page.get_by_role("button", name="Gửi ngay").click()
    await page.get_by_text("Đã gửi lời gọi giúp đỡ").wait_for()
    [incident] = site.desk.incidents.values()
    assert incident.row.kind == "sos"
    assert incident.row.state is AlertState.OPEN
    assert await fits(page)


class TestWithoutScripts:
    @pytest_asyncio.fixture(loop_scope="module")
    async def page(self, chromium: Any) -> AsyncIterator[Any]:
        context = await chromium.new_context(java_script_enabled=False)
        context.set_default_timeout(25_000)
        yield await context.new_page()
        await context.close()

    async def test_an_officer_can_still_take_and_resolve(self, page: Any, site: Any):
        row = site.desk.raise_alert()
        await page.goto(f"{site.url}/login")
        await page.fill("#login", "lan")
        await page.fill("#password", "nal")
        await page.click("button.primary")
        await page.click(f"#ack-{row.id}")
        await page.click(f"#res-{row.id}")
        await page.get_by_role("button", name="Thử thiết bị").click()
        await page.wait_for_url("**/alerts")
        assert site.desk.incidents[row.id].row.outcome is Outcome.TEST

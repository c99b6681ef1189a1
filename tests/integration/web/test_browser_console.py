"""The officer's inbox in a real Chromium: undo, two taps, several at once, and keys that are never lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from ancu.server.ports import AlertState, Outcome

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium: Any, site: Any) -> AsyncIterator[Any]:
    context = await chromium.new_context(viewport={"width": 390, "height": 844}, service_workers="block")
    context.set_default_timeout(40_000)
    page = await context.new_page()
    await page.goto(f"{site.url}/login")
    await page.fill("#login", "lan")
    await page.fill("#password", "nal")
    await page.keyboard.press("Enter")
    await page.locator("#link.live").wait_for()
    yield page
    await context.close()


async def sent(page: Any) -> None:
    await page.locator("body[data-waiting='0']").wait_for(state="attached")


async def test_a_key_that_is_held_down_while_rows_change_still_counts(page: Any, site: Any):
    rows = [site.desk.raise_alert() for _ in range(3)]
    mine = rows[0]
    await page.locator(f"#ack-{mine.id}").focus()
    await page.keyboard.down("Space")
    viewer, _ = site.accounts.officers["tinh"]
    await site.desk.contact(viewer, rows[1].id, "phone", key="k")
    late = site.desk.raise_alert()
    await page.evaluate("new Promise(done => setTimeout(() => done(1), 400))")  # the rows have come, and wait
    assert await page.locator(f"#row-{late.id}").count() == 0
    await page.keyboard.up("Space")
    await page.locator(f"#row-{mine.id}.taken").wait_for()
    await page.locator(f"#row-{late.id}").wait_for()
    assert site.desk.incidents[mine.id].row.acknowledged_by == "u-lan"


async def test_acknowledging_is_undone(page: Any, site: Any):
    row = site.desk.raise_alert()
    await page.click(f"#ack-{row.id}")
    await page.locator(f"#row-{row.id}.taken").wait_for()
    await page.click("#undo")
    await page.locator(f"#row-{row.id}:not(.taken)").wait_for()
    assert site.desk.incidents[row.id].row.state is AlertState.OPEN
    await page.locator(f"#ack-{row.id}").wait_for()


async def test_resolving_is_undone_before_it_was_sent(page: Any, site: Any):
    row = site.desk.raise_alert()
    await page.click(f"#res-{row.id}")
    await page.get_by_role("button", name="Đang ngủ").click()
    await page.locator(f"#row-{row.id}").wait_for(state="detached")
    await page.click("#undo")
    await page.locator(f"#row-{row.id}").wait_for()
    await sent(page)
    assert site.desk.incidents[row.id].row.outcome is None


async def test_snoozing_and_sending_somebody_take_two_taps(page: Any, site: Any):
    asleep, sent_for = site.desk.raise_alert(), site.desk.raise_alert("strap_cut")
    await page.click(f"#more-{asleep.id}")
    await page.get_by_role("button", name="15 phút").click()
    await page.locator(f"#row-{asleep.id}.taken", has_text="tạm hoãn đến").wait_for()
    await page.click(f"#more-{sent_for.id}")
    await page.get_by_role("button", name="Tổ trực phường").click()
    await page.locator(f"#row-{sent_for.id}.taken", has_text="Đã cử người đến").wait_for()
    assert site.desk.incidents[sent_for.id].timeline[-1].values == {"unit": "ward_team"}


async def test_several_are_resolved_at_once(page: Any, site: Any):
    rows = [site.desk.raise_alert() for _ in range(3)]
    await page.click("#picking")
    for row in rows[:2]:
        await page.locator(f"#pick-{row.id}").check()
    await page.click("#bulk-resolve")
    await page.get_by_role("button", name="Thử thiết bị").click()
    for row in rows[:2]:
        await page.locator(f"#row-{row.id}").wait_for(state="detached")
    await sent(page)
    assert [site.desk.incidents[row.id].row.outcome for row in rows] == [Outcome.TEST, Outcome.TEST, None]


async def test_the_list_is_worked_by_single_keys_and_they_can_be_turned_off(page: Any, site: Any):
    older = site.desk.raise_alert(ago=60)
    newer = site.desk.raise_alert()
    await page.locator(f"#row-{newer.id}").wait_for()
    await page.locator(f"#row-{older.id}").wait_for()
    await page.keyboard.press("j")
    await page.locator(f"#open-{newer.id}:focus").wait_for()
    await page.keyboard.press("j")
    await page.locator(f"#open-{older.id}:focus").wait_for()
    await page.keyboard.press("k")
    await page.keyboard.press("a")
    await page.locator(f"#row-{newer.id}.taken").wait_for()
    await page.locator(f"#row-{newer.id} :focus").wait_for()  # he stays where he was
    for key in ("s", "r"):
        await page.keyboard.press(key)
        await page.locator("dialog[open] .outcomes").first.wait_for()
        await page.keyboard.press("Escape")
        await page.locator("dialog[open]").wait_for(state="hidden")
    await page.keyboard.press("?")
    await page.locator("#keys-on").uncheck()
    await page.keyboard.press("Escape")
    await page.locator(f"#open-{older.id}").focus()
    await page.keyboard.press("a")
    await page.reload()  # the device remembers
    await page.locator("#link.live").wait_for()
    await page.locator(f"#open-{older.id}").focus()
    await page.keyboard.press("a")
    await page.keyboard.press("k")
    assert await page.locator(f"#open-{older.id}:focus").count() == 1
    assert site.desk.incidents[older.id].row.acknowledged_by is None


async def test_a_visit_is_written_down_and_search_finds_the_person(page: Any, site: Any):
    await page.goto(f"{site.url}/search?q=an")
    await page.get_by_role("link", name="Nguyễn Văn An").click()
    await page.get_by_text("Gọi điện", exact=True).click()
    await page.fill("#visit-note", "Đã nhận gạo")
    await page.get_by_role("button", name="Lưu").click()
    await page.locator("#visit-list", has_text="Đã nhận gạo").wait_for()
    assert site.desk.kept[-1].kind == "call"
    assert await page.input_value("#visit-note") == ""


async def test_search_leads_to_a_device(page: Any, site: Any):
    band = next(row for row in site.desk.rows_of_devices if row.kind == "band")
    await page.goto(f"{site.url}/search?q={band.id}")
    await page.get_by_role("link", name=band.id).click()
    await page.wait_for_url(f"**/devices/band/{band.id}")

"""Orders and requests in a real Chromium, on a phone and on a desk, in both languages, over the real desk."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ancu.server.ports.citizen import AskKind
from tests.integration.people.rows import rows_of

from .browsing import BOTH, DESK, LANGS, fits

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]  # a browser beside other tests
WORDS = {"kept": "Đã lập 197 quyết định.", "bad": "3 dòng chưa nhập được.", "mend": "Ví dụ: 21/11/2026."}


@pytest.fixture
def size() -> tuple[int, int]:
    return DESK


async def sign_in(page: Any, served: Any, who: str = "lan") -> None:
    house = served.house
    signed_in = await house.accounts.open_officer(house.staff[who], at=house.clock.now())
    port = served.url.rsplit(":", 1)[1]
    await page.context.add_cookies([{"name": f"ancu-{port}", "value": signed_in.token, "url": served.url}])


async def test_the_rows_of_two_hundred_that_are_wrong_are_taken_back_to_be_mended(page: Any, served: Any):
    rows = rows_of(200)
    await sign_in(page, served)
    await page.goto(f"{served.url}/orders")
    await page.locator("#import").click()
    await page.locator("#file").set_input_files({"name": "orders.csv", "mimeType": "text/csv", "buffer": rows})
    assert await fits(page)
    await page.locator("#go").focus()
    await page.keyboard.press("Enter")  # by keyboard, as at a desk
    await page.get_by_text(WORDS["kept"]).wait_for()
    await page.get_by_text(WORDS["bad"]).wait_for()
    await page.get_by_text(WORDS["mend"]).wait_for()
    assert await page.locator(".faults tbody tr").count() == 3
    assert await fits(page)
    async with page.expect_download() as download:
        await page.locator(".faults form button").click()
    text = await asyncio.to_thread(Path(await (await download.value).path()).read_text, "utf-8-sig")
    assert [line.split(",")[0] for line in text.splitlines()] == ["Họ và tên", "Sai Ngày", "Sai Số", "NGUYỄN VĂN AN"]
    assert served.house.rows("SELECT count(*) FROM orders") == [(200,)]


@BOTH
async def test_an_order_is_written_by_keyboard_alone_and_a_wrong_field_says_what_is_wrong(page: Any, served: Any):
    await sign_in(page, served)
    await page.goto(f"{served.url}/orders/new")
    await page.keyboard.type("Lê Thị Bàn Phím")  # the first field has the focus
    await page.keyboard.press("Tab")
    await page.keyboard.type("12")
    await page.keyboard.press("Enter")
    await page.locator("#phone-fault").wait_for()
    assert await page.locator("#name").input_value() == "Lê Thị Bàn Phím"
    await page.locator("#phone").fill("0901 222 333")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Lê Thị Bàn Phím · Phường Bến Nghé").wait_for()
    assert await fits(page)
    assert served.house.rows("SELECT phone FROM person_private WHERE name = 'Lê Thị Bàn Phím'") == [("0901 222 333",)]
    page.complaints[:] = [text for text in page.complaints if "status of 422" not in text]


async def test_an_order_is_extended_printed_and_ended(page: Any, served: Any):
    await sign_in(page, served)
    await page.goto(f"{served.url}/orders/o-1")
    await page.locator("#until").fill("30/11/2026")
    await page.keyboard.press("Enter")
    await page.get_by_text("Đã lưu.").wait_for()
    assert served.house.rows("SELECT until_ms FROM orders WHERE id = 'o-1'") == [(1_796_058_000_000,)]
    answer = await page.request.post(
        f"{served.url}/orders/print",
        form={
            "csrf": await page.locator("form[action='/orders/print'] input[name=csrf]").input_value(),
            "key": "k",
            "orders": "o-1",
            "lang": "vi",
        },
        headers={"Origin": served.url},
    )
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    assert (await answer.body()).startswith(b"%PDF-")
    await page.locator("#end-why").select_option("hospital")
    await page.get_by_role("button", name="Kết thúc cách ly").click()
    await page.get_by_text("Quyết định này đã kết thúc.").wait_for()


@BOTH
@LANGS
async def test_requests_are_answered_and_a_refusal_needs_its_reason(page: Any, served: Any, lang: str):
    house = served.house
    me, soon = house.viewer("p-an"), house.clock.now() + timedelta(hours=4)
    ask = await house.desk.ask(
        me, "p-an", AskKind.ABSENCE, about="test", starts_at=soon, until=soon + timedelta(hours=2), key="1"
    )
    await house.desk.add_result(house.viewer("y-te"), "p-an", "negative", house.clock.now(), key="2")
    await sign_in(page, served)
    await page.goto(f"{served.url}/asks?lang={lang}")
    assert await fits(page)
    card = page.locator(f"#ask-{ask.id}")
    await card.locator("button[value=no]").click()
    await card.locator("[role=alert]").wait_for()
    await card.locator("input[name=reply]").fill("Đợi có xe đưa đi")
    await card.locator("button[value=no]").click()
    await card.wait_for(state="detached")
    assert (await house.desk.ask_of(me, ask.id)).reply == "Đợi có xe đưa đi"
    await page.locator("#results button[value=yes]").click()
    await page.locator("#results").wait_for(state="detached")
    assert house.rows("SELECT end_reason FROM orders WHERE id = 'o-1'") == [("test_negative",)]
    page.complaints[:] = [text for text in page.complaints if "status of 422" not in text]

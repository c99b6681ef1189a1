"""A person under order in a real Chromium over the real desk: what comes beside the main jobs of test_ten_jobs.py."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ancu.models.ids import OrderId

from .browsing import LANGS, PHONE, fits

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]  # a browser beside other tests
WORDS = {
    "vi": {
        "changed": "Có thay đổi",
        "cough": "Ho",
        "tired": "Mệt mỏi",
        "send": "Gửi",
        "today": "Hôm nay bạn đã khai",
        "sos": "SOS · Gọi giúp đỡ",
        "confirm": "Gửi ngay",
        "sent": "Đã gửi lời gọi giúp đỡ",
        "absence": "Xin vắng mặt",
        "hospital": "Đi khám, đi bệnh viện",
        "ask": "Gửi yêu cầu",
        "waiting": "Đang chờ trả lời",
        "released": "Bạn đã hết cách ly",
        "here": "Tôi đang ở nhà",
        "days": "ngày",
    },
    "en": {"released": "You are released"},
}


@pytest.fixture
def size() -> tuple[int, int]:
    return PHONE


async def enter(page: Any, served: Any, person: str = "p-an", lang: str = "vi") -> None:
    """As on a kit: the QR code's address, then the code that opens once."""
    (passed,) = await served.house.accounts.issue_passes([person], by="test")
    await page.goto(f"{served.url}/k/{passed.kit}?lang={lang}")
    await page.locator("#code").fill(passed.code)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/me")


async def test_symptoms_are_declared_in_taps_and_prefilled_the_next_time(page: Any, served: Any, lang: str):
    words = WORDS[lang]
    await enter(page, served, lang=lang)
    assert await fits(page)
    await page.get_by_role("link", name=words["changed"]).click()
    await page.get_by_text(words["cough"], exact=True).click()
    await page.locator("#body").fill("37,4")
    assert await fits(page)
    await page.get_by_role("button", name=words["send"]).click()
    await page.get_by_text(words["today"]).wait_for()
    assert served.house.rows("SELECT symptoms, body_deci_c FROM declarations") == [('["cough"]', 374)]
    served.house.clock.advance(days=1)
    await page.reload()
    await page.locator("#feel-change").click()
    assert await page.get_by_role("checkbox", name=words["cough"], exact=True).is_checked()
    await page.get_by_text(words["tired"], exact=True).click()
    await page.get_by_role("button", name=words["send"]).click()
    await page.get_by_text(words["today"]).wait_for()
    rows = served.house.rows("SELECT symptoms FROM declarations ORDER BY at_ms DESC LIMIT 1")
    assert rows == [('["cough", "tired"]',)]


async def test_an_absence_is_asked_for_and_its_reply_is_read(page: Any, served: Any, lang: str):
    words = WORDS[lang]
    await enter(page, served, lang=lang)
    await page.get_by_role("link", name=words["absence"]).click()
    await page.get_by_text(words["hospital"]).click()
    await page.locator("#note").fill("Khám thai ở bệnh viện quận")
    assert await fits(page)
    await page.get_by_role("button", name=words["ask"]).click()
    await page.get_by_text(words["waiting"]).wait_for()
    house = served.house
    ((ask, about, starts, until),) = house.rows("SELECT id, about, from_ms, until_ms FROM asks")
    assert (about, until - starts) == ("hospital", 2 * 3_600_000)
    await house.desk.answer_ask(house.viewer("lan"), ask, accept=True, reply="Nhớ đeo khẩu trang", key="k")
    await page.reload()
    await page.get_by_text("Nhớ đeo khẩu trang").wait_for()
    await page.locator(".leave").wait_for()


async def test_a_tap_answers_a_check_in(page: Any, served: Any):
    house = served.house
    await house.desk.ask_checkin(house.viewer("lan"), "p-an", key="k")
    await enter(page, served)
    await page.get_by_role("button", name=WORDS["vi"]["here"]).click()
    await page.locator("#here").wait_for(state="detached")
    assert house.rows("SELECT count(*) FROM checkin_answers") == [(1,)]


@LANGS
async def test_who_is_released_is_told_so_and_gets_a_receipt_for_what_is_erased(page: Any, served: Any, lang: str):
    house = served.house
    await enter(page, served, lang=lang)
    await house.desk.end_order(house.viewer("lan"), "o-1", "test_negative", key="k")
    await house.turn()
    await page.reload()
    await page.get_by_role("heading", name=WORDS[lang]["released"]).wait_for()
    assert await page.locator("#sos").count() == 0
    await page.locator("#to-data").click()
    async with page.expect_download() as download:
        await page.locator("a[download]").click()
    taken = await asyncio.to_thread(Path(await (await download.value).path()).read_text, "utf-8")
    assert "Nguyễn Văn An" in taken
    await page.locator(".ask-twice summary").click()
    await page.locator(".ask-twice button").click()
    await page.wait_for_url("**/receipt/*")
    assert house.rows("SELECT count(*) FROM person_private WHERE person = 'p-an'") == [(0,)]
    await page.reload()
    await page.locator("code").wait_for()
    await page.goto(f"{served.url}/me")
    await page.wait_for_url("**/enter*")


async def test_a_guardian_goes_from_one_of_the_home_to_the_next(page: Any, served: Any):
    await enter(page, served, "p-an")
    assert await page.locator(".family").count() == 0
    await enter(page, served, "p-be")
    await page.get_by_text("Chào Nguyễn Thị Bé").wait_for()
    await page.locator("#to-p-an").click()
    await page.get_by_text("Chào Nguyễn Văn An").wait_for()
    await page.locator("#to-p-be").wait_for()
    assert await page.locator(".family li").count() == 2


async def test_the_code_of_a_kit_opens_once_and_a_wrong_one_says_what_to_do(page: Any, served: Any):
    (passed,) = await served.house.accounts.issue_passes(["p-an"], by="test")
    await page.goto(f"{served.url}/k/{passed.kit}")
    await page.locator("#code").fill("1111 1111")
    await page.keyboard.press("Enter")
    await page.get_by_text("Gọi phường/xã để nhận mã mới").wait_for()
    await page.locator("#code").fill(passed.code.replace(" ", ""))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/me")
    await page.context.clear_cookies()
    await page.goto(f"{served.url}/k/{passed.kit}")
    await page.locator("#code").fill(passed.code)
    await page.keyboard.press("Enter")
    await page.get_by_text("Gọi phường/xã để nhận mã mới").wait_for()
    page.complaints[:] = [text for text in page.complaints if not re.search(r"status of 401", text)]


async def test_a_page_that_refreshes_itself_keeps_what_the_keyboard_is_on(page: Any, served: Any):
    await enter(page, served)
    await page.locator("#ask-food").focus()
    await page.evaluate("htmx.ajax('GET', '/me', {target: '#mine', select: '#mine', swap: 'outerHTML'})")
    await page.locator("#ask-food:focus").wait_for()


class TestWithoutScripts:
    @pytest.fixture
    def scripts(self) -> bool:
        return False

    async def test_everything_that_a_person_needs_works(self, page: Any, served: Any):
        house = served.house
        house.clock.advance(hours=1)
        await enter(page, served)
        await page.locator("#feel-same").click()
        await page.get_by_text(WORDS["vi"]["today"]).wait_for()
        await page.locator("#ask-food").click()
        await page.locator("#note").fill("Sữa cho bé")
        await page.get_by_role("button", name=WORDS["vi"]["ask"]).click()
        await page.get_by_text("Sữa cho bé").wait_for()
        await page.locator("#ask-dispute").click()
        await page.locator("#note").fill("Tôi không phải F1")
        await page.get_by_role("button", name="Gửi khiếu nại").click()
        await page.get_by_text("Tôi không phải F1").wait_for()
        await page.locator("#sos-details summary").click()
        await page.get_by_role("button", name=WORDS["vi"]["confirm"]).click()
        await page.get_by_text(WORDS["vi"]["sent"]).wait_for()
        due = house.clock.now() + timedelta(hours=72)
        rows = house.rows("SELECT kind, due_ms FROM asks WHERE kind = 'dispute'")
        assert rows == [("dispute", round(due.timestamp() * 1000))]
        assert OrderId("o-1") in {row[0] for row in house.rows("SELECT id FROM orders")}

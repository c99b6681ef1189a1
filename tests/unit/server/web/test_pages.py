"""What officers and people under order see and do."""

from __future__ import annotations

from typing import Any

import pytest

from ancu.server.ports import AlertState, Outcome, Severity, Signal

PAGES = ("/alerts", "/alerts?show=all", "/people", "/people/p-an", "/devices", "/devices?kind=band")


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("path", PAGES)
async def test_every_page_speaks_the_language_that_was_chosen(officer: Any, desk: Any, path: str, lang: str):
    desk.raise_alert()
    answer = await officer.get(path + ("&" if "?" in path else "?") + f"lang={lang}")
    assert answer.status_code == 200
    assert f'<html lang="{lang}">' in answer.text
    assert (await officer.get("/devices")).headers["content-language"] == lang


async def test_vietnamese_comes_first_whatever_the_browser_asks_for(browser: Any):
    answer = await browser.get("/login", headers={"Accept-Language": "en-GB"})
    assert answer.headers["content-language"] == "vi"


async def test_the_inbox_puts_what_nobody_has_and_what_is_worst_first(officer: Any, desk: Any):
    low = desk.raise_alert("battery_low", Severity.LOW, why=Signal("battery_level", desk.clock.now(), {}))
    taken = desk.raise_alert("sos", Severity.CRITICAL, why=Signal("sos_page", desk.clock.now(), {}), ago=9)
    high = desk.raise_alert(ago=3)
    form = {"csrf": await officer.token("/alerts"), "key": "k"}
    await officer.post(f"/alerts/{taken.id}/acknowledge", data=form)
    text = (await officer.get("/alerts")).text
    places = [text.index(f'id="row-{row.id}"') for row in (high, low, taken)]
    assert places == sorted(places)


async def test_an_inbox_shows_no_other_wards_alerts(officer: Any, desk: Any):
    foreign = desk.raise_alert(ward="da-kao", person="p-xa", label="Võ Thành Xa · Phường Đa Kao")
    assert "Võ Thành Xa" not in (await officer.get("/alerts?show=all")).text
    assert foreign.id not in (await officer.get("/alerts/list")).text


@pytest.mark.parametrize("path", ["/alerts/{}", "/alerts/{}/body", "/alerts/{}/call", "/alerts/{}/resolve"])
async def test_a_foreign_and_an_absent_incident_answer_alike(officer: Any, desk: Any, path: str):
    foreign = desk.raise_alert(ward="da-kao", person="p-xa")
    there, nowhere = [await officer.get(path.format(id_)) for id_ in (foreign.id, "a-none")]
    assert there.status_code == nowhere.status_code == 404
    assert there.text == nowhere.text


async def test_a_foreign_and_an_absent_person_answer_alike(officer: Any):
    there, nowhere = await officer.get("/people/p-xa"), await officer.get("/people/p-none")
    assert there.status_code == nowhere.status_code == 404
    assert there.text == nowhere.text


async def test_nobody_issues_a_code_for_a_person_of_another_ward(officer: Any):
    form = {"csrf": await officer.token("/alerts"), "key": "k"}
    assert (await officer.post("/people/p-xa/code", data=form)).status_code == 404
    answer = await officer.post("/people/p-an/code", data=form)
    assert "na-p" in answer.text


async def test_acknowledging_from_the_list_answers_with_the_list(officer: Any, desk: Any):
    row = desk.raise_alert()
    form = {"csrf": await officer.token("/alerts"), "key": "k", "back": "open"}
    answer = await officer.post(f"/alerts/{row.id}/acknowledge", data=form, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "Đã nhận" in answer.text
    assert desk.incidents[row.id].row.acknowledged_by == "u-lan"


async def test_without_a_script_a_form_leads_back_to_the_page(officer: Any, desk: Any):
    row = desk.raise_alert()
    form = {"csrf": await officer.token("/alerts"), "key": "k", "outcome": "radio_shadow", "note": "sau tủ sắt"}
    answer = await officer.post(f"/alerts/{row.id}/resolve", data=form)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/alerts/{row.id}"
    assert desk.incidents[row.id].row.outcome is Outcome.RADIO_SHADOW
    assert "sau tủ sắt" in (await officer.get(f"/alerts/{row.id}")).text


async def test_a_second_tap_on_the_same_form_does_nothing_more(officer: Any, desk: Any):
    row = desk.raise_alert()
    form = {"csrf": await officer.token("/alerts"), "key": "same", "outcome": "test"}
    for _ in range(2):
        assert (await officer.post(f"/alerts/{row.id}/resolve", data=form)).status_code == 303
    assert [step.code for step in desk.incidents[row.id].timeline] == ["raised", "resolved"]


async def test_resolving_what_is_resolved_says_so_in_words(officer: Any, desk: Any):
    row = desk.raise_alert()
    form = {"csrf": await officer.token("/alerts"), "key": "1", "outcome": "test"}
    await officer.post(f"/alerts/{row.id}/resolve", data=form)
    answer = await officer.post(f"/alerts/{row.id}/resolve", data={**form, "key": "2"}, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert answer.headers["content-type"].startswith("text/plain")
    assert "đã có người kết thúc" in answer.text


@pytest.mark.parametrize("change", [{"outcome": "guilty"}, {"outcome": ""}, {"key": ""}])
async def test_a_form_that_is_not_ours_changes_nothing(officer: Any, desk: Any, change: dict[str, str]):
    row = desk.raise_alert()
    form = {"csrf": await officer.token("/alerts"), "key": "k", "outcome": "test"} | change
    assert (await officer.post(f"/alerts/{row.id}/resolve", data=form)).status_code in (400, 422)
    assert desk.incidents[row.id].row.state is AlertState.OPEN


async def test_names_and_notes_cannot_write_markup(officer: Any, desk: Any):
    row = desk.raise_alert(label="<script>alert(1)</script>")
    form = {"csrf": await officer.token("/alerts"), "key": "k", "outcome": "test", "note": "<img src=x onerror=y>"}
    await officer.post(f"/alerts/{row.id}/resolve", data=form)
    for path in ("/alerts?show=all", f"/alerts/{row.id}"):
        text = (await officer.get(path)).text
        assert "<script>alert" not in text
        assert "<img" not in text


async def test_an_incident_says_why_what_to_do_and_whom_to_call(officer: Any, desk: Any):
    row = desk.raise_alert()
    text = (await officer.get(f"/alerts/{row.id}")).text
    for words in ("vẫn không thấy vòng tay", "Gọi cho người cách ly", "tel:0901234567", "Pin vẫn còn 71%", "15 giây"):
        assert words in text


async def test_a_person_sees_his_days_and_calls_for_help_once(new_browser: Any, desk: Any):
    browser = new_browser()
    await browser.enter("p-an")
    text = (await browser.get("/me")).text
    assert '<b class="number">5</b>' in text
    form = {"csrf": await browser.token("/me"), "key": "k"}
    for _ in range(2):
        assert (await browser.post("/me/sos", data=form)).headers["location"] == "/me#sos"
    assert [i.row.kind for i in desk.incidents.values()] == ["sos"]
    assert "Đang chờ cán bộ nhận" in (await browser.get("/me")).text


async def test_a_person_is_never_shown_alerts_against_him(new_browser: Any, desk: Any):
    desk.raise_alert(person="p-an")
    browser = new_browser()
    await browser.enter("p-an")
    text = (await browser.get("/me")).text
    assert "ngoài vùng phủ sóng" not in text


@pytest.mark.parametrize("path", ["/alerts", "/people", "/devices", "/people/p-hoa", "/alerts/list"])
async def test_a_person_under_order_opens_no_officers_page(new_browser: Any, path: str):
    browser = new_browser()
    await browser.enter("p-an")
    assert (await browser.get(path)).status_code == 403


async def test_the_last_day_and_the_end_are_said_as_such(new_browser: Any, desk: Any, clock: Any):
    browser = new_browser()
    await browser.enter("p-an")
    clock.advance(days=4)
    assert '<b class="number">1</b>' in (await browser.get("/me")).text
    clock.advance(hours=23, minutes=59)
    assert "Hôm nay là ngày cuối" in (await browser.get("/me")).text
    clock.advance(minutes=1)
    assert "Đã hết thời gian cách ly" in (await browser.get("/me")).text

"""Signing in, forms that are one's own, and signing out."""

from __future__ import annotations

from typing import Any

import pytest

from ancu.server.web.settings import WebSettings


async def test_without_a_session_a_page_sends_to_the_sign_in_and_back(browser: Any):
    answer = await browser.get("/alerts")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/alerts"


async def test_an_officer_signs_in_and_lands_where_he_wanted(browser: Any):
    form = {"csrf": await browser.token("/login"), "login": "lan", "password": "nal"}
    answer = await browser.post("/login?next=/devices", data=form)
    assert answer.headers["location"] == "/devices"
    assert (await browser.get("/devices")).status_code == 200


@pytest.mark.parametrize("trap", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_signing_in_never_leads_elsewhere(browser: Any, trap: str):
    form = {"csrf": await browser.token("/login"), "login": "lan", "password": "nal"}
    answer = await browser.post("/login", params={"next": trap}, data=form)
    assert answer.headers["location"] == "/alerts"


async def test_a_wrong_password_and_an_unknown_login_answer_alike(browser: Any):
    bodies = []
    for login in ("lan", "nobody"):
        form = {"csrf": await browser.token("/login"), "login": login, "password": "wrong"}
        answer = await browser.post("/login", data=form)
        assert answer.status_code == 401
        bodies.append(answer.text.replace(f'value="{login}"', ""))
    assert bodies[0] == bodies[1]
    assert "không đúng" in bodies[0]


async def test_the_sixth_try_is_locked_out_even_with_the_right_password(browser: Any):
    for _ in range(5):
        form = {"csrf": await browser.token("/login"), "login": "lan", "password": "wrong"}
        await browser.post("/login", data=form)
    form = {"csrf": await browser.token("/login"), "login": "lan", "password": "nal"}
    answer = await browser.post("/login", data=form)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1800"


async def test_a_sign_in_form_without_its_own_token_is_refused(browser: Any):
    await browser.get("/login")
    for token in ("", "guess"):
        answer = await browser.post("/login", data={"csrf": token, "login": "lan", "password": "nal"})
        assert answer.status_code == 403


async def test_a_form_from_another_site_is_refused(officer: Any, desk: Any):
    row = desk.raise_alert()
    form = {"csrf": await officer.token("/alerts"), "key": "k"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        answer = await officer.post(f"/alerts/{row.id}/acknowledge", data=form, headers=headers)
        assert answer.status_code == 403
    assert desk.incidents[row.id].row.acknowledged_by is None


@pytest.mark.parametrize("token", ["", "csrf-token-of-somebody-else", "é"])
async def test_a_form_without_the_sessions_token_is_refused(officer: Any, desk: Any, token: str):
    row = desk.raise_alert()
    answer = await officer.post(f"/alerts/{row.id}/acknowledge", data={"csrf": token, "key": "k"})
    assert answer.status_code == 403
    assert desk.incidents[row.id].row.acknowledged_by is None


async def test_a_bearer_token_opens_no_pages(script: Any):
    assert (await script.get("/alerts", headers={"Accept": "text/html"})).status_code == 303


async def test_signing_out_ends_the_session_at_the_server(officer: Any, accounts: Any):
    token = await officer.token("/alerts")
    assert (await officer.post("/logout", data={"csrf": token})).status_code == 303
    assert accounts.sessions == {}
    assert (await officer.get("/alerts")).status_code == 303


async def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(browser: Any):
    form = {"csrf": await browser.token("/login"), "login": "lan", "password": "nal"}
    answer = await browser.post("/login", data=form)
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("ancu-8080="))
    assert "httponly" in cookie.lower()
    assert "samesite=strict" in cookie.lower()


async def test_the_list_asking_for_itself_does_not_keep_a_session_awake(officer: Any, accounts: Any):
    accounts.touched.clear()
    await officer.get("/alerts/list")
    assert accounts.touched == []
    await officer.get("/alerts")
    assert len(accounts.touched) == 1


class TestByHttps:
    @pytest.fixture
    def settings(self) -> WebSettings:
        return WebSettings(origin="https://ancu.example.vn")

    async def test_cookies_are_bound_to_the_host_and_to_https(self, new_browser: Any):
        browser = new_browser("https://ancu.example.vn")
        form = {"csrf": await browser.token("/login"), "login": "lan", "password": "nal"}
        answer = await browser.post("/login", data=form)
        cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("__Host-ancu="))
        assert "secure" in cookie.lower()
        assert "path=/" in cookie.lower()
        assert "domain" not in cookie.lower()
        assert answer.headers["strict-transport-security"].startswith("max-age=")

"""The JSON API: scoping, keys, problems."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ancu.server.ports import AlertState, Severity
from ancu.server.web.settings import WebSettings

API = "/api/v1"


def is_problem(answer: Any, status: int, code: str) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["code"] == code
    assert "Traceback" not in answer.text
    return body


async def test_without_a_token_nothing_is_answered(browser: Any):
    answer = await browser.get(f"{API}/alerts")
    is_problem(answer, 401, "sign_in_needed")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    wrong = await browser.get(f"{API}/alerts", headers={"Authorization": "Bearer wrong"})
    is_problem(wrong, 401, "sign_in_needed")


async def test_alerts_are_listed_by_filter_and_by_page(script: Any, desk: Any):
    rows = [desk.raise_alert() for _ in range(5)]
    desk.raise_alert("sos", Severity.CRITICAL)
    first = (await script.get(f"{API}/alerts", params={"kind": "out_of_range", "limit": 3})).json()
    rest = (
        await script.get(f"{API}/alerts", params={"kind": "out_of_range", "limit": 3, "cursor": first["next_cursor"]})
    ).json()
    assert {item["id"] for item in first["items"] + rest["items"]} == {row.id for row in rows}
    assert rest["next_cursor"] is None
    worst = (await script.get(f"{API}/alerts", params={"severity": "C", "state": ["open", "notified"]})).json()
    assert [item["kind"] for item in worst["items"]] == ["sos"]


async def test_an_officer_sees_his_wards_only_and_the_province_all(
    script: Any, desk: Any, accounts: Any, new_browser: Any, clock: Any
):
    desk.raise_alert(ward="da-kao", person="p-xa")
    assert (await script.get(f"{API}/alerts")).json()["items"] == []
    viewer, name = accounts.officers["tinh"]
    token = accounts.open(viewer, name, clock.now()).token
    province = new_browser(Authorization=f"Bearer {token}")
    assert len((await province.get(f"{API}/alerts")).json()["items"]) == 1


async def test_a_foreign_and_an_absent_id_answer_alike(script: Any, desk: Any):
    foreign = desk.raise_alert(ward="da-kao", person="p-xa").id
    for path in ("/alerts/{}", "/alerts/{}:acknowledge", "/alerts/{}:resolve"):
        post = ":" in path
        answers = []
        for id_ in (foreign, "a-none"):
            url = API + path.format(id_)
            answers.append(
                await script.post(url, headers={"Idempotency-Key": "k"}, json={"outcome": "test"})
                if post
                else await script.get(url)
            )
        is_problem(answers[0], 404, "not_found")
        assert answers[0].content == answers[1].content
    for band in ("wb-00000003", "wb-99999999"):
        is_problem(await script.get(f"{API}/readings", params={"band": band}), 404, "not_found")


async def test_every_post_needs_a_key(script: Any, desk: Any):
    row = desk.raise_alert()
    for headers in ({}, {"Idempotency-Key": ""}, {"Idempotency-Key": "x" * 129}, {"Idempotency-Key": "with space"}):
        answer = await script.post(f"{API}/alerts/{row.id}:acknowledge", headers=headers)
        is_problem(answer, 400, "bad_request")
    assert desk.incidents[row.id].row.state is AlertState.OPEN


async def test_the_same_key_answers_alike_and_another_wish_under_it_is_a_conflict(script: Any, desk: Any):
    row = desk.raise_alert()
    url, headers = f"{API}/alerts/{row.id}:resolve", {"Idempotency-Key": "k1"}
    first = await script.post(url, headers=headers, json={"outcome": "asleep"})
    again = await script.post(url, headers=headers, json={"outcome": "asleep"})
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    other = await script.post(url, headers=headers, json={"outcome": "medical"})
    is_problem(other, 422, "idempotency_key_reused")
    late = await script.post(url, headers={"Idempotency-Key": "k2"}, json={"outcome": "medical"})
    is_problem(late, 409, "alert_already_resolved")


async def test_another_officers_equal_key_is_another_key(
    script: Any, desk: Any, accounts: Any, new_browser: Any, clock: Any
):
    row = desk.raise_alert()
    await script.post(f"{API}/alerts/{row.id}:acknowledge", headers={"Idempotency-Key": "k"})
    viewer, name = accounts.officers["tinh"]
    other = new_browser(Authorization=f"Bearer {accounts.open(viewer, name, clock.now()).token}")
    answer = await other.post(
        f"{API}/alerts/{row.id}:resolve", headers={"Idempotency-Key": "k"}, json={"outcome": "test"}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b'{"outcome": "guilty"}',
        b'{"outcome": "test", "more": 1}',
        b'{"outcome": "test", "note": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        json.dumps({"outcome": "test", "note": "x" * 2001}).encode(),
    ],
)
async def test_a_garbage_body_is_a_problem_and_changes_nothing(script: Any, desk: Any, body: bytes):
    row = desk.raise_alert()
    answer = await script.post(
        f"{API}/alerts/{row.id}:resolve",
        content=body,
        headers={"Idempotency-Key": "k", "Content-Type": "application/json"},
    )
    assert answer.status_code in (400, 422)
    is_problem(answer, answer.status_code, answer.json()["code"])
    assert desk.incidents[row.id].row.state is AlertState.OPEN


async def test_a_refusal_does_not_repeat_what_was_sent(script: Any, desk: Any):
    row = desk.raise_alert()
    answer = await script.post(
        f"{API}/alerts/{row.id}:resolve",
        json={"outcome": "secret of somebody"},
        headers={"Idempotency-Key": "k"},
    )
    assert "secret of somebody" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/nothing", 404, "not_found"),
        ("DELETE", "/api/v1/alerts", 405, "method_not_allowed"),
        ("POST", "/healthz", 405, "method_not_allowed"),
        ("GET", "/api/v1/alerts?limit=0", 422, "invalid"),
        ("GET", "/api/v1/alerts?limit=many", 422, "invalid"),
        ("GET", "/api/v1/alerts?state=lost", 422, "invalid"),
        ("GET", "/api/v1/readings", 422, "invalid"),
        ("GET", "/api/v1/readings?band=wb-00000001&from=2026-11-21T00:00:00", 422, "invalid"),
        (
            "GET",
            "/api/v1/readings?band=wb-00000001&from=2026-11-22T00:00:00Z&to=2026-11-21T00:00:00Z",
            409,
            "usage",
        ),
        ("GET", "/api/v1/readings?band=wb-00000001&every=1", 409, "usage"),
        ("GET", "/api/v1/devices?kind=drone", 422, "invalid"),
        ("POST", "/api/v1/me:sos", 403, "forbidden"),
        ("GET", "/static/../shell.py", 404, "not_found"),
        ("GET", "/static/%2e%2e/shell.py", 404, "not_found"),
    ],
)
async def test_every_error_is_a_problem(script: Any, method: str, path: str, status: int, code: str):
    is_problem(await script.request(method, path, headers={"Idempotency-Key": "k"}), status, code)


async def test_readings_are_one_bands_points(script: Any):
    body = (await script.get(f"{API}/readings", params={"band": "wb-00000001", "every": 300})).json()
    assert body["every_s"] == 300
    assert len(body["points"]) > 200
    assert body["points"][0]["heart_bpm"] > 40


async def test_devices_are_listed_by_kind(script: Any):
    items = (await script.get(f"{API}/devices", params={"kind": "edge"})).json()["items"]
    assert [item["id"] for item in items] == ["edge-01", "edge-02"]


async def test_an_officer_asks_who_he_is(script: Any):
    body = (await script.get(f"{API}/me")).json()
    assert body["role"] == "officer"
    assert body["wards"] == ["ben-nghe"]
    assert body["order"] is None


async def test_a_person_asks_for_his_own_order_and_raises_sos(new_browser: Any, desk: Any):
    browser = new_browser()
    await browser.enter("p-an")
    me = (await browser.get(f"{API}/me")).json()
    assert me["order"]["days_left"] == 5
    answers = [(await browser.post(f"{API}/me:sos", headers={"Idempotency-Key": "k"})).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(desk.incidents) == 1
    is_problem(await browser.get(f"{API}/alerts"), 403, "forbidden")
    is_problem(await browser.get(f"{API}/alerts/stream"), 403, "forbidden")


async def test_a_cookie_from_another_site_raises_nothing(new_browser: Any, desk: Any):
    browser = new_browser()
    await browser.enter("p-an")
    headers = {"Idempotency-Key": "k", "Sec-Fetch-Site": "cross-site"}
    is_problem(await browser.post(f"{API}/me:sos", headers=headers), 403, "forbidden")
    assert desk.incidents == {}


async def test_a_script_signs_in_and_out(browser: Any):
    key = {"Idempotency-Key": "k"}
    opened = await browser.post(f"{API}/sessions", json={"login": "lan", "password": "nal"}, headers=key)
    assert opened.status_code == 201
    token = {"Authorization": f"Bearer {opened.json()['token']}"}
    assert (await browser.get(f"{API}/alerts", headers=token)).status_code == 200
    assert (await browser.delete(f"{API}/sessions", headers=token)).status_code == 204
    is_problem(await browser.get(f"{API}/alerts", headers=token), 401, "sign_in_needed")


async def test_a_script_that_guesses_is_locked_out(browser: Any):
    key = {"Idempotency-Key": "k"}
    for _ in range(5):
        wrong = await browser.post(f"{API}/sessions", json={"login": "lan", "password": "x"}, headers=key)
        is_problem(wrong, 401, "sign_in_refused")
    late = await browser.post(f"{API}/sessions", json={"login": "lan", "password": "nal"}, headers=key)
    is_problem(late, 429, "locked_out")
    assert late.headers["retry-after"] == "1800"


async def test_the_description_of_the_api_is_complete(browser: Any):
    paths = (await browser.get("/openapi.json")).json()["paths"]
    assert {
        "/healthz",
        "/readyz",
        "/metrics",
        f"{API}/alerts",
        f"{API}/alerts/{{alert}}",
        f"{API}/alerts/{{alert}}:acknowledge",
        f"{API}/alerts/{{alert}}:resolve",
        f"{API}/alerts/stream",
        f"{API}/readings",
        f"{API}/devices",
        f"{API}/me",
        f"{API}/me:sos",
    } <= set(paths)
    for path, verbs in paths.items():
        if "post" in verbs:
            names = [p["name"].lower() for p in verbs["post"].get("parameters", [])]
            assert "idempotency-key" in names, path


class TestASmallServer:
    @pytest.fixture
    def settings(self) -> WebSettings:
        return WebSettings(body_bytes=1000)

    async def test_a_large_body_is_refused_with_or_without_its_length(self, script: Any, desk: Any):
        row = desk.raise_alert()

        async def chunks():
            for _ in range(20):
                yield b" " * 100

        url, headers = f"{API}/alerts/{row.id}:resolve", {"Idempotency-Key": "k", "Content-Type": "application/json"}
        is_problem(await script.post(url, content=b" " * 1001, headers=headers), 413, "too_large")
        is_problem(await script.post(url, content=chunks(), headers=headers), 413, "too_large")

"""Headers, hosts, health, metrics, and the last wall."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ancu.server import web

STATIC = Path(web.__file__).parent / "static"


@pytest.mark.parametrize("path", ["/login", "/nothing", "/api/v1/alerts", "/healthz", "/static/app.css"])
async def test_every_answer_wears_the_security_headers(browser: Any, path: str):
    headers = (await browser.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


async def test_pages_are_not_kept_and_files_are(browser: Any):
    assert (await browser.get("/login")).headers["cache-control"] == "no-store"
    assert "immutable" in (await browser.get("/static/app.css?v=1")).headers["cache-control"]


async def test_a_host_that_is_not_ours_is_not_served(new_browser: Any):
    stranger = new_browser("http://evil.example:8080")
    assert (await stranger.get("/login")).status_code == 421
    assert (await stranger.get("/healthz")).status_code == 200


async def test_alive_and_ready_are_different_things(browser: Any, desk: Any):
    assert (await browser.get("/readyz")).status_code == 200
    desk.ready = {"ready": False, "reason": "replaying the inbox", "counters": {}}
    answer = await browser.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "replaying the inbox"
    assert (await browser.get("/healthz")).status_code == 200


async def test_a_desk_that_fails_is_not_ready_and_says_so(browser: Any, desk: Any, caplog: pytest.LogCaptureFixture):
    async def broken() -> None:
        raise OSError

    desk.health = broken
    with caplog.at_level(logging.CRITICAL):
        answer = await browser.get("/readyz")
    assert answer.status_code == 503
    assert "OSError" in answer.json()["detail"]
    assert "ancu_ready 0.0" in (await browser.get("/metrics")).text


async def test_metrics_are_prometheus_text_without_ids(browser: Any, officer: Any, desk: Any):
    desk.ready = {
        "ready": True,
        "reason": None,
        "counters": {"readings": 7, "refused": {"seal": 2, "replay": 1}, "lanes": {(("lane", "alarm"),): 4}},
    }
    row = desk.raise_alert()
    await officer.get(f"/alerts/{row.id}")
    text = (await browser.get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["ancu_ready"].samples[0].value == 1
    assert families["ancu_readings"].samples[0].value == 7
    assert {s.labels["of"]: s.value for s in families["ancu_refused"].samples} == {"seal": 2, "replay": 1}
    assert families["ancu_lanes"].samples[0].labels == {"lane": "alarm"}
    routes = {s.labels["route"] for s in families["ancu_http_requests"].samples if "route" in s.labels}
    assert "/alerts/{alert}" in routes
    assert row.id not in text


async def test_a_fault_is_a_problem_without_a_traceback_and_logs_no_ids(
    script: Any, desk: Any, caplog: pytest.LogCaptureFixture
):
    async def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError("Nguyễn Văn An is in the message")

    desk.alert = broken
    with caplog.at_level(logging.ERROR):
        answer = await script.get("/api/v1/alerts/a-1")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "internal"
    assert "Nguyễn" not in answer.text
    assert "a-1" not in caplog.messages[0]


def test_vendored_files_are_the_ones_in_the_manifest():
    manifest = json.loads((STATIC / "vendor/manifest.json").read_text())
    listed = {entry["file"] for entry in manifest} | {entry["text"] for entry in manifest} | {"manifest.json"}
    assert listed == {path.name for path in (STATIC / "vendor").iterdir()}
    for entry in manifest:
        assert hashlib.sha256((STATIC / "vendor" / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
        assert entry["licence"] in ("0BSD", "BSD-3-Clause", "MIT")


def test_nothing_of_ours_names_another_host():
    libraries = {STATIC / "map.js"}  # its texts name its makers; what it asks for is watched in a browser
    ours = [*STATIC.glob("*.css"), *STATIC.glob("*.js"), *STATIC.parent.glob("templates/*.html")]
    for path in set(ours) - libraries:
        text = path.read_text()
        assert "http://" not in text.replace("http://www.w3.org/", "")
        assert "https://" not in text

"""The stream over a real socket: beats, resumption, limits, ends."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from ancu.server.ports import Role, Viewer
from ancu.server.web.settings import WebSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")
STREAM = "/api/v1/alerts/stream"


def bearer(site: Any, login: str = "lan") -> dict[str, str]:
    viewer, name = site.accounts.officers[login]
    return {"Authorization": f"Bearer {site.accounts.open(viewer, name, site.desk.clock.now()).token}"}


async def events(answer: httpx.Response) -> AsyncIterator[dict[str, str]]:
    event: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if not line and event:
            yield event
            event = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value


async def the_next(stream: AsyncIterator[dict[str, str]], kind: str) -> dict[str, str]:
    async with asyncio.timeout(5):
        async for event in stream:
            if event.get("event") == kind:
                return event
    raise AssertionError(f"the stream ended without {kind!r}")


async def test_a_change_arrives_at_once_and_beats_arrive_between(site: Any):
    async with (
        httpx.AsyncClient(base_url=site.url, headers=bearer(site)) as client,
        client.stream("GET", STREAM) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = events(answer)
        await the_next(stream, "beat")
        began = time.monotonic()
        row = site.desk.raise_alert()
        event = await the_next(stream, "alert")
        assert time.monotonic() - began < 0.5
        assert json.loads(event["data"])["alert"]["id"] == row.id
        assert event["id"] == str(row.position)


async def test_a_client_that_was_away_resumes_without_gap_or_repeat(site: Any):
    rows = [site.desk.raise_alert() for _ in range(6)]
    headers = bearer(site) | {"Last-Event-ID": str(rows[2].position)}
    async with httpx.AsyncClient(base_url=site.url, headers=headers) as client, client.stream("GET", STREAM) as answer:
        stream = events(answer)
        seen = [(await the_next(stream, "alert"))["id"] for _ in range(3)]
    assert seen == [str(row.position) for row in rows[3:]]


async def test_other_wards_changes_are_not_in_the_stream(site: Any):
    async with (
        httpx.AsyncClient(base_url=site.url, headers=bearer(site)) as client,
        client.stream("GET", STREAM) as answer,
    ):
        stream = events(answer)
        await the_next(stream, "beat")
        site.desk.raise_alert(ward="da-kao", person="p-xa")
        mine = site.desk.raise_alert()
        assert json.loads((await the_next(stream, "alert"))["data"])["alert"]["id"] == mine.id


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 30, "١"])
async def test_a_position_that_is_none_is_refused(site: Any, last: str):
    headers = bearer(site) | {"Last-Event-ID": last.encode()}
    async with httpx.AsyncClient(base_url=site.url) as client:
        answer = await client.get(STREAM, headers=headers)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_stream_ends_soon_after_its_session(site: Any):
    headers = bearer(site)
    async with httpx.AsyncClient(base_url=site.url, headers=headers) as client, client.stream("GET", STREAM) as answer:
        stream = events(answer)
        await the_next(stream, "beat")
        site.accounts.sessions.clear()
        await the_next(stream, "expired")
        assert [event async for event in stream] == []


async def test_a_stream_ends_when_the_officers_wards_change(site: Any):
    headers = bearer(site)
    async with httpx.AsyncClient(base_url=site.url, headers=headers) as client, client.stream("GET", STREAM) as answer:
        stream = events(answer)
        await the_next(stream, "beat")
        [(token, session)] = site.accounts.sessions.items()
        moved = Viewer(session.viewer.id, Role.OFFICER, frozenset({"da-kao"}))
        site.accounts.sessions[token] = type(session)(moved, session.name, session.csrf, session.expires_at)
        await the_next(stream, "expired")


async def test_stopping_ends_open_streams_within_two_seconds(site: Any):
    async with (
        httpx.AsyncClient(base_url=site.url, headers=bearer(site)) as client,
        client.stream("GET", STREAM) as answer,
    ):
        stream = events(answer)
        await the_next(stream, "beat")
        began = time.monotonic()
        site.stopping.set()
        async for _ in stream:
            pass
        await site.serving
        assert time.monotonic() - began < 2


class TestFewStreams:
    @pytest.fixture
    def settings(self) -> WebSettings:
        return WebSettings(beat_s=0.2, streams_each=2)

    async def test_one_person_holds_only_so_many_and_a_closed_one_frees_its_place(self, site: Any):
        headers = bearer(site)
        async with httpx.AsyncClient(base_url=site.url, headers=headers) as client:
            async with client.stream("GET", STREAM) as one, client.stream("GET", STREAM) as two:
                assert one.status_code == two.status_code == 200
                refused = await client.get(STREAM)
                assert refused.status_code == 429
                assert refused.json()["code"] == "too_many_streams"
            for _ in range(40):
                async with client.stream("GET", STREAM) as again:
                    if again.status_code == 200:
                        return
                await asyncio.sleep(0.05)
        raise AssertionError("the places were not freed")

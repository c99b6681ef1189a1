"""The stream over a real socket: beats, resumption, limits, ends."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from ancu.server.ports import Role, Viewer
from ancu.server.web.settings import WebSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")
STREAM = "/api/v1/alerts/stream"
PAGE = "/alerts/stream"  # the inbox's own


def bearer(site: Any, login: str = "lan") -> dict[str, str]:
    viewer, name = site.accounts.officers[login]
    return {"Authorization": f"Bearer {site.accounts.open(viewer, name, site.desk.clock.now()).token}"}


def cookie(site: Any, login: str = "lan", lang: str = "vi") -> dict[str, str]:
    viewer, name = site.accounts.officers[login]
    token = site.accounts.open(viewer, name, site.desk.clock.now()).token
    return {"Cookie": f"ancu-{site.url.rpartition(':')[2]}={token}; ancu-lang={lang}"}


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


class TestInbox:
    """The stream of the list: a change brings its row."""

    async def test_a_change_brings_its_row_as_the_list_shows_it(self, site: Any):
        async with httpx.AsyncClient(base_url=site.url, headers=cookie(site)) as client:
            page = await client.get("/alerts")
            after = page.text.partition('data-after="')[2].partition('"')[0]
            row = site.desk.raise_alert()  # between the page and its stream
            async with client.stream("GET", f"{PAGE}?show=open", params={"after": after}) as answer:
                event = await the_next(events(answer), "alert")
            said = json.loads(event["data"])
            assert (said["id"], said["position"], event["id"]) == (row.id, row.position, str(row.position))
            listed = (await client.get("/alerts/rows", params={"id": row.id, "show": "open"})).text
            assert said["html"] == listed.strip()

    @pytest.mark.parametrize("lang", ["vi", "en"])
    async def test_it_speaks_the_page_s_language(self, site: Any, lang: str):
        async with (
            httpx.AsyncClient(base_url=site.url, headers=cookie(site, lang=lang)) as client,
            client.stream("GET", PAGE) as answer,
        ):
            stream = events(answer)
            await the_next(stream, "beat")
            site.desk.raise_alert()
            html = json.loads((await the_next(stream, "alert"))["data"])["html"]
            assert ("Nhận" if lang == "vi" else "Acknowledge") in html

    async def test_a_row_that_leaves_the_list_comes_empty_and_an_old_one_is_asked_for(self, site: Any):
        async with httpx.AsyncClient(base_url=site.url, headers=cookie(site)) as client:
            old = site.desk.raise_alert()
            site.desk.clock.advance(seconds=40)
            new = site.desk.raise_alert()
            for query, row, empty in (("sev=L", new, True), ("show=mine", new, True), ("show=all", old, False)):
                async with client.stream("GET", f"{PAGE}?{query}&after={row.position - 1}") as answer:
                    said = json.loads((await the_next(events(answer), "alert"))["data"])
                    assert said["id"] == row.id
                    assert said["html"] == ("" if empty else None)

    async def test_one_row_is_made_once_for_all_pages_that_show_it_alike(self, site: Any, settings: WebSettings):
        made = []
        names = site.accounts.names

        async def counting(ids: Any) -> Any:
            made.append(ids)
            return await names(ids)

        site.accounts.names = counting
        async with httpx.AsyncClient(base_url=site.url, headers=cookie(site)) as client, AsyncExitStack() as open_:
            streams = [
                events(await open_.enter_async_context(client.stream("GET", PAGE)))
                for _ in range(settings.streams_each)
            ]
            await asyncio.gather(*(the_next(stream, "beat") for stream in streams))
            site.desk.raise_alert()
            said = [await the_next(stream, "alert") for stream in streams]
        assert len(made) == 1
        assert said == [said[0]] * settings.streams_each

    async def test_a_person_under_order_is_not_let_in(self, site: Any):
        async with httpx.AsyncClient(base_url=site.url) as client:
            assert (await client.get(PAGE, headers={"Accept": "text/event-stream"})).status_code in {303, 401}

    async def test_a_position_that_is_none_is_refused(self, site: Any):
        async with httpx.AsyncClient(base_url=site.url, headers=cookie(site)) as client:
            assert (await client.get(PAGE, headers={"Last-Event-ID": "x"})).status_code == 400


async def test_a_peer_that_reads_nothing_holds_up_nobody_and_has_everything_when_it_reads(site: Any):
    idle, quick = await raw_stream(site), await raw_stream(site)
    await until_said(quick, b"event: beat")
    wanted = [site.desk.raise_alert(label="Nguyễn Văn An" * 300).position for _ in range(1_000)]
    for peer in (quick, idle):  # more than the kernel holds for it
        assert positions(await until_said(peer, b"id: %d\n" % wanted[-1])) == wanted
        peer.close()


async def test_a_page_takes_two_missed_beats_for_silence_and_says_so_within_five_seconds():
    source = (Path(__file__).parents[3] / "server/web/src/beat.ts").read_text("utf-8")
    waits = {name: int(ms.replace("_", "")) for name, ms in re.findall(r"const (\w+) = ([\d_]+);", source)}
    assert waits["SILENCE_MS"] >= 2 * 1000 * WebSettings().beat_s
    assert waits["SILENCE_MS"] + waits["LOOK_MS"] < 5_000 < waits["GIVE_UP_MS"]


async def raw_stream(site: Any) -> socket.socket:
    host, _, port = site.url.removeprefix("http://").partition(":")
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    peer.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(peer, (host, int(port)))
    said = "".join(f"{name}: {value}\r\n" for name, value in ({"Host": f"{host}:{port}"} | bearer(site)).items())
    await loop.sock_sendall(peer, f"GET {STREAM} HTTP/1.1\r\n{said}\r\n".encode())
    return peer


async def until_said(peer: socket.socket, what: bytes) -> bytes:
    said, loop = bytearray(), asyncio.get_running_loop()
    async with asyncio.timeout(15):
        while said.find(what, -100_000 if len(said) > 100_000 else 0) < 0:
            said += await loop.sock_recv(peer, 65_536)
    return bytes(said)


def positions(said: bytes) -> list[int]:
    return [int(line) for line in re.findall(rb"^id: (\d+)$", said, re.MULTILINE)]

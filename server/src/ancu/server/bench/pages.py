"""The officers' pages through the real process, over HTTP: from a call for help to its row in every open inbox, and
what a long list costs.

    raised -> visible   from the moment a person's call is sent to the last byte of the row in a page that is open,
                        and what the page waits for more of the same before it shows them

`known_bad` has each page ask for its list anew at every change: with many pages open their questions wait for one
another, and the figures must show it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import re
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ancu.models.errors import UsageError
from ancu.server.bench.pages_world import Ward, long_ward

__all__ = ["PageFigures", "bench_pages"]

_GATHER_S = 0.06  # what a page waits for more of the same (web/src/stream.ts)
_BETWEEN_S = 1.0  # two calls
_LOST_S = 20.0  # a row that has not come by then is missing
_IDLE = 5  # pages that read nothing at all: they are to hold up nobody
_READ = 1 << 16
_SEEN = re.compile(rb'"person":"(p-\d+)"|/people/(p-\d+)')
_MOST_MS = {"visible_p99_ms": 1000.0, "inbox_p99_ms": 200.0}  # what the pages promise


@dataclass(frozen=True, slots=True)
class PageFigures:
    open_alerts: int
    streams: int
    raised: int
    missing: int  # rows that did not become visible
    visible_p50_ms: float
    visible_p99_ms: float
    visible_worst_ms: float
    cpu_ms_per_alert: float  # of the server, for all streams together
    requests: int
    inbox_p50_ms: float
    inbox_p99_ms: float
    inbox_cpu_ms: float  # of the server, a request
    inbox_bytes: int
    further_p50_ms: float  # the next hundred rows, in the middle of the list
    first_load_gzip_bytes: int  # the page and every file that it names

    def broken(self) -> list[str]:
        """Which promises these figures break."""
        found = [f"{name} {getattr(self, name)} > {most:.0f}" for name, most in _MOST_MS.items()
                 if getattr(self, name) > most]  # fmt: skip
        return [*found, *([f"missing {self.missing}"] if self.missing else [])]


async def bench_pages(
    folder: Path, *, alerts: int, streams: int, raised: int, requests: int, known_bad: bool = False
) -> PageFigures:
    """Fill an inbox, ask for it, open many pages, raise alerts one after another. `folder` must be empty."""
    async with long_ward(folder, alerts=alerts, streams=streams + _IDLE, callers=raised) as ward:
        async with _Client(ward, ward.officers[0]) as client:
            page = await client.get("/alerts")
            cpu = ward.cpu_s()
            inbox = [await client.took("/alerts") for _ in range(requests)]
            cpu = (ward.cpu_s() - cpu) / requests
            further = [await client.took(_further(page)) for _ in range(max(2, requests // 5))]
            names = sorted(set(re.findall(r'(?:src|href)="(/static/[^"]+|/app\.webmanifest)"', page.decode())))
            files = [await client.get(name) for name in names]
        rows, spent = await _visible(ward, streams, known_bad=known_bad)
    if not rows:
        raise UsageError("no row became visible at all")
    seen, asked = _cuts(rows), _cuts(inbox)
    return PageFigures(
        open_alerts=alerts,
        streams=streams,
        raised=raised,
        missing=streams * raised - len(rows),
        visible_p50_ms=seen[49],
        visible_p99_ms=seen[98],
        visible_worst_ms=round(max(rows) * 1000, 1),
        cpu_ms_per_alert=round(spent * 1000 / raised, 1),
        requests=requests,
        inbox_p50_ms=asked[49],
        inbox_p99_ms=asked[98],
        inbox_cpu_ms=round(cpu * 1000, 1),
        inbox_bytes=len(page),
        further_p50_ms=_cuts(further)[49],
        first_load_gzip_bytes=sum(len(gzip.compress(body)) for body in (page, *files)),
    )


def _further(page: bytes) -> str:
    """The address of the rows after those that a page has; of its own where there are no more."""
    found = re.search(rb'data-more="([^"]+)"', page)
    return "/alerts/list?part=more" if found is None else found[1].decode().replace("&amp;", "&")


async def _visible(ward: Ward, streams: int, *, known_bad: bool) -> tuple[list[float], float]:
    """Seconds from each call to its row in each page, and the processor time that the server took."""
    watch = _Watch(len(ward.citizens) * streams)
    async with contextlib.AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(_Client(ward, token)) for token in ward.officers]
        tasks = [asyncio.create_task(watch.page(page, known_bad=known_bad)) for page in pages[:streams]]
        for idle in pages[streams:]:
            await idle.open("/alerts/stream?show=open")
        await watch.wait_open(streams)
        cpu = ward.cpu_s()
        async with contextlib.AsyncExitStack() as callers:
            for person, token in ward.citizens:
                caller = await callers.enter_async_context(_Client(ward, token))
                watch.began[person] = time.perf_counter()
                await caller.post("/api/v1/me:sos", key=f"help-{person}")
                await asyncio.sleep(_BETWEEN_S)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(watch.all_seen.wait(), _LOST_S)
        cpu = ward.cpu_s() - cpu
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return watch.rows, cpu


@dataclass
class _Watch:
    """Many open pages, and when each of them had which row."""

    wanted: int
    rows: list[float] = field(default_factory=list)
    began: dict[str, float] = field(default_factory=dict)
    all_seen: asyncio.Event = field(default_factory=asyncio.Event)
    _open: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def wait_open(self, pages: int) -> None:
        for _ in range(pages):
            await self._open.acquire()

    async def page(self, page: _Client, *, known_bad: bool) -> None:
        await page.open("/api/v1/alerts/stream" if known_bad else "/alerts/stream?show=open")
        self._open.release()
        seen: set[str] = set()
        async with _Client(page.ward, page.token) as asking:
            async for event in page.events():
                found = _SEEN.search(event)
                person = "" if found is None else (found[1] or found[2]).decode()
                if person in seen or person not in self.began:
                    continue
                seen.add(person)
                if known_bad:
                    await asyncio.sleep(_GATHER_S)
                    if f"/people/{person}".encode() in await asking.get("/alerts/list?show=open"):
                        self._see(person, 0)
                elif b"data-alert" in event:
                    self._see(person, _GATHER_S)

    def _see(self, person: str, more_s: float) -> None:
        self.rows.append(time.perf_counter() - self.began[person] + more_s)
        if len(self.rows) == self.wanted:
            self.all_seen.set()


class _Client:
    """One connection, as light as can be: two hundred of them share a machine with what they measure."""

    def __init__(self, ward: Ward, token: str) -> None:
        self.ward, self.token = ward, token

    async def __aenter__(self) -> _Client:
        self._reader, self._writer = await asyncio.open_connection(self.ward.chain.host, self.ward.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def get(self, path: str) -> bytes:
        return await self._ask("GET", path, "")

    async def post(self, path: str, *, key: str) -> bytes:
        return await self._ask("POST", path, f"Idempotency-Key: {key}\r\nContent-Length: 0\r\n")

    async def took(self, path: str) -> float:
        began = time.perf_counter()
        await self.get(path)
        return time.perf_counter() - began

    async def open(self, path: str) -> None:
        """Ask for a stream."""
        self._send("GET", path, "")
        await self._head(path)

    async def events(self) -> AsyncIterator[bytes]:
        """A stream's events, without what frames them."""
        held = b""
        while more := await self._reader.read(_READ):
            *whole, held = (held + more).split(b"\n\n")
            for event in whole:
                yield event

    async def _ask(self, method: str, path: str, more: str) -> bytes:
        self._send(method, path, more)
        length = await self._head(path)
        return await self._reader.readexactly(length)

    def _send(self, method: str, path: str, more: str) -> None:
        head = f"Host: {self.ward.chain.host}:{self.ward.port}\r\nCookie: {self.ward.cookie(self.token)}\r\n{more}"
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode())

    async def _head(self, path: str) -> int:
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise UsageError(f"{path} was answered {head[9:12].decode()}")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        return 0 if length is None else int(length[1])


def _cuts(waits: Sequence[float]) -> list[float]:
    """Percentiles 1 to 99 in milliseconds."""
    if len(waits) < 2:
        return [round(wait * 1000, 1) for wait in waits] * 99
    return [round(cut * 1000, 1) for cut in statistics.quantiles(waits, n=100, method="inclusive")]

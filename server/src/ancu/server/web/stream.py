"""Server-sent events: resumable by position, alive by a beat, bounded in number, gone when their session is."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Hashable, Iterator, Mapping
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ancu.models.errors import AncuError
from ancu.server.ports import Change
from ancu.server.web.metrics import WebMetrics
from ancu.server.web.settings import WebSettings

__all__ = ["EventStream", "Streams", "TooManyStreams", "alert_bytes", "asked_position", "change_bytes"]

_BEAT = b": beat\nevent: beat\ndata: {}\n\n"  # the comment for proxies, the event for pages, which see no comments
_OPEN = b"retry: 2000\n: open\n\n"
_EXPIRED = b"event: expired\ndata: {}\n\n"
_STILL_BEATS = 5  # a session is looked up more seldom than its page needs a sign of life
_SEND_S = 20.0  # a peer that reads nothing for this long is gone; it resumes by position
_DIGITS = 18  # of a position
_MADE = 500  # things that are sent to many, held: as many as changes are


class TooManyStreams(AncuError):
    """One person, or all together, hold more event streams than the server keeps."""

    code = "too_many_streams"


class Streams:
    """How many streams are open, what they send alike, and the word that ends them all."""

    def __init__(self, settings: WebSettings, metrics: WebMetrics) -> None:
        self._settings, self._metrics = settings, metrics
        self._held: Counter[str] = Counter()
        self._closing = asyncio.Event()
        self._made: dict[Hashable, asyncio.Task[bytes]] = {}

    @property
    def closing(self) -> asyncio.Event:
        return self._closing

    def close(self) -> None:
        """End every stream now; new ones end as they begin."""
        self._closing.set()

    @contextlib.contextmanager
    def hold(self, holder: str) -> Iterator[None]:
        """Count a stream while it is open; raises TooManyStreams."""
        if self._held.total() >= self._settings.streams or self._held[holder] >= self._settings.streams_each:
            raise TooManyStreams("too many event streams are open")
        self._held[holder] += 1
        self._metrics.streams.inc()
        try:
            yield
        finally:
            self._metrics.streams.dec()
            self._held[holder] -= 1
            if not self._held[holder]:
                del self._held[holder]

    async def shared(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, bytes]]) -> bytes:
        """What every stream that asks by this key sends: made once, and soon forgotten."""
        making = self._made.get(key)
        if making is None or (making.done() and (making.cancelled() or making.exception())):
            making = self._made[key] = asyncio.create_task(make())
            while len(self._made) > _MADE:
                del self._made[next(iter(self._made))]
        return making.result() if making.done() else await asyncio.shield(making)

    async def json(self, change: Change) -> bytes:
        """A change as programs read it."""

        async def make() -> bytes:
            return change_bytes(change)

        return await self.shared(("json", change.position), make)

    async def events(
        self,
        changes: AsyncIterator[Change],
        still: Callable[[], Awaitable[bool]],
        say: Callable[[Change], Awaitable[bytes]],
    ) -> AsyncIterator[bytes]:
        """The bytes of one stream: nothing is queued here, so a slow reader slows only itself.

        `still` says every few beats whether the session lasts; `say` puts a change into an event.
        """
        closing = asyncio.create_task(self._closing.wait())
        upcoming = _next(changes)
        beat = self._settings.beat_s
        loop = asyncio.get_running_loop()
        due, beats = loop.time() + beat, 0
        try:
            yield _OPEN
            while not closing.done():
                await asyncio.wait(
                    {upcoming, closing}, timeout=max(0.0, due - loop.time()), return_when=asyncio.FIRST_COMPLETED
                )
                if loop.time() >= due:
                    beats += 1
                    if beats % _STILL_BEATS == 0 and not await still():
                        yield _EXPIRED
                        return
                    due = loop.time() + beat
                    yield _BEAT
                if upcoming.done():
                    try:
                        change = upcoming.result()
                    except _Ended:
                        return
                    yield await say(change)
                    upcoming = _next(changes)
        finally:
            closing.cancel()
            upcoming.cancel()
            await asyncio.gather(closing, upcoming, return_exceptions=True)
            close = getattr(changes, "aclose", None)
            if close is not None:
                await close()


class EventStream(Response):
    """Sends what its source yields, until either side ends."""

    def __init__(self, source: AsyncIterator[bytes], holding: contextlib.AbstractContextManager[None]) -> None:
        super().__init__(media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._source, self._holding = source, holding

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            pump = asyncio.create_task(self._pump(send))
            gone = asyncio.create_task(_until_gone(receive))
            try:
                await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                pump.cancel()
                gone.cancel()
                results = await asyncio.gather(pump, gone, return_exceptions=True)
            for result in results:
                if isinstance(result, Exception) and not isinstance(result, OSError):
                    raise result
        finally:
            self._holding.__exit__(None, None, None)

    async def _pump(self, send: Send) -> None:
        try:
            async for data in self._source:
                async with asyncio.timeout(_SEND_S):
                    await send({"type": "http.response.body", "body": data, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            close = getattr(self._source, "aclose", None)
            if close is not None:
                await close()


def change_bytes(change: Change) -> bytes:
    """One event: `id` is what a client resumes after."""
    return alert_bytes(change, {"alert": change.row})


def alert_bytes(change: Change, data: Mapping[str, Any]) -> bytes:
    """One event about an alert, with what its listeners need."""
    text = msgspec.json.encode({"position": change.position, **data}, enc_hook=_plain)
    return b"id: %d\nevent: alert\ndata: %b\n\n" % (change.position, text)


def asked_position(request: Request, after: int | None) -> int | None:
    """Where a stream is to begin: its last event's id goes before what the address says. Raises HTTPException."""
    last = request.headers.get("last-event-id")
    if not last:
        return after
    if not (last.isascii() and last.isdigit() and len(last) <= _DIGITS):
        raise HTTPException(400, "Last-Event-ID is not a position of this stream")
    return int(last)


def _next(changes: AsyncIterator[Change]) -> asyncio.Task[Change]:
    async def one() -> Change:
        try:
            return await anext(changes)
        except StopAsyncIteration:
            raise _Ended from None

    return asyncio.create_task(one())


class _Ended(Exception):
    """The end of an iterator, under a name that a task may raise."""


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError(type(value).__name__)

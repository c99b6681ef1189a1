"""Every route as every viewer: who is let in, and that what is not one's own looks like what does not exist.

The routes come from the application, the expectations from `access.toml`: a route without a line there fails.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from ancu.server.ports import NotFound
from ancu.server.web.app import create_app
from ancu.server.web.serve import serve
from ancu.server.web.settings import WebSettings

from . import world as world_of

HERE = Path(__file__).parent
DECLARE = "declare it in tests/integration/web/access.toml, whose head says how"
STAFF_A = ("ward_a", "site", "health", "province", "operator")
GROUPS: dict[str, tuple[str, ...]] = {
    "nobody": (),
    "staff_a": STAFF_A,
    "staff": (*STAFF_A, "ward_b"),
    "signed_in": (*STAFF_A, "ward_b", "citizen", "stranger"),
    "everyone": (*STAFF_A, "ward_b", "citizen", "stranger", "anonymous"),
}
REFUSED = {403, 404}
_DRAWN = re.compile(r'(name="key" value=")[^"]*|(:)k\d+')  # anew for each request
_NUMBER = re.compile(r"(\b(?:band|number) =) \d+\b")  # of a band, as the store has it


@dataclass(frozen=True)
class Line:
    """What access.toml says of a route."""

    route: str
    let_in: frozenset[str]
    body: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    stream: bool = False
    done: bool = False
    once: bool = False  # what the first who is let in has done is not there for the next
    form: bool = False  # asks for no session: its own refusals are other tests' matter

    @classmethod
    def read(cls, route: str, said: Any) -> Line:
        table = dict(said) if isinstance(said, dict) else {"in": said}
        named = table.pop("in")
        named = [named] if isinstance(named, str) else named
        viewers = [viewer for name in named for viewer in GROUPS.get(name, (name,))]
        unknown = set(viewers) - set(world_of.VIEWERS)
        assert not unknown, f"{route}: nobody is called {sorted(unknown)}"
        return cls(route, frozenset(viewers), **table)

    @property
    def method(self) -> str:
        return self.route.split(" ")[0]

    @property
    def path(self) -> str:
        return self.route.split(" ")[1]

    def sorts(self) -> set[str]:
        """The sorts of things that a request names."""
        named = re.findall(r"{(\w+)(?::\w+)?}", self.path)
        for value in _strings([self.body, self.query]):
            if value.startswith("$") and not re.fullmatch(r"\$(now|ago\d+h|in\d+h|=\w+)", value):
                named.append(value[1:])
        return {self.ids.get(name, name) for name in named}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


def named(path: str) -> list[str]:
    """The parameters of a path."""
    return re.findall(r"{(\w+)(?::\w+)?}", path)


LINES = {
    route: Line.read(route, said) for route, said in tomllib.loads((HERE / "access.toml").read_text("utf-8")).items()
}


def routes_of(app: FastAPI) -> set[str]:
    """'GET /path' of everything that the application answers."""

    def walk(routes: Any) -> Iterator[str]:
        for route in routes:
            inner = getattr(route, "original_router", None)
            if inner is not None:
                yield from walk(inner.routes)
                continue
            for method in (getattr(route, "methods", None) or {"GET"}) - {"HEAD"}:
                yield f"{method} {route.path}"

    return set(walk(app.routes))


def bare_app() -> FastAPI:
    """The application as it is composed, for its routes alone."""
    return create_app(None, None, WebSettings(), None)  # type: ignore[arg-type]


ROUTES = routes_of(bare_app())


def test_every_route_has_its_line_and_every_line_its_route():
    assert ROUTES - set(LINES) == set(), f"routes without an expectation: {DECLARE}"
    assert set(LINES) - ROUTES == set(), "lines without a route: take them out of access.toml"


def test_a_route_that_nobody_declared_is_found():
    app = bare_app()
    app.add_api_route("/api/v1/forgotten/{person}", lambda person: {}, methods=["GET"])
    assert routes_of(app) - set(LINES) == {"GET /api/v1/forgotten/{person}"} | (ROUTES - set(LINES))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Any]:
    made = await world_of.make_world(tmp_path)
    yield made
    await made.close()


def filled(world: Any, line: Line, which: int) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Path, body and query with ids of one's own (0) or absent ones (1)."""
    for sort in line.sorts():
        assert sort in world.ids, f"{line.route}: give World.ids in world.py an own and an absent {sort!r}"

    def one(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: one(part) for name, part in value.items()}
        if isinstance(value, list):
            return [one(part) for part in value]
        if not (isinstance(value, str) and value.startswith("$")):
            return value
        if match := re.fullmatch(r"\$(now|ago|in)(\d*)h?", value):
            hours = int(match[2] or 0) * (-1 if match[1] == "ago" else 1)
            return (world.clock.now() + timedelta(hours=hours)).isoformat()
        if value.startswith("$="):
            return world.values[value[2:]]
        name = value[1:]
        return world.ids[line.ids.get(name, name)][which]

    path = re.sub(r"{(\w+)(?::\w+)?}", lambda m: world.ids[line.ids.get(m[1], m[1])][which], line.path)
    return path, one(line.body), one(line.query)


def told(world: Any, line: Line, answer: httpx.Response) -> tuple[Any, ...]:
    """An answer as its reader sees it, and the work behind it, less the id that he named himself."""
    ids = [id_ for sort in line.sorts() for id_ in world.ids[sort]]

    def less(text: str) -> str:
        for id_ in ids:
            text = text.replace(id_, "<id>")
        return _NUMBER.sub(r"\1 <id>", _DRAWN.sub(r"\1\2", text))

    headers = {name: less(value) for name, value in answer.headers.items() if name != "content-length"}
    headers.pop("set-cookie", None)
    return answer.status_code, headers, less(answer.text), [less(statement) for statement in world.work]


def is_sign_in(answer: httpx.Response) -> bool:
    where = answer.headers.get("location", "")
    return answer.status_code == 401 or (answer.status_code == 303 and where.startswith(("/login", "/enter")))


def check_leaks(world: Any, line: Line, viewer: str, answer: httpx.Response) -> None:
    """Nothing of ward A reaches who has nothing to do with it, but what he said himself."""
    if line.route == "GET /openapi.json":
        return  # its examples were written down in this very world, and are the same for everybody
    said = {world.ids[sort][0] for sort in line.sorts()}
    marks = {own for own, absent in world.ids.values() if own != absent} - said - {world.ids["ward"][0]}
    found = [mark for mark in (*marks, world_of.NAMES[0]) if mark in answer.text]
    assert not found, f"{line.route} tells {viewer} of {found}"


async def check(world: Any, line: Line) -> None:
    """Ask as everybody; raises AssertionError. The refused come first, for they change nothing."""
    done = False
    for viewer in sorted(world_of.VIEWERS, key=lambda viewer: viewer in line.let_in):
        path, body, query = filled(world, line, 0)
        answer = await world.ask(viewer, line.method, path, body=body, query=query)
        seen = told(world, line, answer)
        where = f"{line.route} as {viewer}: {answer.status_code} {answer.text[:300]}"
        assert answer.status_code < 500, where
        if viewer in ("ward_b", "stranger"):
            check_leaks(world, line, viewer, answer)
        if viewer in line.let_in:
            if line.once and done and answer.status_code in REFUSED:
                continue
            done = True
            assert not is_sign_in(answer) or path == "/logout", where
            assert answer.status_code < 400 or (answer.status_code in (409, 422) and line.done), where
            continue
        if line.form:
            assert is_sign_in(answer) or 400 <= answer.status_code < 500, where
            continue
        assert is_sign_in(answer) if viewer == "anonymous" else answer.status_code in REFUSED, where
        if line.sorts():
            path, body, query = filled(world, line, 1)
            absent = await world.ask(viewer, line.method, path, body=body, query=query)
            assert told(world, line, absent) == seen, f"{line.route}: {viewer} can tell foreign from absent"


@pytest.mark.parametrize("route", sorted(route for route in LINES if not LINES[route].stream and route in ROUTES))
async def test_who_is_let_in_and_that_the_rest_learn_nothing(world: Any, route: str):
    if route == "POST /security/passkeys/options":
        pytest.importorskip("webauthn")
    if route != "GET /static":  # files of the product itself
        await check(world, LINES[route])


class Widened(world_of.CountingDesk):  # type: ignore[misc, name-defined]
    """Known bad: an alert's detail is read as if everybody saw every ward."""

    async def alert(self, viewer: Any, alert: str) -> Any:
        return await super().alert(replace(viewer, wards=None), alert)


class Outspoken(world_of.CountingDesk):  # type: ignore[misc, name-defined]
    """Known bad: what is foreign is refused otherwise than what is absent."""

    async def alert(self, viewer: Any, alert: str) -> Any:
        known = await self._read(lambda db: db.execute("SELECT 1 FROM alerts WHERE id = ?", (alert,)).fetchone())
        try:
            return await super().alert(viewer, alert)
        except NotFound:
            raise HTTPException(403 if known else 404) from None


class Diligent(world_of.CountingDesk):  # type: ignore[misc, name-defined]
    """Known bad: the answers are alike, but more is done for what is foreign."""

    async def alert(self, viewer: Any, alert: str) -> Any:
        def look(db: sqlite3.Connection) -> None:
            if row := db.execute("SELECT person FROM alerts WHERE id = ?", (alert,)).fetchone():
                db.execute("SELECT * FROM persons WHERE id = ?", (row["person"],)).fetchone()

        await self._read(look)
        return await super().alert(viewer, alert)


@pytest.mark.parametrize("desk_of", [Widened, Outspoken, Diligent])
async def test_a_desk_that_tells_is_found_out(tmp_path: Path, desk_of: Any):
    world = await world_of.make_world(tmp_path, desk_of)
    try:
        with pytest.raises(AssertionError, match=r"GET /api/v1/alerts/\{alert\}"):
            await check(world, LINES["GET /api/v1/alerts/{alert}"])
    finally:
        await world.close()


def proof(token: str, path: str, base: str) -> dict[str, str]:
    """What shows who asks: a program's header, or a page's cookie."""
    if path.startswith("/api/"):
        return {"Authorization": f"Bearer {token}"}
    return {"Cookie": f"ancu-{base.rpartition(':')[2]}={token}"}


STREAMS = sorted(route for route in LINES if LINES[route].stream)


@pytest.mark.parametrize("route", STREAMS)
async def test_a_stream_opens_for_whom_it_should_and_tells_nobody_of_another_ward(world: Any, route: str):
    line = LINES[route]
    stopping = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(world.app, "127.0.0.1", 0, stopping, listening=port.set_result))
    try:
        base = f"http://127.0.0.1:{await port}"
        url = f"{base}{line.path}"
        mine, theirs = world.ids["alert"][0], await world.raise_sos(world_of.PERSON_B)
        for viewer in world_of.VIEWERS:
            headers = {} if viewer == "anonymous" else proof((await world.session(viewer)).token, line.path, base)
            async with (
                httpx.AsyncClient() as client,
                client.stream("GET", url, headers=headers | {"Last-Event-ID": "0"}) as answer,
            ):
                if viewer not in line.let_in:
                    assert answer.status_code in (REFUSED if viewer != "anonymous" else {401})
                    continue
                own = {mine, theirs} if viewer in ("province", "operator") else {theirs if viewer == "ward_b" else mine}
                heard: set[str] = set()
                async for text in answer.aiter_lines():  # a busy machine may beat before it has sent all that was
                    heard |= {id_ for id_ in (mine, theirs) if id_ in text}
                    if viewer in ("ward_b", "stranger"):
                        assert world_of.NAMES[0] not in text
                    if text == "event: beat" and heard >= own:
                        break
                assert heard == own, viewer
    finally:
        stopping.set()
        await serving

"""The whole API under schemathesis: generated requests, good and bad, alone and along the links.

Runs against the application on a real port, over the real register, core and desk; each operation as whoever may do
most with it.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI, HTTPException
from hypothesis import HealthCheck, given, settings
from pydantic import BaseModel
from schemathesis.core.failures import FailureGroup

from ancu.server.web.api.common import PROBLEMS
from ancu.server.web.app import create_app
from ancu.server.web.serve import serve
from ancu.server.web.settings import WebSettings

from . import world as world_of

HERE = Path(__file__).parent


EXAMPLES = 30
STEPS = 20  # of one walk along the links
LINKS_WALKED = 5  # different ones, at least: random choice does not take all of them
STREAM = "/api/v1/alerts/stream"  # has no end; test_stream.py and test_matrix.py read it
QUIET = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,  # the same examples every time: what it finds, it finds again
    database=None,
    suppress_health_check=list(HealthCheck),
)
ASKS = count()
AS_CITIZEN = ("/api/v1/me", "/api/v1/me:sos")
AS_OFFICER = ("/api/v1/sites", "/api/v1/cameras", "/api/v1/devices:", "/api/v1/handovers", "/api/v1/push")
AS_PROVINCE = ("/api/v1/devices:revoke",)


def token_of(viewer: str) -> str:
    """The same in every run: examples are made before there is a server."""
    return f"token-of-{viewer}"


class Served(threading.Thread):
    """A world on a port, with a loop of its own."""

    def __init__(self, data: Path, spoil: Callable[[Any], None] = lambda app: None) -> None:
        super().__init__(name="served")
        self.data, self.spoil, self.url = data, spoil, ""
        self.up, self.loop, self.stopping = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    def run(self) -> None:
        self.loop.run_until_complete(self._run())
        self.loop.close()

    def wait(self) -> None:
        """Until it answers; raises where it ended instead."""
        while not self.up.wait(0.2):
            assert self.is_alive(), "the server ended before it answered"

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.join(10)

    async def _run(self) -> None:
        world = await world_of.make_world(self.data)
        self.spoil(world.app)
        for viewer in ("citizen", "health", "ward_a", "province"):
            world.open_with(viewer, token_of(viewer))

        def listening(port: int) -> None:
            self.url = f"http://127.0.0.1:{port}"
            self.up.set()

        await serve(world.app, "127.0.0.1", 0, self.stopping, listening=listening)
        await world.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One world for all operations: what one ended or erased stays so for the next."""
    yield from serving(tmp_path_factory.mktemp("served"))


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    yield from serving(tmp_path)


def serving(data: Path) -> Iterator[Served]:
    running = Served(data)
    running.start()
    running.wait()
    schema.config.update(base_url=running.url)
    yield running
    running.end()


schema = schemathesis.openapi.from_dict(
    create_app(None, None, WebSettings(), None).openapi(),  # type: ignore[arg-type]
).exclude(path=STREAM)


@schema.auth(refresh_interval=None)
class Tokens:
    """Whoever may do most with an operation asks."""

    def get(self, case: Any, _context: Any) -> str:
        if case.path.startswith(AS_PROVINCE):
            return token_of("province")
        if case.path.startswith(AS_OFFICER):
            return token_of("ward_a")
        return token_of("citizen" if case.path in AS_CITIZEN else "health")

    def set(self, case: Any, data: str, _context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """A valid key is chosen anew for every ask, as the description says: every operation shows the same one."""
    key = str((case.headers or {}).get("Idempotency-Key", ""))
    if re.fullmatch("[!-~]{1,128}", key):
        case.headers["Idempotency-Key"] = f"{next(ASKS)}-{key}"[:128]


@pytest.mark.timeout(300)
@schema.parametrize()
@QUIET
def test_nothing_is_found_in_thirty_examples_of_each_operation(case: Any, served: Served):
    case.call_and_validate(base_url=served.url)


@pytest.mark.timeout(600)  # six hundred requests, one after the other
@pytest.mark.usefixtures("fresh")
def test_nothing_is_found_along_the_links():
    walked = walk(schema)
    assert len(walked) >= LINKS_WALKED, f"{len(walked)} of {len(links_of(schema))} links were walked: {sorted(walked)}"


def walk(among: Any) -> Counter[str]:
    """Go along the links; how often each led to something that is there. Raises what is found."""
    walked: Counter[str] = Counter()

    class Walk(among.as_state_machine()):  # type: ignore[misc]
        def step(self, input: Any) -> Any:  # noqa: A002 - the machine's own word
            output = super().step(input)
            followed = input.transition is not None and not input.transition.is_inferred and input.is_applied
            if followed and output.response.status_code // 100 == 2:
                walked[input.transition.id] += 1
            return output

    Walk.run(settings=settings(QUIET, max_examples=EXAMPLES, stateful_step_count=STEPS))
    return walked


def links_of(among: Any) -> set[str]:
    """The links that the description promises."""
    return {
        f"{path} {name}"
        for path, item in among.raw_schema["paths"].items()
        for operation in item.values()
        for answer in operation["responses"].values()
        for name in answer.get("links", {})
    }


async def breaks(n: int) -> dict[str, float]:
    return {"n": 1 / n}


class Thing(BaseModel):
    id: str


class Things(BaseModel):
    items: list[Thing]


async def things() -> Things:
    return Things(items=[Thing(id="there-is-but-this-one")])


async def breaks_if_it_is_there(thing: str) -> Thing:
    if thing == "there-is-but-this-one":
        raise ZeroDivisionError
    raise HTTPException(404)


def spoil(app: FastAPI) -> None:
    """Known bad: one operation breaks on one value in many, another on the id that only a list tells."""
    app.add_api_route("/api/v1/known-bad", breaks, responses=PROBLEMS)
    app.add_api_route("/api/v1/things", things, responses=PROBLEMS)
    app.add_api_route("/api/v1/things/{thing}", breaks_if_it_is_there, responses=PROBLEMS)


@pytest.fixture
def spoiled(tmp_path: Path) -> Iterator[Any]:
    """The description of a server that breaks."""
    app = create_app(None, None, WebSettings(), None)  # type: ignore[arg-type]
    spoil(app)
    served = Served(tmp_path, spoil)
    served.start()
    served.wait()
    described = schemathesis.openapi.from_dict(app.openapi())
    described.config.update(base_url=served.url)
    yield described
    served.end()


@pytest.mark.timeout(120)  # a server is started, and a machine may have other things to do
def test_an_operation_that_breaks_on_one_value_in_many_is_found(spoiled: Any):
    operation = spoiled["/api/v1/known-bad"]["GET"]

    @QUIET
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate()

    with pytest.raises(FailureGroup, match="Server error"):
        ask()


@pytest.mark.timeout(120)
def test_an_operation_that_breaks_only_at_the_end_of_a_link_is_found(spoiled: Any):
    apart = spoiled.include(path_regex="^/api/v1/things")
    operation = spoiled["/api/v1/things/{thing}"]["GET"]

    @QUIET
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate()

    ask()  # alone it looks well: nobody guesses the id
    with pytest.raises(FailureGroup, match="Server error"):
        walk(apart)

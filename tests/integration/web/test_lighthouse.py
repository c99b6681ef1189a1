"""Lighthouse on the pages that people open first, against the real server: performance, accessibility, best practices.

    pytest tests/integration/web/test_lighthouse.py -s          # prints a line for each page, preset and category

Needs Chromium, node, and server/web's packages (`make -C server/web node_modules`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import statistics
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from tests.chromium import CHROMIUM, FLAGS

from . import browsing, busy_ward

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.long,  # each run loads a page in a fresh state and traces it: about ten seconds
    pytest.mark.timeout(1_500),
]
TOOL = Path(__file__).parents[3] / "server/web/lighthouse.mjs"
AT_LEAST = 0.95
RUNS = int(os.environ.get("LIGHTHOUSE_RUNS", "3"))
SLOWDOWN = float(os.environ["LIGHTHOUSE_CPU"]) if "LIGHTHOUSE_CPU" in os.environ else None  # else by calibration
PRESETS = ("mobile", "desktop")
CATEGORIES = ("performance", "accessibility", "best-practices")
BAD = """<html><title>Bad</title><body><script src="/slow.js"></script><p>text</p>
<button></button><img src="/static/icon.svg?v=1" width=240 height=24><img src="/nowhere.png">"""


@asynccontextmanager
async def debugged(folder: Path) -> AsyncIterator[int]:
    """A Chromium with a debugging port of its own choice."""
    browser = await asyncio.create_subprocess_exec(
        str(CHROMIUM), *FLAGS, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={folder}",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    with contextlib.suppress(OSError):  # where it may: a browser that waits for its turn measures its neighbours
        Path(f"/proc/{browser.pid}/autogroup").write_text("-18")  # noqa: ASYNC240 - no file on a disk
    said = folder / "DevToolsActivePort"
    try:
        async with asyncio.timeout(60):
            while not said.exists() or not said.read_text().strip():  # noqa: ASYNC110 - the browser tells nobody else
                await asyncio.sleep(0.05)
        yield int(said.read_text().split()[0])
    finally:
        browser.terminate()
        await browser.wait()


async def measure(port: int, pages: Sequence[Mapping[str, Any]], runs: int = RUNS) -> dict[tuple[str, str, str], float]:
    """The median score by page, preset and category; every run is printed."""
    asked = {"port": port, "runs": runs, "presets": PRESETS, "pages": pages, "cpu": SLOWDOWN}
    node = await asyncio.create_subprocess_exec(
        "node", str(TOOL), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=TOOL.parent
    )
    told, _ = await node.communicate(json.dumps(asked).encode())
    assert node.returncode == 0
    found: dict[tuple[str, str, str], list[float]] = {}
    for line in told.decode().splitlines():
        run = json.loads(line)
        sys.stdout.write(line + "\n")
        assert run["error"] is None, run
        assert run["seen"].startswith(run["asked"]), f"{run['asked']} led to {run['seen']}"
        for category, score in run["scores"].items():
            found.setdefault((run["page"], run["preset"], category), []).append(score or 0.0)
    medians = {key: statistics.median(scores) for key, scores in found.items()}
    for (page, preset, category), score in medians.items():
        scores = found[page, preset, category]
        sys.stdout.write(f"{page:10} {preset:8} {category:15} {score * 100:4.0f}  {[round(s * 100) for s in scores]}\n")
    return medians


@pytest.fixture
def ready() -> None:
    if CHROMIUM is None:
        pytest.skip("needs Chromium: no chromium on the PATH")
    if shutil.which("node") is None:
        pytest.skip("needs node: no node on the PATH")
    if not (TOOL.parent / "node_modules/lighthouse").is_dir():
        pytest.skip("needs Lighthouse: make -C server/web node_modules")


@pytest_asyncio.fixture(loop_scope="module")
async def world(ready: None, tmp_path: Path) -> AsyncIterator[Any]:
    world = await busy_ward.make_busy_ward(tmp_path)
    yield world
    await world.close()


async def test_inbox_person_and_citizen_reach_95_in_each_category_and_a_bad_page_does_not(world: Any, tmp_path: Path):
    lan, citizen = await world.session("lan"), await busy_ward.citizen_session(world)
    world.app.add_route("/bad", bad_page)
    world.app.add_route("/slow.js", slow_script)
    async with browsing.served(world) as url, debugged(tmp_path / "browser") as port:
        name = f"ancu-{url.rsplit(':', 1)[1]}"
        pages = [
            {"name": page, "url": url + path, "cookies": [{"name": name, "value": who.token, "url": url}]}
            for page, path, who in (
                ("inbox", "/alerts", lan),
                ("person", f"/people/{busy_ward.PERSON}", lan),
                ("citizen", "/me", citizen),
            )
        ]
        scores = await measure(port, pages)
        bad = await measure(port, [{"name": "bad", "url": f"{url}/bad", "cookies": []}], runs=1)
    assert len(scores) == len(pages) * len(PRESETS) * len(CATEGORIES)
    assert {key: score for key, score in scores.items() if score < AT_LEAST} == {}
    assert {key for key, score in bad.items() if score >= AT_LEAST} == set(), "the measure lets a bad page pass"


async def bad_page(_request: Request) -> Response:
    """Waits for a script before it shows anything; a button and a picture that nobody can name."""
    return HTMLResponse(BAD)


async def slow_script(_request: Request) -> Response:
    await asyncio.sleep(4)
    busy = "const end = Date.now() + 2500; while (Date.now() < end); undefined_name();"
    return HTMLResponse(busy, media_type="text/javascript")

"""kill -9 between a send and its mark: the message comes again under the same id, and is never lost."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ancu.server.adapters.sqlite import connect

from .conftest import Certificates, HttpDouble, Reply, Request

CHILD = Path(__file__).with_name("notify_child.py")


async def start(folder: Path, url: str, what: str) -> asyncio.subprocess.Process:
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), str(folder), url, what, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert await child.stdout.readline() == b"ready\n"
    return child


async def until(what: Callable[[], object], seconds: float = 8.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.02)


def states(folder: Path) -> list[tuple[str, int]]:
    connection: sqlite3.Connection = connect(folder / "ancu.db", read_only=True)
    try:
        return [(row["state"], row["tries"]) for row in connection.execute("SELECT * FROM notify_deliveries")]
    finally:
        connection.close()


@pytest.fixture
def folder(tmp_path: Path, certificates: Certificates) -> Path:
    (tmp_path / "secret").write_text("s" * 32)
    (tmp_path / "secret").chmod(0o600)
    shutil.copy(certificates.ca_file, tmp_path / "ca.pem")
    return tmp_path


@pytest.mark.timeout(60)
async def test_a_kill_between_send_and_mark_sends_again_under_the_same_id(folder: Path, https: HttpDouble):
    https.default = Reply(fault="silent")  # it has the message, and we are killed before its answer
    child = await start(folder, https.url, "sos")
    await until(lambda: https.requests)
    child.kill()
    await child.wait()
    assert states(folder) == [("queued", 0)]

    https.default = Reply()
    child = await start(folder, https.url, "nothing")
    await until(lambda: states(folder) == [("delivered", 1)])
    await asyncio.sleep(0.5)
    child.terminate()
    await child.wait()
    assert len(https.requests) == 2
    assert len({request.headers["webhook-id"] for request in https.requests}) == 1
    assert https.requests[0].body == https.requests[1].body


@pytest.mark.timeout(60)
async def test_kills_at_any_moment_lose_nothing(folder: Path, https: HttpDouble):
    taken: list[str] = []

    def answer(request: Request) -> Reply:
        if len(https.requests) < 6:
            return Reply((500, 429, 200)[len(https.requests) % 3], fault="slow")
        taken.append(request.headers["webhook-id"])
        return Reply()

    https.default = answer
    what = "sos"
    for pause_s in (0.0, 0.05, 0.3, 0.8):
        child = await start(folder, https.url, what)
        await asyncio.sleep(pause_s)
        child.kill()
        await child.wait()
        what = "nothing"
    child = await start(folder, https.url, what)
    await until(lambda: states(folder) and states(folder)[0][0] == "delivered", 20)
    child.terminate()
    await child.wait()
    assert len({request.headers["webhook-id"] for request in https.requests}) == 1


@pytest.mark.timeout(60)
async def test_a_stop_does_not_wait_for_a_receiver_that_is_silent(folder: Path, https: HttpDouble):
    https.default = Reply(fault="silent")
    child = await start(folder, https.url, "sos")
    await until(lambda: https.requests)
    began = time.monotonic()
    child.terminate()
    await child.wait()
    assert time.monotonic() - began < 3


@pytest.mark.timeout(60)
async def test_a_receiver_that_is_down_hears_of_it_when_it_is_back(folder: Path, https: HttpDouble):
    https.default = Reply(503, headers={"retry-after": "1"})
    child = await start(folder, https.url, "sos")
    await until(lambda: len(https.requests) >= 2)
    https.default = Reply()
    await until(lambda: states(folder)[0][0] == "delivered")
    child.terminate()
    await child.wait()

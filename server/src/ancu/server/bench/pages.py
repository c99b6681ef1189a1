"""The officers' pages at the server: what a request of the inbox costs with thousands of open alerts."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import httpx

from ancu.models.clock import SystemClock, to_ms
from ancu.models.frame import Status
from ancu.models.topics import Lane
from ancu.server.adapters.series import Series
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.bench.fleet import FINE, fleet, register_of, relay_of
from ancu.server.core import Core
from ancu.server.desk import StoreDesk
from ancu.server.memory import Memory
from ancu.server.policies import load_policy
from ancu.server.ports import Role, Viewer
from ancu.server.projection import project
from ancu.server.seating import Bench
from ancu.server.web.accounts import Accounts, Session
from ancu.server.web.app import create_app
from ancu.server.web.settings import WebSettings

__all__ = ["PageFigures", "bench_pages"]

_KEY = b"bench" * 8
_CUT = dataclasses.replace(FINE, status=Status.SKIN | Status.STRAP_OPEN)
_OFFICER = Viewer("bench", Role.PROVINCE, None)
_PATIENCE_S = 120.0
_URL = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class PageFigures:
    open_alerts: int
    requests: int
    inbox_p50_ms: float
    inbox_p99_ms: float
    row_p50_ms: float  # one row that changed, as an open page asks for it
    row_p99_ms: float
    inbox_bytes: int
    first_load_gzip_bytes: int  # the page and every file that it names


class _OneOfficer:
    """Whoever asks is the province desk. Of `Accounts`, what the inbox asks."""

    async def session(self, token: str, *, at: datetime, touch: bool) -> Session | None:  # noqa: ARG002 - as the port has it
        return Session(_OFFICER, "Trực ban tỉnh", "csrf", at + timedelta(hours=1))

    async def names(self, ids: Collection[str]) -> Mapping[str, str]:
        return dict.fromkeys(ids, "Trực ban tỉnh")

    async def close(self) -> None:
        pass


async def bench_pages(folder: Path, *, alerts: int, requests: int, seed: int) -> PageFigures:
    """Have `alerts` alerts open and ask for the inbox `requests` times; `folder` must be empty."""
    people = fleet(alerts, seed=seed)
    register = register_of(people)
    memory = Memory(Bench(load_policy("default")))
    core = Core(
        open_store=lambda: _store(folder / "ancu.db"),
        roster=lambda _, held: None if held == register.version else register,
        project=project,
        memory=memory,
        clock=SystemClock(),
        told=lambda _: None,
        listening=lambda: False,  # time does not pass: nothing but the cuts is to be raised
    )
    core.start()
    await asyncio.to_thread(core.wait_ready, 10)
    series = Series(folder / "series.duckdb", folder / "ancu.db")
    desk = StoreDesk(
        folder / "ancu.db",
        core=core,
        memory=memory,
        series=series,
        clock=SystemClock(),
        linked=lambda: True,
        link_counts=dict,
    )
    try:
        heard = people[0].bands[0].heard(to_ms(SystemClock().now()), _CUT, urgent=True)
        core.deliver(*relay_of([people[0].batch([heard], lane=Lane.ALARM)], people[0].gateway))
        await _until_open(desk)
        await asyncio.to_thread(_copy, folder / "ancu.db", [home.bands[0].person for home in people])
        return await _ask(desk, alerts, requests)
    finally:
        await asyncio.to_thread(core.stop)
        series.stop()
        desk.close()


async def _ask(desk: StoreDesk, alerts: int, requests: int) -> PageFigures:
    app = create_app(desk, cast("Accounts", _OneOfficer()), WebSettings(), SystemClock())
    cookies = {"ancu-8080": "token"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=_URL, cookies=cookies) as http:
        page = (await http.get("/alerts")).raise_for_status()
        [row, *_] = (await desk.queue(_OFFICER, limit=1)).items
        inbox = [await _took(http, "/alerts") for _ in range(requests)]
        one = [await _took(http, f"/alerts/rows?show=open&id={row.id}") for _ in range(requests)]
        named = {part.split('"')[0].replace("&amp;", "&") for part in page.text.split('="/static/')[1:]}
        files = [(await http.get(f"/static/{name}")).content for name in sorted(named)]
    return PageFigures(
        open_alerts=alerts,
        requests=requests,
        inbox_p50_ms=_at(inbox, 50),
        inbox_p99_ms=_at(inbox, 99),
        row_p50_ms=_at(one, 50),
        row_p99_ms=_at(one, 99),
        inbox_bytes=len(page.content),
        first_load_gzip_bytes=sum(len(gzip.compress(body)) for body in (page.content, *files)),
    )


async def _took(http: httpx.AsyncClient, path: str) -> float:
    began = time.perf_counter()
    (await http.get(path)).raise_for_status()
    return time.perf_counter() - began


async def _until_open(desk: StoreDesk) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while not (await desk.queue(_OFFICER, limit=1)).waiting:  # noqa: ASYNC110 - another thread judges
            await asyncio.sleep(0.1)


def _copy(database: Path, persons: list[str]) -> None:
    """As many rows as there are persons, out of the one that the judge raised: what is measured only reads them."""
    connection = connect(database)
    names = [row["name"] for row in connection.execute("PRAGMA table_info(alerts)")]
    first = dict(connection.execute("SELECT * FROM alerts").fetchone())
    rows = [
        {**first, "id": f"copy{n:012d}", "person": person, "subject": person, "severity": "CHML"[n % 4],
         "opened_ms": first["opened_ms"] - 1000 * n, "position": first["position"] + n}
        for n, person in enumerate(persons[1:], 1)
    ]  # fmt: skip
    connection.execute("BEGIN IMMEDIATE")
    marks = ", ".join(f":{name}" for name in names)
    connection.executemany(f"INSERT INTO alerts ({', '.join(names)}) VALUES ({marks})", rows)  # noqa: S608 - its own columns
    connection.execute("COMMIT")
    connection.close()


def _at(took: list[float], percent: int) -> float:
    return round(sorted(took)[len(took) * percent // 100] * 1000, 1)


def _store(path: Path) -> Store:
    connection = connect(path)
    migrate(connection)
    return Store(connection, _KEY)

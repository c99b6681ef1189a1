"""The officers' inbox under load: from an alert to its row in every open page, a long list at the server, a first load.

The server runs on a thread and a loop of its own and is asked over sockets; the pages that wait share its process, so
what they cost is in the figures too.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import click
import httpx

from ancu.models.clock import SystemClock, from_ms
from ancu.models.ids import EdgeId, OrderId, WardCode
from ancu.server.adapters.series import Series
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.cases.inputs import SosTapped
from ancu.server.core import Core, Told, Transaction
from ancu.server.desk import StoreDesk
from ancu.server.memory import Memory
from ancu.server.people.orders import NewPerson
from ancu.server.people.passwords import make_password
from ancu.server.people.register import DATABASE_FILE, Register
from ancu.server.people.snapshot import read_snapshot, read_version
from ancu.server.people.vault import MASTER_KEY_FILE, Vault
from ancu.server.policies import load_policy
from ancu.server.ports import Role
from ancu.server.projection import STREAM, project
from ancu.server.seating import Bench
from ancu.server.web import compose
from ancu.server.web.settings import WebSettings

__all__ = ["InboxFigures", "bench_inboxes", "inboxes"]

_WARD = WardCode("ward-1")
_LOGIN = "bench"
_LOST_S = 20.0  # a row that has not come by then is counted as missing
_BETWEEN_S = 1.0  # two alerts
_RENDERS = 15
_GATHER_S = 0.15  # what a page waits for more of the same before it asks (static/app.js)


@dataclass(frozen=True, slots=True)
class InboxFigures:
    open_items: int
    streams: int
    alerts: int
    missing: int
    watching: int
    event_p50_ms: float  # on every stream
    event_p99_ms: float
    visible_p50_ms: float  # in the pages that watch: the event, and the row that it makes them ask for
    visible_p99_ms: float
    render_p50_ms: float
    render_worst_ms: float
    render_cpu_ms: float  # of this process, whatever else the machine is busy with
    first_load_bytes: int


def bench_inboxes(
    folder: Path, *, items: int, streams: int, watching: int, alerts: int, handicap_s: float = 0.0
) -> InboxFigures:
    """Fill an inbox, open it, open many streams, raise alerts one after another. `folder` must be empty.

    `watching` of the streams are pages of the alert's own ward, which ask for each row; the others only listen.
    `handicap_s` keeps each change from the streams for so long: the known-bad build that the figures must show.
    """
    served = _Served(folder, people=items + alerts, streams=streams, handicap_s=handicap_s)
    served.start()
    try:
        served.wait()
        return asyncio.run(_measure(served, items, streams, min(watching, streams), alerts))
    finally:
        served.end()


async def _measure(served: _Served, items: int, streams: int, watching: int, alerts: int) -> InboxFigures:
    for begin in range(0, items, 50):
        await asyncio.gather(*(served.sos(n) for n in range(begin, min(items, begin + 50))))
    limits = httpx.Limits(max_connections=2 * streams + 8, max_keepalive_connections=2 * streams + 8)
    async with httpx.AsyncClient(base_url=served.url, limits=limits, timeout=_LOST_S) as client:
        await _sign_in(client, served.password)
        renders, cpu = await _renders(client)
        first_load = await _first_load(client)
        events, rows = await _visible(client, served, range(items, items + alerts), streams, watching)
    event, visible = _cuts(events), _cuts(rows)
    return InboxFigures(
        open_items=items,
        streams=streams,
        alerts=alerts,
        missing=(streams + watching) * alerts - len(events) - len(rows),
        watching=watching,
        event_p50_ms=event[49],
        event_p99_ms=event[98],
        visible_p50_ms=visible[49],
        visible_p99_ms=visible[98],
        render_p50_ms=round(statistics.median(renders) * 1000, 1),
        render_worst_ms=round(max(renders) * 1000, 1),
        render_cpu_ms=round(statistics.median(cpu) * 1000, 1),
        first_load_bytes=first_load,
    )


async def _sign_in(client: httpx.AsyncClient, password: str) -> None:
    page = await client.get("/login")
    token = re.search(r'name="csrf" value="([^"]+)"', page.text)
    form = {"csrf": token[1] if token else "", "login": _LOGIN, "password": password}
    answer = await client.post("/login", data=form, headers={"Accept": "text/html"})
    if answer.status_code != httpx.codes.SEE_OTHER:
        raise RuntimeError(f"the sign-in was answered {answer.status_code}")


async def _renders(client: httpx.AsyncClient) -> tuple[list[float], list[float]]:
    """Seconds, and seconds of processor time, that the inbox took each time."""
    took, cpu = [], []
    for _ in range(_RENDERS):
        began, cpu_began = time.perf_counter(), time.process_time()
        (await client.get("/alerts")).raise_for_status()
        took.append(time.perf_counter() - began)
        cpu.append(time.process_time() - cpu_began)
    return took, cpu


async def _first_load(client: httpx.AsyncClient) -> int:
    """Bytes of bodies on the wire: the page, and every file that it names."""
    page, size = await _weighed(client, "/alerts")
    names = sorted(set(re.findall(r'(?:src|href)="(/static/[^"]+|/app\.webmanifest)"', page)))
    for name in names:
        size += (await _weighed(client, name))[1]
    return size


async def _weighed(client: httpx.AsyncClient, path: str) -> tuple[str, int]:
    async with client.stream("GET", path, headers={"Accept-Encoding": "gzip, br"}) as answer:
        answer.raise_for_status()
        body = await answer.aread()
        return body.decode("utf-8", "replace"), answer.num_bytes_downloaded


async def _visible(  # noqa: C901 - one page's life, in order
    client: httpx.AsyncClient, served: _Served, people: range, streams: int, watching: int
) -> tuple[list[float], list[float]]:
    """Seconds from each tap to its event on each stream, and to its row in each page that watches."""
    events: list[float] = []
    rows: list[float] = []
    began: dict[str, float] = {}
    opened = asyncio.Semaphore(0)

    async def listen(*, watches: bool) -> None:
        async with client.stream("GET", "/api/v1/alerts/stream", timeout=None) as answer:
            answer.raise_for_status()
            opened.release()
            async for line in answer.aiter_lines():
                if not line.startswith('data: {"position"'):
                    continue
                alert, at = json.loads(line[6:])["alert"]["id"], time.perf_counter()
                while alert not in began:  # noqa: ASYNC110 - the tap's own answer may come after its event
                    await asyncio.sleep(0.001)
                events.append(at - began[alert])
                if watches:
                    await asyncio.sleep(_GATHER_S)
                    row = await client.get("/alerts/rows", params={"id": alert})
                    if alert in row.text:
                        rows.append(time.perf_counter() - began[alert])

    waiting = [asyncio.create_task(listen(watches=n < watching)) for n in range(streams)]
    for _ in waiting:
        await opened.acquire()
    for n in people:
        at = time.perf_counter()
        began[await served.sos(n)] = at
        await asyncio.sleep(_BETWEEN_S)
    ends = time.perf_counter() + _LOST_S
    wanted = (streams + watching) * len(people)
    while len(events) + len(rows) < wanted and time.perf_counter() < ends:  # noqa: ASYNC110 - a count, not an event
        await asyncio.sleep(0.05)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return events, rows


def _cuts(waits: Sequence[float]) -> list[float]:
    """Percentiles 1 to 99 in milliseconds."""
    if len(waits) < 2:
        return [float("inf")] * 99
    return [round(cut * 1000, 1) for cut in statistics.quantiles(waits, n=100, method="inclusive")]


class _Served(threading.Thread):
    """The whole of the server but its broker, on a port."""

    def __init__(self, folder: Path, *, people: int, streams: int, handicap_s: float) -> None:
        super().__init__(name="pages", daemon=True)
        self._folder, self._people, self._handicap_s = folder, people, handicap_s
        self._settings = WebSettings(streams=streams + 8, streams_each=streams + 8)
        self._up = threading.Event()
        self._loop, self._stopping = asyncio.new_event_loop(), asyncio.Event()
        self.url, self.password = "", make_password()

    def wait(self) -> None:
        if not self._up.wait(300) or not self.url:
            raise RuntimeError("the pages did not start")

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self.join(20)

    async def sos(self, n: int) -> str:
        """Person n calls for help; the alert's id."""

        def tap(tx: Transaction) -> str:
            records = tx.memory.feed(SosTapped(from_ms(tx.now_ms), _person(n)))
            tx.records += records
            return next(record.subject for record in records if record.stream == STREAM)

        return await asyncio.wrap_future(self._core.command(tap))

    def run(self) -> None:
        try:
            self._loop.run_until_complete(self._run())
        finally:
            self._up.set()
            self._loop.close()

    async def _run(self) -> None:
        path, clock = self._folder / DATABASE_FILE, SystemClock()
        vault = Vault.create(self._folder / MASTER_KEY_FILE)
        _populate(self._folder, vault, self._people, self.password)
        desks: list[StoreDesk] = []

        def told(what: Told) -> None:
            if what.records and desks:
                position = what.records[-1].position
                self._loop.call_soon_threadsafe(self._loop.call_later, self._handicap_s, desks[0].told, position)

        memory = Memory(Bench(load_policy("default")))
        self._core = core = Core(
            open_store=lambda: Store(connect(path), b"bench" * 8),
            roster=lambda store, held: (
                None
                if held is not None and read_version(store.connection) == held
                else read_snapshot(store.connection, vault)
            ),
            project=project,
            memory=memory,
            clock=clock,
            told=told,
            listening=lambda: False,  # time does not pass: nothing but the taps is to be raised
        )
        core.start()
        await asyncio.to_thread(core.wait_ready, 60)
        series = Series(self._folder / "series.duckdb", path)
        desk = StoreDesk(
            path, core=core, memory=memory, series=series, clock=clock, linked=lambda: True, link_counts=dict
        )
        desks.append(desk)

        def listening(port: int) -> None:
            self.url = f"http://127.0.0.1:{port}"
            self._up.set()

        try:
            app = compose.build(desk, self._folder, self._settings, clock)
            await compose.serve(app, "127.0.0.1", 0, self._stopping, listening=listening)
        finally:
            await asyncio.to_thread(core.stop)
            desk.close()


def _populate(folder: Path, vault: Vault, people: int, password: str) -> None:
    connection = connect(folder / DATABASE_FILE)
    migrate(connection)
    register = Register(connection, vault, actor="bench")
    now = SystemClock().now()
    with register.ledger.together():
        register.wards.put(_WARD, "Phường 1", "79")
        register.officers.add(_LOGIN, "Cán bộ", Role.OFFICER, [_WARD], password=password)
        for n in range(people):
            person, edge = _person(n), EdgeId(f"edge-{n:05d}")
            register.devices.add_edge(edge, _WARD)
            register.orders.add_person(NewPerson(_WARD, f"Nguyễn Văn {n}"), person)
            starts, until = now - timedelta(days=1), now + timedelta(days=13)
            register.orders.add(person, starts, until, edge=edge, id_=OrderId(f"o-{n:05d}"))
    connection.close()


def _person(n: int) -> str:
    return f"p-{n:05d}"


@click.command()
@click.option("--items", type=click.IntRange(1, 50_000), default=5_000, show_default=True, help="Open alerts.")
@click.option("--streams", type=click.IntRange(1, 1_000), default=200, show_default=True, help="Open inboxes.")
@click.option("--watching", type=click.IntRange(1, 1_000), default=10, show_default=True, help="Of the alerts' ward.")
@click.option("--alerts", type=click.IntRange(1, 1_000), default=30, show_default=True, help="Raised meanwhile.")
@click.option("--handicap", type=click.FloatRange(0, 10), default=0.0, help="Known bad: hold each change back (s).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def inboxes(  # noqa: PLR0917 - click passes them by name
    items: int, streams: int, watching: int, alerts: int, handicap: float, as_json: bool
) -> None:
    """An officer's inbox: alert to row with many pages open, a long list at the server, a first load's bytes."""
    with tempfile.TemporaryDirectory(prefix="ancu-bench-") as folder:
        figures = bench_inboxes(
            Path(folder), items=items, streams=streams, watching=watching, alerts=alerts, handicap_s=handicap
        )
    if as_json:
        click.echo(json.dumps(asdict(figures)))
        return
    click.echo(f"{figures.alerts} alerts on {figures.streams} streams, {figures.missing} missing")
    click.echo(f"alert to event: p50 {figures.event_p50_ms:.0f} ms, p99 {figures.event_p99_ms:.0f} ms")
    click.echo(f"alert to row: p50 {figures.visible_p50_ms:.0f} ms, p99 {figures.visible_p99_ms:.0f} ms")
    click.echo(f"inbox of {figures.open_items} open: p50 {figures.render_p50_ms:.0f} ms")
    click.echo(f"  {figures.render_cpu_ms:.0f} ms of processor time; worst {figures.render_worst_ms:.0f} ms")
    click.echo(f"first load: {figures.first_load_bytes / 1000:.1f} kB")

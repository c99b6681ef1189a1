"""The benchmark of the radio: a simulator and an edge as processes of their own, joined by HCI over TCP alone."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import os
import random
import signal
import sqlite3
import statistics
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ancu.firmware_sim.flash import FlashFile
from ancu.firmware_sim.log import Log
from ancu.models.band_facts import HistoryRun
from ancu.models.clock import SystemClock
from ancu.models.config import read_secret, write_secret
from ancu.models.errors import UsageError
from ancu.models.frame import Status, is_urgent
from ancu.models.history import Clocked, Vitals
from ancu.models.ids import OrderId
from ancu.models.keys import BandKeys, derive_band_keys
from ancu.models.topics import Lane
from ancu.models.wire import Heard, unpack_record

__all__ = ["Bench", "RadioFigures"]

_START_S = 60.0
_END_S = 15.0
_LOST_S = 15.0  # a cut that has not come by then is missing
_CUT_INTERVAL_S = 2.0  # the bands' own
_ORDER = OrderId("bench")


@dataclass(frozen=True, slots=True)
class RadioFigures:
    bands: int
    for_s: float
    sent: int
    delivered_percent: float
    edge_cpu_percent: float  # of one core
    edge_rss_mib: float
    history_bytes: int
    history_kb_per_s: float
    cuts: int
    loss: float
    cuts_missing: int
    cut_p50_s: float
    cut_p95_s: float
    cut_p95_intervals: float

    def missed(self) -> list[str]:
        """What does not hold that has to."""
        bounds = (
            ("delivered under 99 %", self.delivered_percent >= 99),
            ("edge over 50 % of a core", self.edge_cpu_percent <= 50),
            ("edge over 80 MiB", self.edge_rss_mib <= 80),
            ("history under 60 kB/s", self.history_kb_per_s >= 60),
            ("cuts missing", self.cuts_missing == 0),
            ("cuts over 3 advert intervals at p95", self.cut_p95_intervals <= 3),
        )
        return [text for text, holds in bounds if not holds]


class Bench:
    """`folder` must be empty. A `known_bad` bench spoils each part: figures that do not tell are worth nothing."""

    def __init__(self, folder: Path, *, seed: int, known_bad: bool) -> None:
        self._folder, self._seed, self._bad = folder, seed, known_bad

    async def run(self, *, bands: int, for_s: float, records: int, cuts: int, loss: float) -> RadioFigures:
        """Measure part after part."""
        sent, delivered, cpu, rss = await self._adverts(bands, for_s)
        size, rate = await self._history(records)
        waits = sorted(await self._cuts(cuts, loss))
        quantiles = statistics.quantiles(waits, n=100, method="inclusive") if len(waits) > 1 else [*waits, 0.0] * 99
        p95 = quantiles[94] if len(waits) > cuts * 0.95 else float("inf")
        return RadioFigures(
            bands=bands,
            for_s=for_s,
            sent=sent,
            delivered_percent=round(100 * delivered / max(1, sent), 3),
            edge_cpu_percent=round(cpu, 1),
            edge_rss_mib=round(rss, 1),
            history_bytes=size,
            history_kb_per_s=round(rate, 1),
            cuts=cuts,
            loss=loss,
            cuts_missing=cuts - len(waits),
            cut_p50_s=round(quantiles[49], 3),
            cut_p95_s=round(p95, 3),
            cut_p95_intervals=round(p95 / _CUT_INTERVAL_S, 3),
        )

    async def _adverts(self, bands: int, for_s: float) -> tuple[int, int, float, float]:
        place = _Place(self._folder / "adverts", bands, self._seed)
        place.write_sim(interval_s=1.0, loss=0.0)
        async with place.running(report_s=5.0 if self._bad else 0.001):
            await _until(lambda: place.count(Lane.STATE) >= bands, "no adverts in the journal")
            await asyncio.sleep(2.0)
            began, cpu = _mono(), place.edge_cpu_s()
            sent, held = await place.sent(), place.count(Lane.STATE)
            await asyncio.sleep(for_s)
            sent, held = await place.sent() - sent, place.count(Lane.STATE) - held
            used = 100 * (place.edge_cpu_s() - cpu) / (_mono() - began)
            return sent, held, used, place.edge_rss_mib()

    async def _history(self, records: int) -> tuple[int, float]:
        place = _Place(self._folder / "history", 1, self._seed)
        place.fill_log(records)
        place.write_sim(interval_s=0.2, loss=0.0, gatt=True, more="link_kb_per_s = 40.0\n" if self._bad else "")
        async with place.running(report_s=10.0, visit_s=3600.0):
            await _until(lambda: place.history()[0] >= 16 * records, "the history did not come")
            size, first_ms, last_ms, first_size = place.history_span()
            return size, (size - first_size) / max(1, last_ms - first_ms)

    async def _cuts(self, cuts: int, loss: float) -> list[float]:
        place = _Place(self._folder / "cuts", cuts, self._seed)
        place.write_sim(interval_s=_CUT_INTERVAL_S, loss=loss, more="repeats_urgent = false\n" if self._bad else "")
        rng = random.Random(self._seed)
        async with place.running(report_s=10.0):
            await _until(lambda: place.count(Lane.STATE) >= cuts * 0.9, "no adverts in the journal")
            cut_ms: dict[int, int] = {}
            for band in range(1, cuts + 1):
                await asyncio.sleep(rng.uniform(0.05, 0.3))
                cut_ms[band] = (await place.ask({"do": "cut_strap", "band": band}))["at_ms"]
            end = _mono() + _LOST_S
            while len(heard := place.first_alarms()) < cuts and _mono() < end:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.2)
        return [(at_ms - cut_ms[band]) / 1000 for band, at_ms in heard.items() if band in cut_ms]


class _Place:
    """One adapter with its bands, and one edge without a broker: what it hears stays in its journal."""

    def __init__(self, folder: Path, bands: int, seed: int) -> None:
        self._folder, self._bands, self._seed = folder, bands, seed
        self._edge: asyncio.subprocess.Process | None = None
        folder.mkdir(parents=True)
        rows, known = [], []
        for number in range(1, bands + 1):
            rows.append(f'[[bands]]\nnumber = {number}\nkey = "{_key(number).hex()}"\norder = "{_ORDER}"\n')
            known.append(f'[[bands]]\nnumber = {number}\nidentity_key = "{_keys(number).identity.hex()}"\n')
        write_secret(folder / "sim-bands.toml", "\n".join(rows).encode())
        write_secret(folder / "bands.toml", "\n".join(known).encode())
        write_secret(folder / "edge.key", bytes(32).hex().encode())
        _write_certificate(folder)

    def fill_log(self, records: int) -> None:
        """Let band 1 have recorded so many minutes."""
        flash = FlashFile(self._folder / "flash")
        log = Log(flash.page(1), _keys(1).history)
        log.append(0, 0, Clocked(int(SystemClock().now().timestamp()) - records * 60))
        for minute in range(records - 1):
            log.append(0, 60 * minute, Vitals(70, 97, 361, 80, Status.SKIN, tamper=False))
        flash.close()

    def write_sim(self, *, interval_s: float, loss: float, gatt: bool = False, more: str = "") -> None:
        numbers = ", ".join(map(str, range(1, self._bands + 1)))
        (self._folder / "sim.toml").write_text(
            f'bands_file = "sim-bands.toml"\nseed = {self._seed}\ninterval_s = {interval_s}\nloss = {loss}\n'
            f"crowding = false\n{more}"
            f'flash_file = "flash"\ncontrol_port = 0\ncontrol_file = "control.json"\n'
            f'[[homes]]\nname = "home"\nbands = [{numbers}]\ngatt = {str(gatt).lower()}\n'
        )

    @asynccontextmanager
    async def running(self, *, report_s: float, visit_s: float = 0.0) -> AsyncIterator[None]:
        """Both processes, until the end of the block."""
        async with self._process("sim", "bands", "--config", "sim.toml"):
            await _until((self._folder / "control.json").exists, "the simulator did not start")
            port = (await self.ask({"do": "status"}))["homes"][0]["hci_port"]
            where = f"tcp-client:127.0.0.1:{port}"
            (self._folder / "edge.toml").write_text(
                'edge = "bench"\nward = "bench"\ndata = "edge"\nkey_file = "edge.key"\nbands_file = "bands.toml"\n'
                f'[radio]\nbackend = "virtual"\nadapter = "{where}"\nreport_s = {report_s}\nvisit_s = {visit_s}\n'
                '[broker]\nhost = "127.0.0.1"\nport = 9\nca_file = "edge.crt"\ncert_file = "edge.crt"\n'
                'key_file = "edge.tls"\n'
            )
            async with self._process("edge", "run", "--config", "edge.toml") as self._edge:
                yield

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        door = json.loads(read_secret(self._folder / "control.json"))
        reader, writer = await asyncio.open_connection("127.0.0.1", door["port"], limit=1 << 22)
        try:
            writer.write(json.dumps({"token": door["token"], **request}).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await reader.readline())
        finally:
            writer.close()
        return answer

    async def sent(self) -> int:
        """Adverts that all bands sent so far."""
        return sum(band["sent"] for band in (await self.ask({"do": "status"}))["bands"])

    def count(self, lane: Lane) -> int:
        """Frames in a lane of the journal."""
        return int(
            self._journal("SELECT count(*) FROM records WHERE lane = ? AND substr(blob, 1, 1) = x'48'", lane)[0][0]
        )

    def first_alarms(self) -> dict[int, int]:
        """When the first urgent frame of each band was heard."""
        heard: dict[int, int] = {}
        for (blob,) in self._journal("SELECT blob FROM records WHERE lane = ? ORDER BY sequence", Lane.ALARM):
            record = unpack_record(blob)
            if isinstance(record, Heard) and is_urgent(record.body):
                heard.setdefault(record.band, record.at_ms)
        return heard

    def history(self) -> tuple[int, list[HistoryRun]]:
        rows = self._journal("SELECT blob FROM records WHERE lane = ? ORDER BY sequence", Lane.BULK)
        facts = [unpack_record(blob) for (blob,) in rows]
        runs = [fact for fact in facts if isinstance(fact, HistoryRun)]
        return sum(len(run.records) for run in runs), runs

    def history_span(self) -> tuple[int, int, int, int]:
        """Bytes, and when the first and the last run were complete; with the bytes of the first."""
        size, runs = self.history()
        return size, runs[0].at_ms, runs[-1].at_ms, len(runs[0].records)

    def edge_cpu_s(self) -> float:
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def edge_rss_mib(self) -> float:
        pages = int(Path(f"/proc/{self._pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    @property
    def _pid(self) -> int:
        assert self._edge is not None  # noqa: S101 - only asked while it runs
        return self._edge.pid

    def _journal(self, query: str, lane: Lane) -> list[Any]:
        path = self._folder / "edge" / "journal.db"
        if not path.exists():
            return [(0,)] if "count" in query else []
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as journal:
            try:
                return journal.execute(query, (lane,)).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" not in str(error):
                    raise  # a figure of nothing would be a lie
                return [(0,)] if "count" in query else []  # it is being made

    @asynccontextmanager
    async def _process(self, *args: str) -> AsyncIterator[asyncio.subprocess.Process]:
        with (self._folder / f"{args[0]}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "ancu.models.command", *args, cwd=self._folder, stdout=log, stderr=log
            )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                try:
                    await asyncio.wait_for(process.wait(), _END_S)
                except TimeoutError:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()


def _key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def _keys(number: int) -> BandKeys:
    return derive_band_keys(_key(number), _ORDER)


def _write_certificate(folder: Path) -> None:
    """The edge will not start without one, though nobody listens where it points."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
    now = SystemClock().now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "edge.crt").write_bytes(made.public_bytes(Encoding.PEM))
    write_secret(folder / "edge.tls", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _mono() -> float:
    return SystemClock().monotonic()


async def _until(true: Callable[[], bool], otherwise: str) -> None:
    end = _mono() + _START_S
    while not true():
        if _mono() > end:
            raise UsageError(f"{otherwise} within {_START_S:.0f} s")
        await asyncio.sleep(0.2)

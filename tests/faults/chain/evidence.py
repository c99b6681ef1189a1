"""What the databases of an installation say, read from outside once it has ended: was anything lost or doubled?

Each edge's journal forgets what the server confirmed. A trigger, put into the file before the edge first opens it,
keeps a copy of every record ever written, so that what was forgotten can be looked for in the server's inbox.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np

from ancu.edge.journal import Journal
from ancu.models.frame import counter_of
from ancu.models.topics import Lane
from ancu.models.wire import Heard, pack_record, unpack_record
from ancu.server.adapters.series import Series
from ancu.server.ingest.columns import reading_rows
from ancu.server.ingest.rows import Row, facts_of
from ancu.server.people.setup import Installation

__all__ = ["Found", "look", "open_file", "readings", "watch_journal"]

_KEEP = """
CREATE TABLE kept (epoch INTEGER, lane INTEGER, sequence INTEGER, blob BLOB);
CREATE TRIGGER keep AFTER INSERT ON records BEGIN
    INSERT INTO kept SELECT epoch, NEW.lane, NEW.sequence, NEW.blob FROM journal;
END;
"""


@dataclass
class Found:
    """What was counted, and what is wrong in one line each."""

    confirmed: int = 0  # records that edges forgot, because the server had confirmed them
    readings: int = 0
    facts: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass
class _Has:
    """How often the inbox has a reading, by (band, counter), and a fact, by (edge, packed)."""

    readings: Counter[tuple[int, int]] = field(default_factory=Counter)
    facts: Counter[tuple[str, bytes]] = field(default_factory=Counter)


def watch_journal(made: Installation, edge: str) -> None:
    """Let an edge's journal keep a copy of whatever is written into it; before the edge first starts."""
    path = _journal(made.root, edge)
    path.parent.mkdir(parents=True, exist_ok=True)
    Journal(path, cap_records=200_000).close()
    with open_file(path) as connection:
        connection.executescript(_KEEP)


def look(root: Path, made: Installation) -> Found:
    """Hold what the edges in `root` wrote against what its server has; `root` may be a copy."""
    found = Found()
    with open_file(root / "server" / "data" / "ancu.db") as server:
        has = _inbox(server)
        found.readings, found.facts = has.readings.total(), has.facts.total()
        _say(found, "reading doubled in the inbox", [key for key, count in has.readings.items() if count > 1])
        for edge in made.homes:
            with open_file(_journal(root, edge)) as journal:
                _hold_against(found, edge, journal, server, has)
    _series(found, root, has.readings)
    return found


def readings(root: Path) -> list[np.void]:
    """Every reading in the inbox of the server in `root`, with the columns of ancu.server.ingest.columns."""
    with open_file(root / "server" / "data" / "ancu.db") as server:
        return [r for (packed,) in server.execute("SELECT readings FROM inbox") for r in reading_rows(packed)]


@contextmanager
def open_file(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


def _journal(root: Path, edge: str) -> Path:
    return root / edge / "data" / "journal.db"


def _say(found: Found, what: str, keys: Sequence[object]) -> None:
    if keys:
        found.wrong.append(f"{what}: {len(keys)}, as {keys[0]}")


def _inbox(server: sqlite3.Connection) -> _Has:
    has = _Has()
    columns = ("received_ms", "ward", "edge", "gateway", "lane", "epoch", "first", "count", "readings", "facts")
    for line in server.execute(f"SELECT {', '.join(columns)} FROM inbox"):  # noqa: S608 - our own names
        row = Row(*line)
        has.readings.update((int(r["band"]), int(r["counter"])) for r in reading_rows(row.readings))
        has.facts.update((row.edge, pack_record(fact)) for _, fact in facts_of(row)[0])
    return has


def _hold_against(found: Found, edge: str, journal: sqlite3.Connection, server: sqlite3.Connection, has: _Has) -> None:
    epoch = journal.execute("SELECT epoch FROM journal").fetchone()[0]
    wanted: Counter[bytes] = Counter()
    for lane, base, dropped in journal.execute("SELECT lane, base, dropped FROM lanes").fetchall():
        where = f"{edge} {Lane(lane).name.lower()}"
        if dropped:
            _say(found, f"{where}: given up by the edge", [dropped])
        upto = _tiled(found, where, server, (edge, epoch, lane))
        if upto < base - 1:
            _say(found, f"{where}: confirmed but not in the inbox", [f"{upto + 1}..{base - 1}"])
        found.confirmed += base - 1
        kept = journal.execute(
            "SELECT sequence, blob FROM kept WHERE epoch = ? AND lane = ? AND sequence <= ? ORDER BY sequence",
            (epoch, lane, upto),
        ).fetchall()
        if [row["sequence"] for row in kept] != list(range(1, upto + 1)):
            _say(found, f"{where}: the server has what the edge never wrote", [upto])
        for _, blob in kept:
            record = unpack_record(blob)
            if not isinstance(record, Heard):
                wanted[blob] += 1
            elif has.readings[int(record.band), counter_of(record.body)] != 1:
                _say(found, f"{where}: reading lost", [(record.band, counter_of(record.body))])
    stated = Counter({blob: count for (of, blob), count in has.facts.items() if of == edge})
    _say(found, f"{edge}: fact lost", list((wanted - stated).elements()))
    _say(found, f"{edge}: fact doubled", list((stated - wanted).elements()))


def _tiled(found: Found, where: str, server: sqlite3.Connection, mark: tuple[str, int, int]) -> int:
    """Rows of a lane lie side by side from 1 on, without a hole or an overlap; returns where they end."""
    upto = 0
    ours = "edge = ? AND epoch = ? AND lane = ?"
    rows = server.execute(f"SELECT first, count FROM inbox WHERE {ours} ORDER BY position", mark)  # noqa: S608
    for first, count in rows:
        if first != upto + 1:
            _say(found, f"{where}: hole or overlap in the inbox", [f"{first} after {upto}"])
        upto = max(upto, first + count - 1)
    held = server.execute(f"SELECT upto FROM watermarks WHERE {ours}", mark).fetchone()  # noqa: S608
    if (held["upto"] if held else 0) != upto:
        _say(found, f"{where}: the watermark is not where the inbox ends", [upto])
    return upto


def _series(found: Found, root: Path, read: Counter[tuple[int, int]]) -> None:
    """The series may be behind; fed with what is left it holds every reading once."""
    data = root / "server" / "data"
    fed = Series(data / "series.duckdb", data / "ancu.db")
    fed.catch_up()
    fed.stop()
    with closing(duckdb.connect(str(data / "series.duckdb"), read_only=True)) as series:
        rows = series.execute("SELECT band, counter FROM readings").fetchall()
    shown = Counter(dict.fromkeys(read, 0))
    shown.update((band, counter) for band, counter in rows)
    _say(found, "reading doubled in the series", [key for key, count in shown.items() if count > 1])
    _say(found, "reading missing in the series", [key for key, count in shown.items() if count < 1])

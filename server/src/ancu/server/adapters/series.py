"""The series: readings as columns in DuckDB, derived from the inbox and rebuilt from it when lost.

Rows and the inbox position up to which they go are committed together, so a crash neither loses nor doubles a reading.
The inbox may hold a frame twice when two edges of a site heard it in different outages: queries count a counter once.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from ancu.models.errors import ConfigError
from ancu.models.frame import Status
from ancu.server.adapters.sqlite import connect
from ancu.server.ingest.columns import Flag, reading_rows
from ancu.server.ports import Point

__all__ = ["MAX_POINTS", "Series"]

log = logging.getLogger(__name__)
MAX_POINTS = 5_000  # of one answer; a chart has fewer pixels
_ROWS = 2_000  # of the inbox in one transaction
_PERIOD_S = 1.0
_MEMORY = "128MB"  # the server's whole budget is 160 MiB

_SCHEMA = """
CREATE TABLE IF NOT EXISTS readings (
    band UINTEGER NOT NULL, told_at TIMESTAMP NOT NULL, heard_at TIMESTAMP NOT NULL, edge VARCHAR NOT NULL,
    rssi TINYINT, battery UTINYINT, skin SMALLINT, heart UTINYINT, spo2 UTINYINT, status UTINYINT,
    counter UINTEGER NOT NULL, late BOOLEAN NOT NULL);
CREATE TABLE IF NOT EXISTS watermark (inbox BIGINT NOT NULL);
INSERT INTO watermark SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM watermark);
"""
_INSERT = """
INSERT INTO readings SELECT band, make_timestamp(at_ms * 1000), make_timestamp(heard_ms * 1000), edge,
    rssi, battery, skin, heart, spo2, status, counter, late FROM fresh
"""
_QUERY = """
WITH once AS (
    SELECT DISTINCT ON (counter) * FROM readings WHERE band = $band AND told_at >= $start AND told_at < $end
    ORDER BY counter)
SELECT epoch_ms(told_at) // ($every * 1000) AS bucket, avg(nullif(heart, 0)), avg(nullif(spo2, 0)), avg(skin) / 10,
    avg(battery), avg(nullif(rssi, 0)), bool_or(status & $skin <> 0), count(*),
    count(*) FILTER (WHERE late)
FROM once GROUP BY bucket ORDER BY bucket
"""


class Series:
    """Owns the DuckDB file; feeds in a thread of its own, answers from any thread."""

    def __init__(self, path: Path, inbox: Path) -> None:
        self._path = path
        self._inbox = inbox
        self._lock = threading.Lock()  # DuckDB's connection is not for two threads at a time
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._main, name="series", daemon=True)
        self._connection = self._open()
        self.fault: str | None = None
        self.upto = self._watermark()

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 3.0) -> None:
        self._stopping.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        with self._lock:
            self._connection.close()

    def wake(self) -> None:
        """The inbox grew."""
        self._wake.set()

    def catch_up(self) -> int:
        """Take everything that the inbox holds; returns how many readings came."""
        source = connect(self._inbox, read_only=True)
        try:
            total = 0
            while not self._stopping.is_set():
                rows = source.execute(
                    "SELECT position, edge, readings FROM inbox WHERE position > ? ORDER BY position LIMIT ?",
                    (self.upto, _ROWS),
                ).fetchall()
                if not rows:
                    break
                total += self._take(rows)
            return total
        finally:
            source.close()

    def query(self, band: int, start: datetime, end: datetime, every_s: int) -> Sequence[Point]:
        """Down-sampled readings of a band by the band's own time; `every_s` grows so that MAX_POINTS suffice."""
        every = max(1, every_s, -(-int((end - start).total_seconds()) // MAX_POINTS))
        values = {
            "band": band,
            "start": start.astimezone(UTC).replace(tzinfo=None),
            "end": end.astimezone(UTC).replace(tzinfo=None),
            "every": every,
            "skin": int(Status.SKIN),
        }
        with self._lock:
            rows = self._connection.execute(_QUERY, values).fetchall()
        return [
            Point(datetime.fromtimestamp(bucket * every, UTC), heart, spo2, skin, battery, rssi, worn, heard, late)
            for bucket, heart, spo2, skin, battery, rssi, worn, heard, late in rows
        ]

    def count(self) -> int:
        """Readings held."""
        with self._lock:
            return _number(self._connection.execute("SELECT count(*) FROM readings").fetchone())

    def _main(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                self.catch_up()
                if self.fault is not None:
                    log.info("the series is fed again")
                    self.fault = None
            except (duckdb.Error, sqlite3.Error, OSError) as error:
                if self.fault is None:
                    log.error("the series is not fed", extra={"why": str(error)})  # noqa: TRY400 - one line says it
                self.fault = str(error)
                self._wake.set()
            self._stopping.wait(_PERIOD_S)

    def _take(self, rows: Sequence[sqlite3.Row]) -> int:
        filled = [row for row in rows if row["readings"]]
        position = rows[-1]["position"]
        with self._lock:
            connection = self._connection
            connection.execute("BEGIN")
            try:
                count = _insert(connection, filled) if filled else 0
                connection.execute("UPDATE watermark SET inbox = ?", [position])
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
        self.upto = position
        return count

    def _open(self) -> duckdb.DuckDBPyConnection:
        try:
            connection = _connect(self._path)
        except duckdb.Error as error:
            if "lock" in str(error).lower():
                raise ConfigError(f"{self._path}: another process has it open") from None
            log.warning("the series cannot be read and is made anew", extra={"why": str(error)[:200]})
            for file in (self._path, self._path.with_name(self._path.name + ".wal")):
                if file.exists():
                    file.replace(file.with_name(file.name + ".broken"))
            connection = _connect(self._path)
        connection.execute(_SCHEMA)
        return connection

    def _watermark(self) -> int:
        """Where to go on; an inbox that is behind it is another inbox, so the series is made anew."""
        upto = _number(self._connection.execute("SELECT inbox FROM watermark").fetchone())
        source = connect(self._inbox, read_only=True)
        try:
            last = source.execute("SELECT coalesce(max(position), 0) FROM inbox").fetchone()[0]
        finally:
            source.close()
        if upto <= last:
            return upto
        log.warning("the series is ahead of the inbox and is made anew", extra={"series": upto, "inbox": last})
        self._connection.execute("BEGIN; DELETE FROM readings; UPDATE watermark SET inbox = 0; COMMIT")
        return 0


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(path), config={"memory_limit": _MEMORY, "threads": 1, "preserve_insertion_order": False})


def _insert(connection: duckdb.DuckDBPyConnection, rows: Sequence[sqlite3.Row]) -> int:
    parts = [reading_rows(row["readings"]) for row in rows]
    readings = np.concatenate(parts)
    unsynced = readings["status"] & int(Status.UNSYNCED) != 0
    fresh: dict[str, Any] = {
        "band": readings["band"],
        "at_ms": np.where(unsynced, readings["heard_ms"].astype("i8"), readings["counter"].astype("i8") * 1000),
        "heard_ms": readings["heard_ms"].astype("i8"),
        "edge": np.repeat(np.array([row["edge"] for row in rows], dtype=object), [len(part) for part in parts]),
        "rssi": readings["rssi_dbm"],
        "battery": readings["battery_percent"],
        "skin": readings["skin_deci_c"],
        "heart": readings["heart_bpm"],
        "spo2": readings["spo2_percent"],
        "status": readings["status"],
        "counter": readings["counter"],
        "late": readings["flags"] & int(Flag.LATE) != 0,
    }
    connection.register("fresh", {name: np.ascontiguousarray(column) for name, column in fresh.items()})
    try:
        connection.execute(_INSERT)
    finally:
        connection.unregister("fresh")
    return len(readings)


def _number(row: tuple[Any, ...] | None) -> int:
    return 0 if row is None else int(row[0])

"""The figures of the work out of the server's file, and the last day's as gauges. Reads only."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ancu.models.clock import Clock, from_ms, to_ms
from ancu.models.errors import AncuError
from ancu.server.review.kpis import Kpis, OrderSpan, kpis
from ancu.server.review.stats import Spread
from ancu.server.review.stored import at_one_moment, journal_events
from ancu.server.review.stories import stories

__all__ = ["Gauges", "figures", "figures_of", "order_spans"]

log = logging.getLogger(__name__)
_LOOK_BACK = timedelta(days=14)  # an alert of an order that still runs may page long after it opened
_DAY = timedelta(days=1)
_OLD_S = 60.0


def figures(
    database: Path, start: datetime, end: datetime, *, wards: frozenset[str] | None = None, ward: str | None = None
) -> Kpis:
    """Figures of [start, end) for who sees these wards (None: all); opens the file for itself."""
    with at_one_moment(database) as connection:
        return figures_of(connection, start, end, wards=wards, ward=ward)


def figures_of(
    connection: sqlite3.Connection,
    start: datetime,
    end: datetime,
    *,
    wards: frozenset[str] | None = None,
    ward: str | None = None,
) -> Kpis:
    told = stories(journal_events(connection, start - _LOOK_BACK)).values()
    return kpis(told, order_spans(connection, start), start, end, wards=wards, ward=ward)


def order_spans(connection: sqlite3.Connection, since: datetime) -> list[OrderSpan]:
    """Orders that were in force at or after a time."""
    rows = connection.execute(
        "SELECT o.person, p.ward, o.from_ms, min(o.until_ms, coalesce(o.ended_ms, o.until_ms)) AS over_ms"
        " FROM orders o JOIN persons p ON p.id = o.person WHERE over_ms >= ?",
        (to_ms(since),),
    )
    return [OrderSpan(r["person"], r["ward"], from_ms(r["from_ms"]), from_ms(r["over_ms"])) for r in rows]


class Gauges:
    """The last day's figures of all wards for a machine that watches: never older than a scrape and a minute."""

    def __init__(self, database: Path, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="figures")
        self._lock = threading.Lock()
        self._running: Future[None] | None = None
        self._at: float | None = None
        self._held: dict[str, Any] = {}

    def counts(self) -> Mapping[str, Any]:
        """What is known; asks for newer figures when these are old, and does not wait for them."""
        with self._lock:
            now = self._clock.monotonic()
            idle = self._running is None or self._running.done()
            if idle and (self._at is None or now - self._at >= _OLD_S):
                self._at = now
                self._running = self._worker.submit(self._refresh)
            return dict(self._held)

    def close(self) -> None:
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _refresh(self) -> None:
        end = self._clock.now()
        try:
            held = _gauges(figures(self._database, end - _DAY, end))
        except (AncuError, OSError) as error:
            log.warning("no figures for the metrics", extra={"why": error.__class__.__name__})
            return
        with self._lock:
            self._held = held


def _gauges(found: Kpis) -> dict[str, Any]:
    gauges: dict[str, Any] = {
        "kpi_person_days": found.person_days,
        "kpi_alerts": found.alerts,
        "kpi_pages": found.pages,
        "kpi_alerts_per_100_person_days": found.alerts_per_100_days,
        "kpi_pages_per_100_person_days": found.pages_per_100_days,
        "kpi_precision": found.precision.share,
        "kpi_paged_precision": found.paged_precision.share,
        "kpi_missed_exits": found.exits.missed,
        "kpi_releases_due": found.releases.due,
        "kpi_releases_on_time": found.releases.on_time,
        "kpi_notify_seconds": _quantiles(found.to_notify),
        "kpi_acknowledge_seconds": _quantiles(found.to_acknowledge),
        "kpi_resolve_seconds": _quantiles(found.to_resolve),
    }
    return {name: value for name, value in gauges.items() if value is not None and value != {}}


def _quantiles(found: Spread) -> dict[str, float]:
    return {name: value for name, value in (("p50", found.p50_s), ("p95", found.p95_s)) if value is not None}

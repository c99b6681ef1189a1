"""The desk: what pages and API see and change, over the store, the series and the core's memory."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from ancu.models.clock import Clock, from_ms
from ancu.models.errors import UsageError
from ancu.models.ids import band_name, band_number
from ancu.server.adapters.series import Series
from ancu.server.adapters.sqlite import connect
from ancu.server.answers import KeyReused, once
from ancu.server.changes import Changes
from ancu.server.core import Core, CoreStopped, Transaction
from ancu.server.desk.alerts import AlertsDesk, StoredChanges
from ancu.server.desk.citizen import CitizenDesk
from ancu.server.desk.orders import OrdersDesk
from ancu.server.desk.people import Directory, battery_of, status_names
from ancu.server.desk.rows import alert_row, calls_of, label_of, or_none
from ancu.server.memory import Memory
from ancu.server.people.private import Private
from ancu.server.ports import (
    Desk,
    DeviceRow,
    NotFound,
    Page,
    PersonDetail,
    Point,
    Role,
    Viewer,
)
from ancu.server.review.figures import Gauges, figures
from ancu.server.review.kpis import as_json
from ancu.server.scope import Scope

__all__ = ["KeyReused", "StoreDesk"]

T = TypeVar("T")


class StoreDesk(CitizenDesk, OrdersDesk, AlertsDesk, Desk):
    """Reads on a thread and a connection of its own; changes go through the core. Belongs to one event loop."""

    def __init__(
        self,
        database: Path,
        *,
        core: Core,
        memory: Memory,
        series: Series,
        clock: Clock,
        linked: Callable[[], bool],
        link_counts: Callable[[], Mapping[tuple[str, str], int]],
        more_counts: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._database = database
        self._core, self._memory, self._series, self._clock = core, memory, series, clock
        self._linked, self._link_counts, self._more_counts = linked, link_counts, more_counts
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="desk")
        self._gauges = Gauges(database, clock)
        self._local = threading.local()
        self._cached: Directory | None = None
        self._changes = Changes(StoredChanges(self._read, self._directory))

    def close(self) -> None:
        """End reading, and every stream."""
        self._changes.close()
        self._reader.shutdown(wait=False, cancel_futures=True)
        self._gauges.close()

    async def person(self, viewer: Viewer, person: str) -> PersonDetail:
        directory = self._directory()
        directory.person(viewer, person)
        detail = (await self._persons(viewer, directory, [person]))[0]
        await self.looked(viewer, person, "person")
        return detail

    async def people(self, viewer: Viewer, *, limit: int = 100, cursor: str | None = None) -> Page[PersonDetail]:
        directory = self._directory()
        ids = [person for person in directory.persons(viewer) if cursor is None or person > cursor]
        shown = ids[:limit]
        details = await self._persons(viewer, directory, shown)
        return Page(details, shown[-1] if len(ids) > limit else None)

    async def readings(
        self, viewer: Viewer, band: str, start: datetime, end: datetime, every_s: int
    ) -> Sequence[Point]:
        """Never from before the order that the band serves: those are someone else's."""
        try:
            number = band_number(band)
        except UsageError:
            raise NotFound(f"no band {band!r}") from None
        order = self._directory().band(viewer, number)
        start = max(start, order.starts_at)
        if start >= end:
            return []
        await self.looked(viewer, order.person, "readings")
        return await asyncio.to_thread(self._series.query, number, start, end, every_s)

    async def devices(
        self, viewer: Viewer, *, kind: str | None = None, limit: int = 200, cursor: str | None = None
    ) -> Page[DeviceRow]:
        rows = self._directory().devices(viewer, self._memory.latest, self._clock.now(), kind)
        rest = [row for row in rows if cursor is None or f"{row.kind}:{row.id}" > cursor]
        shown = rest[:limit]
        return Page(shown, f"{shown[-1].kind}:{shown[-1].id}" if len(rest) > limit else None)

    async def kpis(
        self, viewer: Viewer, *, start: datetime, end: datetime, ward: str | None = None
    ) -> Mapping[str, Any]:
        scope = Scope.of(viewer)
        if viewer.role is Role.CITIZEN or (ward is not None and not scope.has(ward)):
            raise NotFound(f"no ward {ward!r}")
        return as_json(await asyncio.to_thread(figures, self._database, start, end, wards=scope.wards, ward=ward))

    async def health(self) -> Mapping[str, Any]:
        fault = self._core.fault
        reason = fault or (None if self._linked() else "no link to the broker")
        counts: dict[str, Any] = {}
        for (name, label), count in [*self._core.counts.items(), *self._link_counts().items()]:
            if label:
                counts.setdefault(f"{name}_total", {})[label] = counts.get(f"{name}_total", {}).get(label, 0) + count
            else:
                counts[f"{name}_total"] = counts.get(f"{name}_total", 0) + count
        latencies = sorted(self._core.commit_s)
        counts["queue_length"] = self._core.waiting()
        counts["series_behind"] = max(0, self._core.row - self._series.upto)
        if latencies:
            counts["confirm_latency_seconds"] = {
                "p50": latencies[len(latencies) // 2],
                "p99": latencies[len(latencies) * 99 // 100],
            }
        counts |= self._more_counts()
        counts |= self._gauges.counts()
        return {"ready": reason is None, "reason": reason, "series": self._series.fault, "counters": counts}

    # --- inside ---

    def _directory(self) -> Directory:
        register = self._memory.roster
        if register is None:
            raise CoreStopped("the server is starting")
        if self._cached is None or self._cached.register is not register:
            self._cached = Directory(register)
        return self._cached

    async def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._on_reader, read)

    def _on_reader(self, read: Callable[[sqlite3.Connection], T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._database, read_only=True)
        return read(connection)

    async def _once(self, viewer: Viewer, key: str, asked: str, run: Callable[[Transaction], str]) -> str:
        """Carry something out once for a key; the same key has the same answer. Raises KeyReused."""
        return await asyncio.wrap_future(self._core.command(lambda tx: once(tx, viewer.id, key, asked, run)))

    async def _persons(self, viewer: Viewer, directory: Directory, persons: Sequence[str]) -> list[PersonDetail]:
        scope, now = Scope.of(viewer), self._clock.now()
        return await self._read(lambda c: [self._person(c, scope, directory, person, now) for person in persons])

    def _person(
        self, connection: sqlite3.Connection, scope: Scope, directory: Directory, person: str, now: datetime
    ) -> PersonDetail:
        order = directory.order_of[person]
        band = directory.band_of.get(order.id)
        newest = directory.said_by(order, self._memory.latest)
        presence, since = self._memory.judging.presence(person, now)
        private = Private(connection, scope)
        rows = connection.execute(
            f"SELECT * FROM {scope.view('alerts')} WHERE person = :person ORDER BY opened_ms DESC LIMIT 50",  # noqa: S608 - our own words; values are bound
            scope.values | {"person": person},
        )
        latest: dict[str, Any] = {}
        if newest is not None:
            latest = {
                "heart_bpm": newest.heart_bpm or None,
                "spo2_percent": newest.spo2_percent or None,
                "skin_deci_c": newest.skin_deci_c,
                "battery_percent": battery_of(newest),
                "status": status_names(newest.status),
                "tamper": newest.tamper,
                "reduced": newest.reduced,
            }
        box = None if order.edge is None else self._memory.latest.edge(order.edge)
        if box is not None and box.beat_ms:
            latest["box_mains"] = box.mains
        return PersonDetail(
            id=person,
            label=label_of(connection, scope, person),
            ward=order.ward,
            address=or_none(private.address, person),
            calls=calls_of(connection, scope, person),
            order=order.id,
            order_from=order.starts_at,
            order_until=order.until,
            ended_at=order.ended_at,
            band=None if band is None else band_name(band.number),
            edge=order.edge,
            presence=presence,
            presence_since=since,
            last_heard_at=None if newest is None else from_ms(newest.heard_ms),
            latest=latest,
            alerts=[alert_row(connection, directory, row) for row in rows.fetchall()],
        )

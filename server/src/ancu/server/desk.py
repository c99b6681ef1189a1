"""The desk: what pages and API see and change, over the store, the series and the core's memory."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ancu.models.clock import Clock, from_ms
from ancu.models.errors import UsageError
from ancu.models.ids import band_name, band_number
from ancu.server.adapters.series import Series
from ancu.server.adapters.sqlite import connect
from ancu.server.adapters.store_journal import records_after
from ancu.server.alerts import alert as lifecycle
from ancu.server.alerts.events import AlertEvent, Attached, Raised, Reopened, SeverityRaised, Sign, unpack
from ancu.server.answers import KeyReused, once
from ancu.server.cases.inputs import SosTapped
from ancu.server.core import Core, CoreStopped, Transaction
from ancu.server.desk_citizen import CitizenDesk
from ancu.server.desk_console import ConsoleDesk
from ancu.server.desk_orders import OrdersDesk
from ancu.server.desk_people import CLINICAL, Directory, sees, sees_kind, status_names
from ancu.server.memory import Memory
from ancu.server.people.errors import Absent
from ancu.server.people.private import Private
from ancu.server.ports import (
    AlertDetail,
    AlertRow,
    AlertState,
    CallCard,
    Change,
    Desk,
    DeviceRow,
    NotFound,
    Outcome,
    Page,
    PersonDetail,
    Point,
    Role,
    Severity,
    Signal,
    Viewer,
)
from ancu.server.projection import STREAM, alert_of, events_of, record_of, signal_of, steps_of
from ancu.server.review.excuses import excuses
from ancu.server.review.figures import Gauges, figures
from ancu.server.review.kpis import as_json

__all__ = ["KeyReused", "StoreDesk"]

T = TypeVar("T")
_CHANGES = 100  # read at once


class StoreDesk(CitizenDesk, OrdersDesk, ConsoleDesk, Desk):
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
        self._grown = asyncio.Event()
        self._cached: Directory | None = None

    def told(self, position: int) -> None:  # noqa: ARG002 - streams ask the store what is new
        """The journal grew; called on the loop."""
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def close(self) -> None:
        """End reading."""
        self._reader.shutdown(wait=False, cancel_futures=True)
        self._gauges.close()

    # --- alerts ---

    async def alerts(
        self,
        viewer: Viewer,
        *,
        states: frozenset[AlertState] | None = None,
        kinds: frozenset[str] | None = None,
        severities: frozenset[Severity] | None = None,
        ward: str | None = None,
        person: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[AlertRow]:
        """Newest first."""
        where, values = _scope(viewer)
        for column, wanted in (("state", states), ("kind", kinds), ("severity", severities)):
            if wanted is not None:
                where.append(f"{column} IN ({_marks(len(wanted))})")
                values += [str(one) for one in wanted]
        for column, value in (("ward", ward), ("person", person)):
            if value is not None:
                where.append(f"{column} = ?")
                values.append(value)
        if cursor is not None:
            opened, _, id_ = cursor.partition("-")
            if not opened.isdigit():
                raise UsageError("not a cursor of this list")
            where.append("(opened_ms, id) < (?, ?)")
            values += [int(opened), id_]
        query = f"SELECT * FROM alerts WHERE {' AND '.join(where)} ORDER BY opened_ms DESC, id DESC LIMIT ?"  # noqa: S608 - our own words; values are bound
        directory = self._directory()

        def read(connection: sqlite3.Connection) -> Page[AlertRow]:
            rows = connection.execute(query, (*values, limit + 1)).fetchall()
            last = rows[limit - 1] if len(rows) > limit else None
            items = [_alert_row(connection, directory, row) for row in rows[:limit]]
            return Page(items, None if last is None else f"{last['opened_ms']}-{last['id']}")

        return await self._read(read)

    async def alert(self, viewer: Viewer, alert: str) -> AlertDetail:
        directory, now = self._directory(), self._clock.now()

        def read(connection: sqlite3.Connection) -> AlertDetail:
            row = _seen(connection, viewer, alert)
            events = [
                (s.position, unpack(s.record.body)) for s in records_after(connection, 0, stream=STREAM, subject=alert)
            ]
            shown = _alert_row(connection, directory, row)
            return AlertDetail(
                row=shown,
                evidence=[signal_of(sign) for _, event in events for sign in _signs(event)],
                timeline=steps_of(events),
                ruled_out=[signal_of(s) for _, event in events if isinstance(event, Raised) for s in event.ruled_out],
                calls=_calls(connection, shown.person),
                last_known=self._last_known(directory, shown, now),
                thresholds=_thresholds(events),
                excuses=excuses(connection, (event for _, event in events)),
            )

        detail = await self._read(read)
        await self.looked(viewer, detail.row.person, "alert")
        return detail

    async def acknowledge(self, viewer: Viewer, alert: str, *, key: str) -> AlertRow:
        return await self._act(viewer, alert, lifecycle.Acknowledge(viewer.id), key)

    async def snooze(self, viewer: Viewer, alert: str, until: datetime, *, key: str) -> AlertRow:
        return await self._act(viewer, alert, lifecycle.Snooze(viewer.id, until), key)

    async def contact(self, viewer: Viewer, alert: str, how: str, *, key: str) -> AlertRow:
        return await self._act(viewer, alert, lifecycle.Contact(viewer.id, how), key)

    async def dispatch(self, viewer: Viewer, alert: str, unit: str, *, key: str) -> AlertRow:
        return await self._act(viewer, alert, lifecycle.Dispatch(viewer.id, unit), key)

    async def resolve(self, viewer: Viewer, alert: str, outcome: Outcome, *, note: str = "", key: str) -> AlertRow:
        return await self._act(viewer, alert, lifecycle.Resolve(viewer.id, outcome, note), key)

    async def sos(self, viewer: Viewer, *, key: str) -> AlertRow:
        person = viewer.person
        if person is None:
            raise NotFound("no person")
        self._directory().person(viewer, person)

        def tap(tx: Transaction) -> str:
            records = tx.memory.feed(SosTapped(from_ms(tx.now_ms), person))
            tx.records += records
            for record in records:
                if record.stream == STREAM:
                    return record.subject
            row = tx.store.connection.execute(
                "SELECT id FROM alerts WHERE person = ? AND kind = 'sos' AND state <> 'resolved'"
                " ORDER BY opened_ms DESC LIMIT 1",
                (person,),
            ).fetchone()
            if row is None:
                raise NotFound("no open call for help")
            return str(row["id"])

        alert = await self._once(viewer, key, f"sos {person}", tap)
        return await self._row(viewer, alert)

    async def changes(self, viewer: Viewer, after: int | None) -> AsyncIterator[Change]:
        newest = await self._read(lambda c: c.execute("SELECT coalesce(max(position), 0) FROM alerts").fetchone()[0])
        at = newest if after is None else min(after, newest)
        where, values = _scope(viewer)
        query = f"SELECT * FROM alerts WHERE {' AND '.join(where)} AND position > ? ORDER BY position LIMIT {_CHANGES}"  # noqa: S608
        while True:
            grown, directory = self._grown, self._directory()

            def read(
                connection: sqlite3.Connection, after: int = at, directory: Directory = directory
            ) -> list[AlertRow]:
                rows = connection.execute(query, (*values, after)).fetchall()
                return [_alert_row(connection, directory, row) for row in rows]

            rows = await self._read(read)
            for row in rows:
                at = row.position
                yield Change(row.position, row)
            if not rows:
                await grown.wait()

    # --- people and devices ---

    async def person(self, viewer: Viewer, person: str) -> PersonDetail:
        directory = self._directory()
        directory.person(viewer, person)
        detail = _for(viewer, (await self._persons(directory, [person]))[0])
        await self.looked(viewer, person, "person")
        return detail

    async def people(self, viewer: Viewer, *, limit: int = 100, cursor: str | None = None) -> Page[PersonDetail]:
        directory = self._directory()
        ids = [person for person in directory.persons(viewer) if cursor is None or person > cursor]
        shown = ids[:limit]
        details = [_for(viewer, detail) for detail in await self._persons(directory, shown)]
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
        if viewer.role is Role.CITIZEN or (ward is not None and not sees(viewer, ward, None)):
            raise NotFound(f"no ward {ward!r}")
        return as_json(await asyncio.to_thread(figures, self._database, start, end, wards=viewer.wards, ward=ward))

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

    def _scoped(self, viewer: Viewer) -> tuple[list[str], list[Any]]:
        return _scope(viewer)

    def _shown(self, connection: sqlite3.Connection, directory: Directory, row: sqlite3.Row) -> AlertRow:
        return _alert_row(connection, directory, row)

    def _label(self, connection: sqlite3.Connection, person: str) -> str:
        return _label(Private(connection), person)

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

    async def _row(self, viewer: Viewer, alert: str) -> AlertRow:
        directory = self._directory()
        return await self._read(lambda c: _alert_row(c, directory, _seen(c, viewer, alert)))

    async def _act(self, viewer: Viewer, alert: str, command: lifecycle.Command, key: str) -> AlertRow:
        def act(tx: Transaction) -> str:
            _seen(tx.store.connection, viewer, alert)
            if viewer.role is Role.CITIZEN:
                raise NotFound(f"no alert {alert!r}")  # he may see it; it is not his to close
            state = alert_of(events_of(tx.store, alert))
            assert state is not None  # noqa: S101 - its row was there
            for event in lifecycle.decide(state, command, from_ms(tx.now_ms)):
                record = record_of(event)
                tx.memory.judging.evolve(record)
                tx.records.append(record)
            return alert

        return await self._row(viewer, await self._once(viewer, key, f"{alert} {command!r}", act))

    async def _once(self, viewer: Viewer, key: str, asked: str, run: Callable[[Transaction], str]) -> str:
        """Carry something out once for a key; the same key has the same answer. Raises KeyReused."""
        return await asyncio.wrap_future(self._core.command(lambda tx: once(tx, viewer.id, key, asked, run)))

    async def _persons(self, directory: Directory, persons: Sequence[str]) -> list[PersonDetail]:
        now = self._clock.now()
        return await self._read(lambda c: [self._person(c, directory, person, now) for person in persons])

    def _person(self, connection: sqlite3.Connection, directory: Directory, person: str, now: datetime) -> PersonDetail:
        order = directory.order_of[person]
        band = directory.band_of.get(order.id)
        newest = directory.said_by(order, self._memory.latest)
        presence, since = self._memory.judging.presence(person, now)
        private = Private(connection)
        rows = connection.execute("SELECT * FROM alerts WHERE person = ? ORDER BY opened_ms DESC LIMIT 50", (person,))
        latest: dict[str, Any] = {}
        if newest is not None:
            latest = {
                "heart_bpm": newest.heart_bpm or None,
                "spo2_percent": newest.spo2_percent or None,
                "skin_deci_c": newest.skin_deci_c,
                "battery_percent": newest.battery_percent,
                "status": status_names(newest.status),
                "tamper": newest.tamper,
            }
        return PersonDetail(
            id=person,
            label=_label(private, person),
            ward=order.ward,
            address=_or_none(private.address, person),
            calls=_calls(connection, person),
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
            alerts=[_alert_row(connection, directory, row) for row in rows.fetchall()],
        )

    def _last_known(self, directory: Directory, row: AlertRow, now: datetime) -> dict[str, Any]:
        known: dict[str, Any] = {}
        order = directory.order_of.get(row.person or "")
        edge = order.edge if order else row.subject
        if row.person is not None and order is not None:
            known["presence"], known["presence_since"] = self._memory.judging.presence(row.person, now)
            newest = directory.said_by(order, self._memory.latest)
            if newest is not None:
                known |= {"last_heard_at": from_ms(newest.heard_ms), "battery_percent": newest.battery_percent}
        box = None if edge is None else self._memory.latest.edge(edge)
        if box is not None:
            known |= {"edge": edge, "edge_seen_at": from_ms(box.seen_ms), "radio_ok": box.radio_ok, "mains": box.mains}
        return known


def _scope(viewer: Viewer) -> tuple[list[str], list[Any]]:
    """The part of WHERE that keeps a viewer to what is his."""
    if viewer.role is Role.CITIZEN:
        return ["person = ?"], [viewer.person]
    where, values = ["1"], list[Any]()
    if viewer.wards is not None:
        where, values = [f"ward IN ({_marks(len(viewer.wards))})"], sorted(viewer.wards)
    hidden = [kind for kind in CLINICAL if not sees_kind(viewer, kind)]
    if hidden:
        where.append(f"kind NOT IN ({_marks(len(hidden))})")
        values += hidden
    return where, values


def _for(viewer: Viewer, detail: PersonDetail) -> PersonDetail:
    return replace(detail, alerts=[row for row in detail.alerts if sees_kind(viewer, row.kind)])


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _seen(connection: sqlite3.Connection, viewer: Viewer, alert: str) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute("SELECT * FROM alerts WHERE id = ?", (alert,)).fetchone()
    if row is None or not sees(viewer, row["ward"], row["person"]) or not sees_kind(viewer, row["kind"]):
        raise NotFound(f"no alert {alert!r}")
    return row


def _alert_row(connection: sqlite3.Connection, directory: Directory, row: sqlite3.Row) -> AlertRow:
    why: Signal = signal_of(msgspec.msgpack.decode(row["why"], type=Sign))
    return AlertRow(
        id=row["id"],
        kind=row["kind"],
        severity=Severity(row["severity"]),
        state=AlertState(row["state"]),
        ward=row["ward"],
        subject=row["subject"],
        subject_label=_subject_label(connection, directory, row),
        person=row["person"],
        opened_at=from_ms(row["opened_ms"]),
        updated_at=from_ms(row["updated_ms"]),
        ended_at=None if row["ended_ms"] is None else from_ms(row["ended_ms"]),
        acknowledged_by=row["acknowledged_by"],
        outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
        policy=row["policy"],
        why=why,
        position=row["position"],
        snoozed_until=None if row["snoozed_ms"] is None else from_ms(row["snoozed_ms"]),
        level=row["level"],
    )


def _subject_label(connection: sqlite3.Connection, directory: Directory, row: sqlite3.Row) -> str:
    subject: str = row["subject"]
    if row["person"] == subject:
        return _label(Private(connection), subject)
    for (edge, camera), record in directory.register.cameras.items():
        if f"{edge}/{camera}" == subject:
            return record.label
    ward = directory.register.wards.get(row["ward"])
    return f"{subject} · {ward.name}" if ward else subject


def _label(private: Private, person: str) -> str:
    return _or_none(private.label, person) or person


def _calls(connection: sqlite3.Connection, person: str | None) -> list[CallCard]:
    return [] if person is None else _or_none(Private(connection).calls, person) or []


def _or_none(ask: Callable[[str], T], person: str) -> T | None:
    try:
        return ask(person)
    except Absent:  # erased since
        return None


def _signs(event: AlertEvent) -> Sequence[Sign]:
    match event:
        case Raised() | Attached() | Reopened():
            return event.signs
        case SeverityRaised():
            return (event.sign,)
    return ()


def _thresholds(events: Sequence[tuple[int, AlertEvent]]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = {}
    for _, event in events:
        if isinstance(event, Raised | SeverityRaised) and event.thresholds:
            found = event.thresholds
    return found

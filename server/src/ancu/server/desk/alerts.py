"""The desk's alerts: listed, told of as they change, and acted on."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ancu.models.clock import Clock, from_ms
from ancu.models.errors import UsageError
from ancu.server.adapters.store_journal import records_after
from ancu.server.alerts import alert as lifecycle
from ancu.server.alerts.events import AlertEvent, Attached, Raised, Reopened, SeverityRaised, Sign, unpack
from ancu.server.cases.inputs import SosTapped
from ancu.server.changes import Changes, ChangeStore
from ancu.server.core import Transaction
from ancu.server.desk.console import ConsoleDesk
from ancu.server.desk.people import Directory
from ancu.server.desk.rows import alert_row, calls_of, seen_row
from ancu.server.memory import Memory
from ancu.server.ports import (
    AlertDetail,
    AlertRow,
    AlertState,
    Change,
    NotFound,
    Outcome,
    Page,
    Role,
    Severity,
    Viewer,
)
from ancu.server.projection import STREAM, alert_of, events_of, record_of, signal_of, steps_of
from ancu.server.review.excuses import excuses
from ancu.server.scope import EVERYTHING, Scope

__all__ = ["AlertsDesk", "StoredChanges"]


class StoredChanges(ChangeStore):
    """Changes as the store has them. `read` runs a query beside the loop."""

    def __init__(
        self,
        read: Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]],
        directory: Callable[[], Directory],
    ) -> None:
        self._read, self._directory = read, directory

    async def newest(self, after: int, most: int) -> Sequence[AlertRow]:
        return (await self._rows(EVERYTHING, "DESC", after, most))[::-1]

    async def missed(self, viewer: Viewer, after: int, most: int) -> Sequence[AlertRow]:
        return await self._rows(Scope.of(viewer), "ASC", after, most)

    async def _rows(self, scope: Scope, order: str, after: int, most: int) -> list[AlertRow]:
        directory = self._directory()
        query = f"SELECT * FROM {scope.view('alerts')} WHERE position > :after ORDER BY position {order} LIMIT :most"  # noqa: S608 - our own words; values are bound
        values = scope.values | {"after": after, "most": most}

        def read(connection: sqlite3.Connection) -> list[AlertRow]:
            return [alert_row(connection, directory, row) for row in connection.execute(query, values).fetchall()]

        rows: list[AlertRow] = await self._read(read)
        return rows


class AlertsDesk(ConsoleDesk):
    """Mixed into the desk, which brings what is named here."""

    _memory: Memory
    _clock: Clock
    _changes: Changes
    _directory: Callable[[], Directory]
    _read: Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]
    _once: Callable[[Viewer, str, str, Callable[[Transaction], str]], Awaitable[str]]
    looked: Callable[[Viewer, str | None, str], Awaitable[None]]

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
        scope = Scope.of(viewer)
        where, values = ["1"], scope.values | {"ward": ward, "person": person, "limit": limit + 1}
        for column, wanted in (("state", states), ("kind", kinds), ("severity", severities)):
            if wanted is not None:
                names = {f"{column}{n}": str(one) for n, one in enumerate(wanted)}
                where.append(f"{column} IN ({', '.join(f':{name}' for name in names)})")
                values |= names
        where += [f"{column} = :{column}" for column in ("ward", "person") if values[column] is not None]
        if cursor is not None:
            opened, _, id_ = cursor.partition("-")
            if not opened.isdigit():
                raise UsageError("not a cursor of this list")
            where.append("(opened_ms, id) < (:after_ms, :after)")
            values |= {"after_ms": int(opened), "after": id_}
        query = (
            f"SELECT * FROM {scope.view('alerts')} WHERE {' AND '.join(where)}"  # noqa: S608 - our own words; values are bound
            " ORDER BY opened_ms DESC, id DESC LIMIT :limit"
        )
        directory = self._directory()

        def read(connection: sqlite3.Connection) -> Page[AlertRow]:
            rows = connection.execute(query, values).fetchall()
            last = rows[limit - 1] if len(rows) > limit else None
            items = [alert_row(connection, directory, row) for row in rows[:limit]]
            return Page(items, None if last is None else f"{last['opened_ms']}-{last['id']}")

        page: Page[AlertRow] = await self._read(read)
        return page

    async def alert(self, viewer: Viewer, alert: str) -> AlertDetail:
        directory, now = self._directory(), self._clock.now()

        def read(connection: sqlite3.Connection) -> AlertDetail:
            row = seen_row(connection, viewer, alert)
            events = [
                (s.position, unpack(s.record.body)) for s in records_after(connection, 0, stream=STREAM, subject=alert)
            ]
            shown = alert_row(connection, directory, row)
            return AlertDetail(
                row=shown,
                evidence=[signal_of(sign) for _, event in events for sign in _signs(event)],
                timeline=steps_of(events),
                ruled_out=[signal_of(s) for _, event in events if isinstance(event, Raised) for s in event.ruled_out],
                calls=calls_of(connection, Scope.of(viewer), shown.person),
                last_known=self._last_known(directory, shown, now),
                thresholds=_thresholds(events),
                excuses=excuses(connection, (event for _, event in events)),
            )

        detail: AlertDetail = await self._read(read)
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
            scope = Scope.of(viewer)
            row = tx.store.connection.execute(
                f"SELECT id FROM {scope.view('alerts')} WHERE kind = 'sos' AND state <> 'resolved'"  # noqa: S608 - our own words; values are bound
                " ORDER BY opened_ms DESC LIMIT 1",
                scope.values,
            ).fetchone()
            if row is None:
                raise NotFound("no open call for help")
            return str(row["id"])

        alert = await self._once(viewer, key, f"sos {person}", tap)
        return await self._row(viewer, alert)

    def changes(self, viewer: Viewer, after: int | None) -> AsyncIterator[Change]:
        return self._changes.follow(viewer, after)

    async def position(self) -> int:
        return await self._changes.position()

    def told(self, position: int) -> None:  # noqa: ARG002 - the store is asked what is new
        """The journal grew; called on the loop."""
        self._changes.told()

    # --- inside ---

    def _shown(self, connection: sqlite3.Connection, directory: Directory, row: sqlite3.Row) -> AlertRow:
        return alert_row(connection, directory, row)

    async def _row(self, viewer: Viewer, alert: str) -> AlertRow:
        directory = self._directory()
        row: AlertRow = await self._read(lambda c: alert_row(c, directory, seen_row(c, viewer, alert)))
        return row

    async def _act(self, viewer: Viewer, alert: str, command: lifecycle.Command, key: str) -> AlertRow:
        def act(tx: Transaction) -> str:
            seen_row(tx.store.connection, viewer, alert)
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

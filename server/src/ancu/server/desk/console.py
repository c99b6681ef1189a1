"""The desk's officers' side: the inbox by urgency, undo, visits, search. Wards compared: `desk/province.py`."""

from __future__ import annotations

import sqlite3
import unicodedata
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from ancu.models.clock import Clock, from_ms, to_ms
from ancu.models.errors import UsageError
from ancu.server.alerts.alert import Command, Release, Wake
from ancu.server.core import Transaction
from ancu.server.desk.people import Directory
from ancu.server.desk.province import ProvinceDesk
from ancu.server.desk.rows import label_of
from ancu.server.memory import Memory
from ancu.server.optional import truth
from ancu.server.people.orders import new_id
from ancu.server.ports import AlertRow, Role, Severity, Viewer
from ancu.server.ports.console import Condition, Console, Found, Queue, VisitKind, VisitRow, Who
from ancu.server.ports.exchange import Refused
from ancu.server.scope import Scope

__all__ = ["ConsoleDesk", "plain_text"]

_ROWS = 200  # asked for by id at once
_LATE = timedelta(days=7)  # a visit form may have waited in a pocket so long
_AHEAD = timedelta(minutes=5)  # a phone's clock may be so far ahead of ours
_TAKEN = "(acknowledged_by IS NOT NULL OR coalesce(snoozed_ms, 0) > :now)"
_RANK = "CASE severity WHEN 'C' THEN 0 WHEN 'H' THEN 1 WHEN 'M' THEN 2 ELSE 3 END"
_ORDER = f"{_TAKEN}, {_RANK}, -opened_ms, id"
_KEY_PARTS = 4


class ConsoleDesk(ProvinceDesk, Console):
    """Mixed into the desk, which brings what is named here."""

    _memory: Memory
    _clock: Clock
    _directory: Callable[[], Directory]
    _read: Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]
    _act: Callable[[Viewer, str, Command, str], Awaitable[AlertRow]]
    _once: Callable[[Viewer, str, str, Callable[[Transaction], str]], Awaitable[str]]

    @abstractmethod
    def _shown(self, connection: sqlite3.Connection, directory: Directory, row: sqlite3.Row) -> AlertRow: ...

    async def queue(
        self,
        viewer: Viewer,
        *,
        severities: frozenset[Severity] | None = None,
        ward: str | None = None,
        mine: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Queue:
        scope = Scope.of(viewer)
        where, values = ["state <> 'resolved'"], scope.values
        values |= {"now": to_ms(self._clock.now()), "limit": limit + 1}
        if severities is not None:
            where.append(f"severity IN ({', '.join(repr(str(one)) for one in sorted(severities))})")
        if ward is not None:
            where.append("ward = :ward")
            values["ward"] = ward
        if mine:
            where.append("acknowledged_by = :me")
            values["me"] = viewer.id
        after = ""
        if cursor is not None:
            values |= _after(cursor)
            after = f" AND ({_ORDER}) > (:taken, :rank, :opened, :id)"
        among = " AND ".join(where)
        directory = self._directory()

        def read(db: sqlite3.Connection) -> Queue:
            rows = db.execute(
                f"SELECT *, {_TAKEN} AS taken, {_RANK} AS rank FROM {scope.view('alerts')} WHERE {among}{after}"  # noqa: S608 - our own words; values are bound
                f" ORDER BY {_ORDER} LIMIT :limit",
                values,
            ).fetchall()
            last = rows[limit - 1] if len(rows) > limit else None
            counts = db.execute(
                f"SELECT severity, count(*) AS n, sum(NOT {_TAKEN}) AS waiting FROM {scope.view('alerts')}"  # noqa: S608
                f" WHERE {among} GROUP BY 1",
                values,
            ).fetchall()
            return Queue(
                items=[self._shown(db, directory, row) for row in rows[:limit]],
                next_cursor=None if last is None else _cursor(last),
                counts={Severity(row["severity"]): row["n"] for row in counts},
                waiting=sum(row["waiting"] for row in counts),
            )

        found: Queue = await self._read(read)
        return found

    async def rows(self, viewer: Viewer, alerts: Sequence[str]) -> Sequence[AlertRow]:
        scope = Scope.of(viewer)
        ids = {f"id{n}": alert for n, alert in enumerate(list(dict.fromkeys(alerts))[:_ROWS])}
        among = ", ".join(f":{name}" for name in ids)
        directory = self._directory()

        def read(db: sqlite3.Connection) -> list[AlertRow]:
            query = f"SELECT * FROM {scope.view('alerts')} WHERE id IN ({among})"  # noqa: S608 - our own words; values are bound
            rows = db.execute(query, scope.values | ids).fetchall()
            return [self._shown(db, directory, row) for row in rows]

        found: list[AlertRow] = await self._read(read)
        return found

    async def release(self, viewer: Viewer, alert: str, *, key: str) -> AlertRow:
        return await self._act(viewer, alert, Release(viewer.id), key)

    async def wake(self, viewer: Viewer, alert: str, *, key: str) -> AlertRow:
        return await self._act(viewer, alert, Wake(viewer.id), key)

    # --- visits ------------------------------------------------------------------------------------------------------

    async def visits(self, viewer: Viewer, person: str, *, limit: int = 50) -> Sequence[VisitRow]:
        self._directory().person(viewer, person)
        if viewer.role is Role.CITIZEN:
            return ()  # officers' own notes; what is stored of a person is told on his page
        scope = Scope.of(viewer)

        def read(db: sqlite3.Connection) -> list[VisitRow]:
            rows = db.execute(
                f"SELECT * FROM {scope.view('visits')} WHERE person = :person ORDER BY at_ms DESC, id LIMIT :limit",  # noqa: S608 - our own words; values are bound
                scope.values | {"person": person, "limit": limit},
            )
            return [_visit(row) for row in rows]

        found: list[VisitRow] = await self._read(read)
        return found

    async def add_visit(
        self,
        viewer: Viewer,
        person: str,
        kind: VisitKind,
        at: datetime,
        *,
        met: bool | None,
        condition: Condition,
        note: str,
        key: str,
    ) -> None:
        self._directory().person(viewer, person)
        now = self._clock.now()
        if viewer.role is Role.CITIZEN:
            raise Refused("role", "officers keep notes")
        if not now - _LATE <= at <= now + _AHEAD:
            raise Refused("time", "this time is to come or more than a week ago")
        at = min(at, now)

        def keep(tx: Transaction) -> str:
            visit = new_id("v")
            tx.store.connection.execute(
                "INSERT INTO visits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (visit, person, kind, to_ms(at), tx.now_ms, viewer.id, met, condition, note),
            )
            return visit

        # The note itself stays out of what is kept of a key.
        await self._once(viewer, key, f"visit {person} {kind}", keep)

    # --- search ------------------------------------------------------------------------------------------------------

    async def find(self, viewer: Viewer, text: str, *, limit: int = 20) -> Found:
        wanted = plain_text(text)
        if not wanted or viewer.role is Role.CITIZEN:
            return Found()
        directory, now, scope = self._directory(), self._clock.now(), Scope.of(viewer)

        def read(db: sqlite3.Connection) -> Found:
            people = []
            for person in directory.persons(viewer):
                label = label_of(db, scope, person)
                if wanted in plain_text(f"{label} {person}"):
                    order = directory.order_of[person]
                    presence, _ = self._memory.judging.presence(person, now)
                    people.append(Who(person, label, order.ward, presence, order.edge))
                if len(people) == limit:
                    break
            rows = db.execute(
                f"SELECT * FROM {scope.view('alerts')} WHERE instr(id, :wanted) OR instr(lower(subject), :wanted)"  # noqa: S608 - our own words; values are bound
                " ORDER BY opened_ms DESC LIMIT :limit",
                scope.values | {"wanted": wanted, "limit": limit},
            )
            return Found(people, [self._shown(db, directory, row) for row in rows])

        found: Found = await self._read(read)
        devices = directory.devices(viewer, self._memory.latest, now, None)
        return Found(found.people, found.alerts, [row for row in devices if wanted in plain_text(row.id)][:limit])


def plain_text(text: str) -> str:
    """Lower case and without accents, as people type who are in a hurry: 'Nguyễn Đức' -> 'nguyen duc'."""
    flat = unicodedata.normalize("NFD", text.strip().casefold().replace("đ", "d"))
    return "".join(char for char in flat if not unicodedata.combining(char))


def _cursor(row: sqlite3.Row) -> str:
    return f"{row['taken']}.{row['rank']}.{row['opened_ms']}.{row['id']}"


def _after(cursor: str) -> dict[str, Any]:
    parts = cursor.split(".", _KEY_PARTS - 1)
    if len(parts) != _KEY_PARTS or not all(part.isascii() and part.isdigit() for part in parts[:3]):
        raise UsageError("not a cursor of this list")
    taken, rank, opened = (int(part) for part in parts[:3])
    return {"taken": taken, "rank": rank, "opened": -opened, "id": parts[3]}


def _visit(row: sqlite3.Row) -> VisitRow:
    return VisitRow(
        id=row["id"],
        person=row["person"],
        kind=VisitKind(row["kind"]),
        at=from_ms(row["at_ms"]),
        told_at=from_ms(row["told_ms"]),
        by=row["told_by"],
        met=truth(row["met"]),
        condition=Condition(row["condition"]),
        note=row["note"],
    )

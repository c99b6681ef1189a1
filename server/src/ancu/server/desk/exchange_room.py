"""What the rooms of the exchange's desk stand on: who may, what he sees, lists a page at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from ancu.models.clock import Clock
from ancu.models.errors import UsageError
from ancu.server.core import Transaction
from ancu.server.desk.people import Directory
from ancu.server.memory import Memory
from ancu.server.people.records import OrderRecord
from ancu.server.ports import NotFound, Page, Role, Viewer
from ancu.server.ports.exchange import Refused
from ancu.server.scope import Scope

__all__ = ["ASKS", "DECIDES", "ExchangeRoom", "must_be_plausible", "row_seen"]

T = TypeVar("T")
ASKS: Final = (Role.OFFICER, Role.SITE, Role.HEALTH, Role.PROVINCE)
DECIDES: Final = (Role.OFFICER, Role.HEALTH, Role.PROVINCE)
_AHEAD = timedelta(minutes=1)  # a scanner's clock may be so far ahead of ours
_OLDEST = timedelta(days=30)  # of anything that is told now: before that, a clock is wrong


class ExchangeRoom:
    """Mixed into the desk, which brings what is named here."""

    _memory: Memory
    _clock: Clock
    _directory: Callable[[], Directory]
    _read: Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]
    _once: Callable[[Viewer, str, str, Callable[[Transaction], str]], Awaitable[str]]

    def _must(self, viewer: Viewer, *roles: Role) -> None:
        if viewer.role not in roles:
            raise NotFound("nothing here for this role")

    def _under_order(self, viewer: Viewer, person: str) -> OrderRecord:
        order = self._directory().person(viewer, person)
        if not order.in_force(self._clock.now()) and order.starts_at <= self._clock.now():
            raise Refused("no_order", f"person {person} is under no order now")
        return order

    async def _one(
        self, table: str, shown: Callable[[sqlite3.Connection, sqlite3.Row], T], viewer: Viewer, id_: str
    ) -> T:
        found: T = await self._read(lambda db: shown(db, row_seen(db, viewer, table, id_)))
        return found

    async def _page(
        self,
        table: str,
        shown: Callable[[sqlite3.Connection, sqlite3.Row], T],
        viewer: Viewer,
        *,
        person: str | None,
        limit: int,
        cursor: str | None,
        also: Sequence[str] = (),
    ) -> Page[T]:
        """Newest first; `also` are conditions in our own words."""
        scope = Scope.of(viewer)
        where, values = ["1", *also], scope.values | {"limit": limit + 1}
        if person is not None:
            where.append("person = :person")
            values["person"] = person
        if cursor is not None:
            at, _, id_ = cursor.partition("-")
            if not at.isdigit():
                raise UsageError("not a cursor of this list")
            where.append("(at_ms, id) < (:after_ms, :after)")
            values |= {"after_ms": int(at), "after": id_}
        query = (
            f"SELECT * FROM {scope.view(table)} WHERE {' AND '.join(where)}"  # noqa: S608 - our own words; values are bound
            " ORDER BY at_ms DESC, id DESC LIMIT :limit"
        )

        def read(db: sqlite3.Connection) -> Page[T]:
            rows = db.execute(query, values).fetchall()
            last = rows[limit - 1] if len(rows) > limit else None
            items = [shown(db, row) for row in rows[:limit]]
            return Page(items, None if last is None else f"{last['at_ms']}-{last['id']}")

        found: Page[T] = await self._read(read)
        return found


def row_seen(db: sqlite3.Connection, viewer: Viewer, table: str, id_: str) -> sqlite3.Row:
    """The row of that id, if it is the viewer's to see; raises NotFound."""
    scope = Scope.of(viewer)
    row: sqlite3.Row | None = db.execute(
        f"SELECT * FROM {scope.view(table)} WHERE id = :id",  # noqa: S608 - our own words; values are bound
        scope.values | {"id": id_},
    ).fetchone()
    if row is None:
        raise NotFound(f"no {id_!r}")
    return row


def must_be_plausible(at: datetime, now: datetime) -> None:
    if not now - _OLDEST <= at <= now + _AHEAD:
        raise Refused("time", "this time is in the future or more than 30 days ago: look at the clock that said it")

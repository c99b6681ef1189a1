"""The office: what officers ask of notify through pages and API. Changes go through the core, reads beside it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from ancu.models.clock import Clock, to_ms
from ancu.models.errors import UsageError
from ancu.server.adapters import notify_office as people
from ancu.server.adapters import notify_store as rows
from ancu.server.adapters.notify_webpush import Subscription
from ancu.server.adapters.sqlite import connect
from ancu.server.adapters.store_journal import Record
from ancu.server.alerts.alert import Acknowledge
from ancu.server.answers import once
from ancu.server.core import Core, Transaction
from ancu.server.desk.rows import seen_row
from ancu.server.notify import handover
from ancu.server.notify.acting import act
from ancu.server.notify.handover import Handover
from ancu.server.notify.port import State
from ancu.server.people.errors import Absent
from ancu.server.ports import AlertState, NotFound, Role, Viewer
from ancu.server.ports.office import Colleague, HandoverItem, HandoverRow, OfficePort, Taken, WatchRow
from ancu.server.scope import Scope, sees, sees_kind

__all__ = ["Office"]

T = TypeVar("T")
_HANDOVERS = 100  # listed
_SUBSCRIPTIONS = 8  # of one officer: browsers he uses; the oldest make room
_LONGEST = timedelta(days=62)  # of the calendar at once


class Office(OfficePort):
    """Every call answers only what the viewer may see; a foreign id and an absent id both raise NotFound."""

    def __init__(
        self,
        database: Path,
        core: Core,
        clock: Clock,
        push_hosts: Sequence[str] = (),
        push_key: str | None = None,
    ) -> None:
        self._database, self._core, self._clock, self._hosts = database, core, clock, tuple(push_hosts)
        self.push_key = push_key

    # --- who watches -------------------------------------------------------------------------------------------------

    async def watches(
        self, viewer: Viewer, start: datetime, end: datetime, *, ward: str | None = None
    ) -> list[WatchRow]:
        if not start < end <= start + _LONGEST:
            raise UsageError(f"a time that ends after it begins, within {_LONGEST.days} days")
        _must_serve(viewer, ward)
        wards = Scope.of(viewer).wards if ward is None else frozenset({ward})
        return await self._read(lambda db: people.calendar(db, to_ms(start), to_ms(end), wards))

    async def colleagues(self, viewer: Viewer, ward: str) -> list[Colleague]:
        _must_serve(viewer, ward)
        now_ms = to_ms(self._clock.now())
        found = await self._read(lambda db: people.colleagues(db, ward, now_ms))
        return [one for one in found if one.officer != viewer.id]

    # --- handovers ---------------------------------------------------------------------------------------------------

    async def draw_handover(self, viewer: Viewer, ward: str, taker: str, *, key: str) -> HandoverRow:
        _must_serve(viewer, ward)

        def draw(tx: Transaction) -> str:
            return _written(tx, _found(lambda: handover.draw(tx.store.connection, ward, viewer.id, taker, tx.now_ms)))

        return await self.handover(viewer, await self._once(viewer, key, f"handover {ward} {taker}", draw))

    async def sign_handover(self, viewer: Viewer, handover_: str, hash_: str, *, key: str) -> HandoverRow:
        def sign(tx: Transaction) -> str:
            return _written(
                tx, _found(lambda: handover.sign(tx.store.connection, handover_, viewer.id, hash_, tx.now_ms))
            )

        return await self.handover(viewer, await self._once(viewer, key, f"sign {handover_} {hash_}", sign))

    async def handover(self, viewer: Viewer, handover_: str) -> HandoverRow:
        scope = Scope.of(viewer)

        def read(db: sqlite3.Connection) -> HandoverRow:
            query = f"SELECT * FROM {scope.view('handovers')} WHERE id = :id"  # noqa: S608 - our own words; values are bound
            row = db.execute(query, scope.values | {"id": handover_}).fetchone()
            if row is None:
                raise NotFound(f"no handover {handover_!r}")
            return _shown(viewer, handover.of_row(row), people.officer_names(db))

        return await self._read(read)

    async def handovers(self, viewer: Viewer) -> list[HandoverRow]:
        scope = Scope.of(viewer)

        def read(db: sqlite3.Connection) -> list[HandoverRow]:
            names = people.officer_names(db)
            query = f"SELECT * FROM {scope.view('handovers')} ORDER BY drawn_ms DESC, id LIMIT {_HANDOVERS}"  # noqa: S608 - our own words; values are bound
            return [_shown(viewer, handover.of_row(row), names) for row in db.execute(query, scope.values)]

        return await self._read(read)

    # --- his browsers ------------------------------------------------------------------------------------------------

    async def subscribe(self, viewer: Viewer, subscription: str, *, key: str) -> None:
        if viewer.role is Role.CITIZEN or self.push_key is None:
            raise NotFound("no web push")
        address = Subscription.read(subscription, self._hosts).text()

        def keep(tx: Transaction) -> str:
            people.keep_contact(tx.store.connection, viewer.id, "push", address, tx.now_ms, at_most=_SUBSCRIPTIONS)
            return ""

        await self._once(viewer, key, f"subscribe {address}", keep)

    async def unsubscribe(self, viewer: Viewer, endpoint: str, *, key: str) -> None:
        def forget(tx: Transaction) -> str:
            db = tx.store.connection
            for channel, address in rows.addresses(db, viewer.id):
                if channel == "push" and Subscription.endpoint_of(address) == endpoint:
                    rows.forget_contact(db, viewer.id, channel, address)
            return ""

        await self._once(viewer, key, f"unsubscribe {endpoint}", forget)

    async def shown(self, viewer: Viewer, message: str, *, key: str) -> None:
        def note(tx: Transaction) -> str:
            _delivered(tx, viewer, message)
            return ""

        await self._once(viewer, key, f"shown {message}", note)

    async def take(self, viewer: Viewer, message: str, *, key: str) -> list[Taken]:
        """What somebody else has already stays his: a tap on a message of an hour ago takes nothing from him."""

        def take(tx: Transaction) -> str:
            page = _delivered(tx, viewer, message)
            for alert in rows.alerts_of_page(tx.store.connection, page):
                row = _alert(tx.store.connection, viewer, alert)
                if row is not None and row["acknowledged_by"] is None:
                    act(tx, alert, Acknowledge(viewer.id))
            return page

        page = await self._once(viewer, key, f"take {message}", take)

        def read(db: sqlite3.Connection) -> list[Taken]:
            found = [_alert(db, viewer, alert) for alert in rows.alerts_of_page(db, page)]
            return [Taken(r["id"], AlertState(r["state"]), r["acknowledged_by"]) for r in found if r is not None]

        return await self._read(read)

    # --- inside ------------------------------------------------------------------------------------------------------

    async def _once(self, viewer: Viewer, key: str, asked: str, run: Callable[[Transaction], str]) -> str:
        return await asyncio.wrap_future(self._core.command(lambda tx: once(tx, viewer.id, key, asked, run)))

    async def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        def run() -> T:
            connection = connect(self._database, read_only=True)
            try:
                return read(connection)
            finally:
                connection.close()

        return await asyncio.to_thread(run)


def _must_serve(viewer: Viewer, ward: str | None) -> None:
    if viewer.role is Role.CITIZEN or (ward is not None and not sees(viewer, ward, None)):
        raise NotFound("no ward")


def _alert(db: sqlite3.Connection, viewer: Viewer, alert: str) -> sqlite3.Row | None:
    """The row of an alert that the viewer may see."""
    try:
        return seen_row(db, viewer, alert)
    except NotFound:
        return None


def _delivered(tx: Transaction, viewer: Viewer, message: str) -> str:
    """The page of a message that reached him; raises NotFound."""
    db = tx.store.connection
    row = rows.one_delivery(db, message)
    if row is None or row.officer != viewer.id:
        raise NotFound("no message")
    if row.state in (State.QUEUED, State.FAILED, State.SENT):
        rows.change(db, message, State.DELIVERED, tx.now_ms, why="shown")
    return row.page


def _written(tx: Transaction, record: Record) -> str:
    handover.project(tx.store.connection, [record])
    tx.records.append(record)
    return record.subject


def _shown(viewer: Viewer, held: Handover, names: dict[str, str]) -> HandoverRow:
    """As a viewer may see it: whoever was not asked to sign has his own part of the list."""
    signed = {held.giver: held.giver_signed_at, held.taker: held.taker_signed_at}
    return HandoverRow(
        id=held.id,
        ward=held.ward,
        giver=held.giver,
        giver_name=names.get(held.giver, held.giver),
        taker=held.taker,
        taker_name=names.get(held.taker, held.taker),
        drawn_at=held.drawn_at,
        hash=held.hash,
        items=[
            HandoverItem(item.alert, item.kind, item.severity, item.state, item.opened_at, item.owner)
            for item in held.items
            if sees_kind(viewer, item.kind)
        ],
        giver_signed_at=held.giver_signed_at,
        taker_signed_at=held.taker_signed_at,
        whole=held.is_whole,
        waits_for_me=viewer.id in signed and signed[viewer.id] is None,
    )


def _found(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except Absent as error:
        raise NotFound(str(error)) from None

"""The office: what officers ask of notify through pages and API. Changes go through the core, reads beside it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from ancu.server.adapters import notify_store as rows
from ancu.server.adapters.notify_webpush import Subscription
from ancu.server.adapters.sqlite import connect
from ancu.server.adapters.store_journal import Record
from ancu.server.core import Core, Transaction
from ancu.server.notify import handover
from ancu.server.notify.handover import Handover
from ancu.server.notify.port import State
from ancu.server.people.errors import Absent
from ancu.server.ports import NotFound, Role, Viewer

__all__ = ["Office"]

T = TypeVar("T")
_SUBSCRIPTIONS = 8  # of one officer: browsers he uses; the oldest make room


class Office:
    """Every call answers only what the viewer may see; a foreign id and an absent id both raise NotFound."""

    def __init__(self, database: Path, core: Core, push_hosts: Sequence[str] = (), push_key: str | None = None) -> None:
        self._database, self._core, self._hosts = database, core, tuple(push_hosts)
        self.push_key = push_key  # what a browser subscribes with; None: no web push here

    async def draw_handover(self, viewer: Viewer, ward: str, taker: str) -> Handover:
        """Freeze a ward's open items for two officers; raises NotFound, HandoverRefused."""
        self._check(viewer, ward)

        def draw(tx: Transaction) -> Handover:
            record = _found(lambda: handover.draw(tx.store.connection, ward, viewer.id, taker, tx.now_ms))
            return self._written(tx, record)

        return await asyncio.wrap_future(self._core.command(draw))

    async def sign_handover(self, viewer: Viewer, id_: str, hash_: str) -> Handover:
        """Sign the list that was read, named by its hash; raises NotFound, HandoverRefused."""

        def sign(tx: Transaction) -> Handover:
            return self._written(
                tx, _found(lambda: handover.sign(tx.store.connection, id_, viewer.id, hash_, tx.now_ms))
            )

        return await asyncio.wrap_future(self._core.command(sign))

    async def handover(self, viewer: Viewer, id_: str) -> Handover:
        held = await self._read(lambda db: _found(lambda: handover.handover_of(db, id_)))
        self._check(viewer, held.ward)
        return held

    async def handovers(self, viewer: Viewer) -> list[Handover]:
        """The newest first."""
        if viewer.role is Role.CITIZEN:
            return []
        return await self._read(lambda db: handover.handovers(db, viewer.wards))

    async def subscribe(self, viewer: Viewer, subscription: str) -> None:
        """Keep a browser's push subscription (its JSON); raises NotFound, UsageError."""
        if viewer.role is Role.CITIZEN or self.push_key is None:
            raise NotFound("no web push")
        Subscription.read(subscription, self._hosts)

        def keep(tx: Transaction) -> None:
            db = tx.store.connection
            db.execute(
                "INSERT OR IGNORE INTO contact_points (officer, channel, address, created_ms) VALUES (?, 'push', ?, ?)",
                (viewer.id, subscription, tx.now_ms),
            )
            db.execute(
                "DELETE FROM contact_points WHERE officer = ?1 AND channel = 'push' AND address NOT IN (SELECT address"
                " FROM contact_points WHERE officer = ?1 AND channel = 'push' ORDER BY created_ms DESC, rowid DESC"
                " LIMIT ?2)",
                (viewer.id, _SUBSCRIPTIONS),
            )

        await asyncio.wrap_future(self._core.command(keep))

    async def unsubscribe(self, viewer: Viewer, subscription: str) -> None:
        """Forget a subscription of his; nothing where there is none."""

        def forget(tx: Transaction) -> None:
            rows.forget_contact(tx.store.connection, viewer.id, "push", subscription)

        await asyncio.wrap_future(self._core.command(forget))

    async def delivered(self, viewer: Viewer, delivery: str) -> None:
        """His browser showed a message; raises NotFound."""

        def note(tx: Transaction) -> None:
            row = rows.one_delivery(tx.store.connection, delivery)
            if row is None or row.officer != viewer.id:
                raise NotFound("no delivery")
            if row.state in (State.QUEUED, State.FAILED, State.SENT):
                rows.change(tx.store.connection, delivery, State.DELIVERED, tx.now_ms, why="shown")

        await asyncio.wrap_future(self._core.command(note))

    def _check(self, viewer: Viewer, ward: str) -> None:
        if viewer.role is Role.CITIZEN or (viewer.wards is not None and ward not in viewer.wards):
            raise NotFound("no ward")

    def _written(self, tx: Transaction, record: Record) -> Handover:
        handover.project(tx.store.connection, [record])
        tx.records.append(record)
        return handover.handover_of(tx.store.connection, record.subject)

    async def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        def run() -> T:
            connection = connect(self._database, read_only=True)
            try:
                return read(connection)
            finally:
                connection.close()

        return await asyncio.to_thread(run)


def _found(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except Absent as error:
        raise NotFound(str(error)) from None

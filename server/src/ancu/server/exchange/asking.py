"""Asking: random check-ins, for as long as the server runs. What was asked is in the store, so a restart goes on.

Nobody is asked who may be away, whom a check-in waits for, who has no access code to answer with, or whose window would
touch the quiet hours. A moment at which one of these holds is tried again until it is too late, then let go.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import datetime
from functools import partial

from ancu.models.clock import Clock, from_ms
from ancu.models.errors import AncuError
from ancu.server.cases.checkin import Checkin, is_void
from ancu.server.cases.inputs import CheckinAsked
from ancu.server.cases.policy import Policy
from ancu.server.core import Transaction
from ancu.server.exchange.checkins import Ask, asks
from ancu.server.exchange.store import absences_of, last_checkin, state_of
from ancu.server.people.records import Snapshot

__all__ = ["ASKED_BY", "Asking", "ask_all"]

ASKED_BY = "schedule"  # in place of an officer
_EVERY_S = 15.0
_AT_ONCE = 64  # in one transaction, so that the judge never waits long
_WAITS = frozenset({"asked", "reminded", "again"})

Command = Callable[[Callable[[Transaction], int]], "Future[int]"]


class Asking:
    """Belongs to one event loop. `roster` answers the register as the core has it; `asked` is told when some were."""

    def __init__(
        self,
        seed: bytes,
        roster: Callable[[], Snapshot | None],
        policy: Callable[[str], Policy],
        command: Command,
        clock: Clock,
        *,
        asked: Callable[[], None] = lambda: None,
    ) -> None:
        self._seed, self._roster, self._policy, self._command = seed, roster, policy, command
        self._clock, self._asked = clock, asked

    async def run(self, every_s: float = _EVERY_S) -> None:
        """Run until cancelled."""
        while True:
            await self.turn()
            await asyncio.sleep(every_s)

    async def turn(self) -> int:
        """Ask whoever is due; returns how many were asked."""
        now = self._clock.now()
        due = await asyncio.to_thread(self._due, now)
        told = 0
        for first in range(0, len(due), _AT_ONCE):
            some = due[first : first + _AT_ONCE]
            with contextlib.suppress(AncuError):  # the core says itself what is wrong; the next turn tries again
                told += await asyncio.wrap_future(self._command(partial(ask_all, due=some)))
        if told:
            self._asked()
        return told

    def _due(self, now: datetime) -> list[Ask]:
        register = self._roster()
        if register is None:
            return []
        return [
            ask
            for order in register.orders.values()
            if order.in_force(now)
            for ask in asks(self._seed, order, now, self._policy(order.ward))
        ]


def ask_all(tx: Transaction, due: Iterable[Ask]) -> int:
    """Ask those of whom nothing stands in the way; returns how many."""
    return sum(_ask(tx, ask) for ask in due)


def _ask(tx: Transaction, ask: Ask) -> bool:
    db, policy = tx.store.connection, tx.memory.judging.policy(ask.ward)
    if db.execute("SELECT 1 FROM checkins WHERE id = ?", (ask.id,)).fetchone() is not None:
        return False
    if not _can_answer(tx, ask) or is_void(Checkin(ask.id, tx.now_ms), absences_of(db, ask.person), policy):
        return False
    last = last_checkin(db, ask.person)
    if last is not None and state_of(db, last, tx.now_ms, policy) in _WAITS:
        return False
    db.execute("INSERT INTO checkins VALUES (?, ?, ?, ?)", (ask.id, ask.person, tx.now_ms, ASKED_BY))
    tx.tell(CheckinAsked(from_ms(tx.now_ms), ask.person, ask.id), ask.ward)
    return True


def _can_answer(tx: Transaction, ask: Ask) -> bool:
    row = tx.store.connection.execute(
        "SELECT 1 FROM access_codes c JOIN orders o ON o.person = c.person WHERE o.id = ? AND o.ended_ms IS NULL"
        " AND c.revoked_ms IS NULL AND c.expires_ms > ? LIMIT 1",
        (ask.order, tx.now_ms),
    ).fetchone()
    return row is not None

"""Asks bands at moments that nobody can foresee, and settles what was not answered in time."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Protocol

from ancu.models.clock import from_ms
from ancu.models.commands import AskBand, Command
from ancu.models.errors import AncuError
from ancu.models.ids import EdgeId
from ancu.server.core import Transaction
from ancu.server.history.challenges import ask, miss_overdue
from ancu.server.history.settings import ChallengeSettings

__all__ = ["Challenger"]

log = logging.getLogger(__name__)
_PERIOD_S = 30.0
_ALIVE_MS = 60_000  # an edge that said nothing for so long carries no question


class _Runs(Protocol):
    def __call__(
        self, run: Callable[[Transaction], list[tuple[EdgeId, AskBand]]], /
    ) -> Future[list[tuple[EdgeId, AskBand]]]: ...


class Challenger:
    """`run` puts work into the core; `tell` hands a command to an edge."""

    def __init__(
        self,
        settings: ChallengeSettings,
        run: _Runs,
        tell: Callable[[EdgeId, Command], Awaitable[bool]],
        chance: Callable[[], float] | None = None,
    ) -> None:
        self._settings, self._run, self._tell = settings, run, tell
        self._chance = chance or random.SystemRandom().random

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await asyncio.sleep(_PERIOD_S)
            try:
                asked = await asyncio.wrap_future(self._run(self._choose))
            except AncuError:
                continue  # the core says for itself what is wrong
            for edge, question in asked:
                await self._tell(edge, question)

    def _choose(self, tx: Transaction) -> list[tuple[EdgeId, AskBand]]:
        """On the core's thread: who is asked in this period."""
        register, now = tx.memory.roster, from_ms(tx.now_ms)
        for told, ward in miss_overdue(tx.store.connection, tx.now_ms, register, Counter()):
            tx.tell(told, ward)
        if register is None or self._settings.every_h <= 0:
            return []
        chance = _PERIOD_S / (self._settings.every_h * 3600)
        asked: list[tuple[EdgeId, AskBand]] = []
        for band in register.bands.values():
            order = register.orders.get(band.order) if band.order else None
            if order is None or order.edge is None or band.revoked or not order.in_force(now):
                continue
            edge = tx.memory.latest.edge(order.edge)
            if edge is None or tx.now_ms - edge.seen_ms > _ALIVE_MS or self._chance() >= chance:
                continue
            question = ask(
                tx.store.connection,
                band=band.number,
                order=order.id,
                edge=order.edge,
                now_ms=tx.now_ms,
                within_s=self._settings.within_s,
                tap=self._settings.tap,
            )
            asked.append((order.edge, question))
        return asked

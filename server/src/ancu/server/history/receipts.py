"""Tells edges what their bands may forget: the newest receipt of a band, at most once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from ancu.models.commands import Command, HistoryHeld
from ancu.models.errors import AncuError
from ancu.models.ids import BandNumber, EdgeId
from ancu.server.history.intake import Receipt

__all__ = ["Receipts"]

_PERIOD_S = 1.0


class Receipts:
    """A receipt that is lost costs nothing: the band keeps its records, and the next visit brings another."""

    def __init__(self, tell: Callable[[EdgeId, Command], Awaitable[bool]]) -> None:
        self._tell = tell
        self._waiting: dict[tuple[EdgeId, BandNumber], Receipt] = {}
        self._wake = asyncio.Event()

    def note(self, receipts: Iterable[Receipt]) -> None:
        """These were committed. Called on the loop."""
        for receipt in receipts:
            self._waiting[receipt.edge, receipt.band] = receipt
            self._wake.set()

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(_PERIOD_S)
            self._wake.clear()
            waiting, self._waiting = self._waiting, {}
            for receipt in waiting.values():
                try:
                    await self._tell(receipt.edge, HistoryHeld(receipt.band, receipt.upto, receipt.body, receipt.again))
                except AncuError:
                    break  # the core is stopping or its disk refuses, and says so itself

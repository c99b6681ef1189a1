"""The desk at which providers' receipts come in: checked outside of the core, carried out inside it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ancu.models.clock import Clock
from ancu.server.core import Core
from ancu.server.notify.engine import Engine
from ancu.server.notify.receipts import Callback, Receiver, Unsigned
from ancu.server.ports import NotFound
from ancu.server.ports.office import ReceiptsPort

__all__ = ["ReceiptDesk"]


class ReceiptDesk(ReceiptsPort):
    """`wake` is called when a receipt may have made something due. `counts`: (channel, what became of it)."""

    def __init__(
        self,
        receivers: Mapping[str, Receiver],
        engine: Engine,
        core: Core,
        clock: Clock,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._receivers, self._engine, self._core, self._clock, self._wake = receivers, engine, core, clock, wake
        self.counts: Counter[tuple[str, str]] = Counter()

    async def receive(self, channel: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        receiver = self._receivers.get(channel)
        if receiver is None:
            raise NotFound("no receipts of this channel")
        try:
            said = receiver.read(Callback(url, headers, body), self._clock.now().timestamp())
        except Unsigned:
            self.counts[channel, "unsigned"] += 1
            raise
        if said:
            unknown = await asyncio.wrap_future(self._core.command(lambda tx: self._engine.told(tx, channel, said)))
            self.counts[channel, "unknown"] += unknown
            self.counts[channel, "taken"] += len(said) - unknown
            self._wake()

    def metrics(self) -> dict[str, Any]:
        """For metrics."""
        return {"receipts_total": {(("channel", c), ("outcome", o)): n for (c, o), n in sorted(self.counts.items())}}

"""The sender: takes committed records to the server, and forgets them when the server says so."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator

from ancu.edge.ports import Conversation
from ancu.edge.recorder import Recorder
from ancu.edge.uplink import Send, Window
from ancu.models.clock import Clock, to_ms
from ancu.models.errors import WireRefused
from ancu.models.ids import EdgeId
from ancu.models.keys import EdgeKeys
from ancu.models.wire import MAX_BATCH_BYTES, BatchHeader, decode_confirm, seal_batch

__all__ = ["Sender"]

log = logging.getLogger(__name__)
BODY_BYTES = MAX_BATCH_BYTES - 4096  # of records in one body
RECORD_OVERHEAD = 16  # that a record's place and length take at most
IDLE_S = 30.0  # how long to sleep when nothing is in flight and nothing new comes; being woken is the rule


class Sender:
    """One edge's conversation with the server."""

    def __init__(self, edge: EdgeId, keys: EdgeKeys, recorder: Recorder, clock: Clock) -> None:
        self.refused: Counter[str] = Counter()  # confirms that were none, by reason
        self.window = Window()
        self._edge = edge
        self._keys = keys
        self._recorder = recorder
        self._clock = clock

    async def converse(self, conversation: Conversation) -> None:
        """Send what the journal holds, and listen for confirms, until the conversation breaks."""
        self.window.restart()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(conversation))
            group.create_task(self._send(conversation))

    async def _send(self, conversation: Conversation) -> None:
        grown = self._recorder.grown
        while True:
            grown.clear()
            send = self.window.next(self._recorder.journal.held, self._clock.monotonic())
            if send is None:
                wait_s = self.window.wake_in_s(self._clock.monotonic())
                try:
                    async with asyncio.timeout(IDLE_S if wait_s is None else wait_s + 0.01):
                        await grown.wait()
                except TimeoutError:
                    pass
            else:
                await self._publish(conversation, send)

    async def _publish(self, conversation: Conversation, send: Send) -> None:
        journal = self._recorder.journal
        epoch = journal.epoch
        records = await self._recorder.read(send.lane, send.first, send.count)
        if not records or journal.epoch != epoch:
            return  # confirmed or dropped meanwhile, or the disk refuses: the window comes back to it
        first = send.first
        for part in _by_size(records):
            header = BatchHeader(
                edge=self._edge,
                lane=send.lane,
                epoch=epoch,
                base=min(journal.held[send.lane].base, send.first),
                first=first,
                count=len(part),
                sent_ms=to_ms(self._clock.now()),
            )
            first += len(part)
            await conversation.publish(send.lane, seal_batch(header, part, self._keys.up))

    async def _listen(self, conversation: Conversation) -> None:
        async for body in conversation.confirms():
            await self._confirm(body)

    async def _confirm(self, body: bytes) -> None:
        try:
            confirm = decode_confirm(body, self._keys.down)
        except WireRefused as refused:
            self._refuse(refused.reason)
            return
        journal = self._recorder.journal
        if confirm.edge != self._edge:
            self._refuse("other_edge")
        elif confirm.epoch != journal.epoch:
            self._refuse("other_epoch")
        else:
            await self._recorder.prune(confirm.epoch, confirm.lane, confirm.upto)
            if journal.epoch != confirm.epoch:
                self.window.restart()
            else:
                self.window.confirmed(confirm.lane, confirm.upto, self._clock.monotonic())
            self._recorder.grown.set()

    def _refuse(self, reason: str) -> None:
        if not self.refused[reason]:
            log.warning("confirm refused", extra={"reason": reason})
        self.refused[reason] += 1


def _by_size(records: list[bytes]) -> Iterator[list[bytes]]:
    """Records in bodies that are not refused for their size: those of the bulk lane may be long."""
    part: list[bytes] = []
    size = 0
    for record in records:
        if part and size + len(record) > BODY_BYTES:
            yield part
            part, size = [], 0
        part.append(record)
        size += len(record) + RECORD_OVERHEAD
    yield part

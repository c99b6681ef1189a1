"""The band's flash log: a ring of records that only the server's receipt empties. Pure; pages are the flash's.

The ring holds `CAPACITY` - 1 records and the one before the oldest, whose tag anchors the chain. When it is full the
oldest record makes room: losing the past is better than losing the present, and the head says what is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from ancu.models.history import (
    CAPACITY,
    FIRST_TAG,
    MAX_SEQUENCE,
    TAG_BYTES,
    Clocked,
    Entry,
    Head,
    Vitals,
    chain_tag,
    encode_entry,
    encode_head,
    open_receipt,
    sequence_of,
)

__all__ = ["Flash", "Log", "Stored"]


@dataclass(frozen=True, slots=True)
class Stored:
    """What survives a reset, beside the log."""

    counter_end: int = 0  # every counter ever used is below this
    history_head: int = 0  # sequence of the newest record
    tampered: bool = False  # latched: only the depot clears it
    history_base: int = 1  # sequence of the oldest record
    boot: int = 0  # how often the band has booted


class Flash(Protocol):
    """The band's flash. A write of either kind is whole or has not happened."""

    def read(self) -> Stored: ...

    def write(self, stored: Stored) -> None: ...

    def slot(self, sequence: int) -> bytes | None:
        """The record last put into the slot of a sequence (it may be another's); None for one never written."""
        ...

    def put(self, sequence: int, record: bytes) -> None:
        """Write a record into the slot of its sequence, `sequence` modulo CAPACITY."""
        ...


class Log:
    """The log of one band under one order. `stored` is the page as of the last write."""

    def __init__(self, flash: Flash, history_key: bytes) -> None:
        """Takes up what the flash holds; a log under another key is of an order that is over, and begins anew."""
        self._flash, self._key = flash, history_key
        self.stored = flash.read()
        self._tag = FIRST_TAG
        newest = self._read(self.stored.history_head)
        if newest is None or not self._is_ours(newest):
            self.stored = replace(self.stored, history_head=0, history_base=1)
        else:
            self._tag = newest[-TAG_BYTES:]

    def store(self, **changes: int | bool) -> None:
        """Write the page with these fields changed."""
        self.stored = replace(self.stored, **changes)  # type: ignore[arg-type]
        self._flash.write(self.stored)

    def append(self, boot: int, ticks_s: int, body: Vitals | Clocked) -> None:
        """Record what was measured, or that the time is known."""
        sequence = self.stored.history_head + 1
        if sequence > MAX_SEQUENCE:
            return  # 31 years of minutes: the depot gives a new key long before
        record = encode_entry(Entry(sequence, boot, ticks_s, body), self._key, self._tag)
        self._flash.put(sequence, record)
        self._tag = record[-TAG_BYTES:]
        self.store(history_head=sequence, history_base=max(self.stored.history_base, sequence - CAPACITY + 2))

    def head(self) -> bytes:
        """What the log holds, in the band's own word."""
        return encode_head(self._head(), self._key)

    def count(self, first: int) -> int:
        """How many records there are from a sequence on."""
        return max(0, self.stored.history_head + 1 - max(first, self.stored.history_base))

    def records(self, first: int, count: int) -> bytes:
        """Up to `count` records from a sequence on, or from the oldest one if that is gone."""
        begin = max(first, self.stored.history_base)
        end = min(begin + count, self.stored.history_head + 1)
        return b"".join(filter(None, map(self._read, range(begin, end))))

    def free(self, receipt: bytes) -> bool:
        """Forget what the server holds; False for a receipt that it did not give."""
        upto = open_receipt(receipt, self._key)
        if upto is None or upto > self.stored.history_head:
            return False
        if upto >= self.stored.history_base:
            self.store(history_base=upto + 1)
        return True

    def _head(self) -> Head:
        base = self.stored.history_base
        before = self._read(base - 1)
        return Head(base, self.stored.history_head + 1, before[-TAG_BYTES:] if before else FIRST_TAG)

    def _read(self, sequence: int) -> bytes | None:
        record = self._flash.slot(sequence) if sequence > 0 else None
        return record if record is not None and sequence_of(record) == sequence else None

    def _is_ours(self, newest: bytes) -> bool:
        sequence = sequence_of(newest)
        before = self._read(sequence - 1)
        tag = FIRST_TAG if before is None else before[-TAG_BYTES:]
        return chain_tag(self._key, tag, newest) == newest[-TAG_BYTES:]

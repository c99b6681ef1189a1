"""Load: virtual edges that state what virtual bands say, sealed as real ones seal it. No I/O.

A virtual edge keeps its records in memory until the server confirms them, sends a batch a period, and goes back to the
first unconfirmed record when a confirm is overdue, so the same bytes are sent as by `ancu edge`, without its disk.
"""

from __future__ import annotations

import random
import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from ancu.firmware_sim.band import Band
from ancu.firmware_sim.log import Flash
from ancu.firmware_sim.wearer import Wearer
from ancu.models.errors import WireRefused
from ancu.models.ids import BandNumber, EdgeId, WardCode
from ancu.models.keys import BandKeys, EdgeKeys
from ancu.models.topics import Lane
from ancu.models.wire import (
    BatchHeader,
    EdgeHeartbeat,
    Heard,
    JournalHealth,
    LastHeard,
    RadioHealth,
    decode_confirm,
    pack_record,
    seal_batch,
)

__all__ = ["LoadBand", "Tally", "VirtualEdge"]

_BATCH_RECORDS = 2000
_HEARTBEAT_MS = 10_000
_OVERDUE_MS = 10_000  # an unconfirmed record is sent again after this
_RSSI_DBM = -68
_VERSION = "sim"


@dataclass(slots=True)
class Tally:
    """What happened to readings."""

    sent: int = 0  # readings that were stated
    confirmed: int = 0
    batches: int = 0
    resent: int = 0  # batches sent again
    confirm_ms: list[int] = field(default_factory=list)  # per batch, from its first send to its confirm


class LoadBand:
    """A band and its wearer, heard perfectly."""

    def __init__(
        self, number: BandNumber, keys: BandKeys, flash: Flash, rng: random.Random, *, at_ms: int, interval_ms: int
    ) -> None:
        self.number = number
        self.last_ms: int | None = None
        self._wearer = Wearer(rng, at_ms=at_ms)
        self._band = Band(keys, flash, rng, at_ms=at_ms, unix_ms=at_ms, interval_ms=interval_ms)

    def heard(self, at_ms: int) -> Heard | None:
        """The advert that is due, as an edge would state it."""
        self._band.sense(at_ms, self._wearer.sensed(at_ms))
        sent = self._band.advertise(at_ms)
        if sent is None:
            return None
        self.last_ms = at_ms
        return Heard(at_ms, self.number, sent.address, _RSSI_DBM, 1, sent.body)


@dataclass(frozen=True, slots=True)
class _Flight:
    last: int  # sequence of its last record
    sent_ms: int


class VirtualEdge:
    """One edge with its bands, on the state lane of a new epoch."""

    def __init__(
        self, edge: EdgeId, ward: WardCode, keys: EdgeKeys, bands: Sequence[LoadBand], tally: Tally, *, at_ms: int
    ) -> None:
        self.edge, self.ward = edge, ward
        self._keys, self._bands, self._tally = keys, bands, tally
        self._epoch = secrets.randbits(63)
        self._started_ms = at_ms
        self._heartbeat_ms = at_ms
        self._held: deque[tuple[bytes, bool]] = deque()  # packed record, whether it is a reading
        self._first = 1  # sequence of the first held record
        self._sent = 0  # sequence of the last record sent
        self._highest = 0  # ... ever
        self._flights: deque[_Flight] = deque()
        self._overdue_ms = 0

    @property
    def waiting(self) -> int:
        """Records that no confirm covers yet."""
        return len(self._held)

    def listen(self, at_ms: int) -> None:
        """Take in what the bands say now."""
        for band in self._bands:
            if (heard := band.heard(at_ms)) is not None:
                self._held.append((pack_record(heard), True))
                self._tally.sent += 1
        if at_ms >= self._heartbeat_ms:
            self._heartbeat_ms = at_ms + _HEARTBEAT_MS
            self._held.append((pack_record(self._heartbeat(at_ms)), False))

    def reconnected(self) -> None:
        """What was in flight may be lost: go back to the first unconfirmed record."""
        self._sent = self._first - 1
        self._flights.clear()

    def next_batch(self, at_ms: int) -> bytes | None:
        """The next body to publish, if there is one."""
        if self._flights and at_ms >= self._overdue_ms:
            self.reconnected()
        start = self._sent + 1 - self._first
        count = min(len(self._held) - start, _BATCH_RECORDS)
        if count <= 0:
            return None
        records = [self._held[start + i][0] for i in range(count)]
        header = BatchHeader(self.edge, Lane.STATE, self._epoch, self._first, self._sent + 1, count, at_ms)
        if not self._flights:
            self._overdue_ms = at_ms + _OVERDUE_MS
        self._tally.batches += 1
        self._tally.resent += self._sent < self._highest
        self._sent += count
        self._highest = max(self._highest, self._sent)
        self._flights.append(_Flight(self._sent, at_ms))
        return seal_batch(header, records, self._keys.up)

    def confirmed(self, body: bytes, at_ms: int) -> None:
        """A confirm arrived; one that is not ours, or not of the server, changes nothing."""
        try:
            confirm = decode_confirm(body, self._keys.down)
        except WireRefused:
            return
        if (confirm.edge, confirm.lane, confirm.epoch) != (self.edge, Lane.STATE, self._epoch):
            return
        while self._held and self._first <= confirm.upto:
            self._tally.confirmed += self._held.popleft()[1]
            self._first += 1
        self._sent = max(self._sent, self._first - 1)
        while self._flights and self._flights[0].last <= confirm.upto:
            self._tally.confirm_ms.append(at_ms - self._flights.popleft().sent_ms)
            self._overdue_ms = at_ms + _OVERDUE_MS

    def _heartbeat(self, at_ms: int) -> EdgeHeartbeat:
        return EdgeHeartbeat(
            at_ms=at_ms,
            period_s=_HEARTBEAT_MS // 1000,
            uptime_s=(at_ms - self._started_ms) // 1000,
            mains=True,
            clock_synced=True,
            radio=RadioHealth(ok=True, adverts=len(self._bands), rescans=0),
            journal=JournalHealth(alarm=0, state=len(self._held), bulk=0, dropped=0),
            bands=tuple(LastHeard(band.number, band.last_ms) for band in self._bands),
            version=_VERSION,
        )

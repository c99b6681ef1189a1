"""What a gateway takes in, and what it sends up next. Pure: time is an argument, bodies stay in the spool.

Alarm before state before bulk; within a lane the edges take turns, and one edge's bodies keep their order. A body is
forgotten when the server's confirm covers it. Whatever is refused or given up here is still with its edge, who sends it
again: a gateway can delay facts, never lose them.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from ancu.models import topics
from ancu.models.errors import TopicError, WireReason, WireRefused
from ancu.models.ids import EdgeId, WardCode, partition_of
from ancu.models.topics import Facts, Lane
from ancu.models.wire import BatchHeader, Confirmation, peek_batch

__all__ = ["Arrival", "Item", "Key", "Limits", "Message", "Relays"]

PATIENCE_S = 4.0  # for a confirm
LONGEST_S = 8.0  # facts have to flow within 10 s after a link heals
SIGNED = 2**63  # what a spool can number
SHUNNED_S = 300.0  # for an edge that the server does not answer although it answers others: revoked, or not provisioned


@dataclass(frozen=True, slots=True)
class Limits:
    """Each bounds what one edge, or all, can cost a gateway."""

    bodies: int = 20_000  # spooled, all edges
    bytes: int = 256 * 1024 * 1024
    bodies_of_lane: int = 512  # spooled, one lane of one edge
    burst: int = 100  # bodies of one lane of one edge at once ...
    per_s: float = 50.0  # ... and steadily
    in_flight: int = 8  # bodies of one lane of one edge
    message_items: int = 64
    message_bytes: int = 256 * 1024  # a broker's default limit is 1 MiB


@dataclass(frozen=True, slots=True)
class Key:
    """What names a body."""

    edge: EdgeId
    lane: Lane
    epoch: int
    first: int


@dataclass(frozen=True, slots=True)
class Item:
    """A body without its bytes."""

    key: Key
    ward: WardCode
    count: int
    size: int
    received_ms: int

    @property
    def last(self) -> int:
        return self.key.first + self.count - 1


@dataclass(frozen=True, slots=True)
class Arrival:
    """A body was taken in: keep it under `item.key`, and forget `given_up`."""

    item: Item
    given_up: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One message upstream."""

    partition: int
    items: tuple[Item, ...]


@dataclass(slots=True)
class _Stream:
    """One lane of one epoch of one edge."""

    edge: EdgeId
    lane: Lane
    epoch: int
    partition: int
    items: dict[int, Item] = field(default_factory=dict)  # by first sequence, ascending
    unsent: deque[int] = field(default_factory=deque)
    flight: set[int] = field(default_factory=set)
    waiting_s: float = 0.0
    patience_s: float = PATIENCE_S
    ready: bool = False  # stands in the queue of its lane


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


class Relays:
    """A gateway's memory. One instance a process; not for several threads."""

    def __init__(
        self, wards: Collection[WardCode], *, allowed: frozenset[EdgeId] | None = None, limits: Limits | None = None
    ) -> None:
        self.allowed = allowed  # None: any edge of the wards
        self.refused: Counter[str] = Counter()
        self.dropped = 0  # spooled bodies given up for want of room
        self.bodies = 0
        self.bytes = 0
        self._wards = frozenset(wards)
        self._limits = limits or Limits()
        self._streams: dict[tuple[EdgeId, Lane, int], _Stream] = {}
        self._held: Counter[tuple[EdgeId, Lane]] = Counter()
        self._queues: dict[Lane, deque[_Stream]] = {lane: deque() for lane in Lane}
        self._buckets: dict[tuple[EdgeId, Lane], _Bucket] = {}
        self._answered_s = float("-inf")  # when the server last confirmed anything

    def arrive(self, topic: str, body: bytes, at_ms: int, mono_s: float) -> Arrival | str:
        """Judge a body; a refusal is its reason, counted."""
        try:
            facts, header = self._read(topic, body, mono_s)
            arrival = self._admit(facts, header, len(body), at_ms)
        except WireRefused as refused:
            return self._refuse(refused.reason.value)
        except _Refused as refused:
            return self._refuse(refused.reason)
        return arrival

    def keep(self, items: Iterable[Item]) -> None:
        """These bodies are in the spool now: they may be sent."""
        for item in items:
            stream = self._stream(item)
            if item.key.first in stream.items:  # a longer body in place of the one held
                old = stream.items[item.key.first]
                stream.items[item.key.first] = item
                self._account(item.key, -1, -old.size)
            else:
                # A resend can begin where nothing is held any more; order is by sequence whatever order they came in.
                behind = not stream.items or item.key.first > next(reversed(stream.items))
                stream.items[item.key.first] = item
                stream.unsent.append(item.key.first)
                if not behind:
                    stream.items = dict(sorted(stream.items.items()))
                    stream.unsent = deque(sorted(stream.unsent))
            self._queue(stream)

    def admitted(self, items: Iterable[Item]) -> None:
        """Count bodies that a spool held from before; follow with `keep`."""
        for item in items:
            self._account(item.key, 1, item.size)

    def next(self, mono_s: float) -> Message | None:
        """The next message to send, most urgent lane first, edges in turn; None while there is none."""
        for lane in Lane:
            queue = self._queues[lane]
            if queue:
                return self._fill(queue, mono_s)
        return None

    def confirmed(self, confirm: Confirmation, mono_s: float) -> list[Key]:
        """The server holds everything up to here: which bodies to forget."""
        self._answered_s = mono_s
        stream = self._streams.get((confirm.edge, confirm.lane, confirm.epoch))
        if stream is None:
            return []
        gone = [item for item in stream.items.values() if item.last <= confirm.upto]
        if gone:
            stream.waiting_s, stream.patience_s = mono_s, PATIENCE_S
        self._forget(stream, gone)
        return [item.key for item in gone]

    def tick(self, mono_s: float) -> None:
        """Send again what nobody confirmed; call about once a second."""
        for stream in list(self._streams.values()):
            if stream.flight and mono_s - stream.waiting_s >= stream.patience_s:
                shunned = self._answered_s > stream.waiting_s
                stream.patience_s = min(stream.patience_s * 2, SHUNNED_S if shunned else LONGEST_S)
                self._go_back(stream)
        full = mono_s - self._limits.burst / self._limits.per_s
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if bucket.at_s > full}

    def restart(self) -> None:
        """The way up is new: what was in flight may be lost."""
        for stream in self._streams.values():
            stream.patience_s = min(stream.patience_s, LONGEST_S)
            self._go_back(stream)

    # --- taking in ---------------------------------------------------------------------------------------------------

    def _read(self, topic: str, body: bytes, mono_s: float) -> tuple[Facts, BatchHeader]:
        try:
            facts = topics.parse(topic)
        except TopicError:
            raise WireRefused(WireReason.TOPIC) from None
        if not isinstance(facts, Facts) or facts.ward not in self._wards:
            raise WireRefused(WireReason.TOPIC)
        if self.allowed is not None and facts.edge not in self.allowed:
            raise WireRefused(WireReason.UNKNOWN_EDGE)
        self._pay(facts, mono_s)
        header = peek_batch(body)
        if (header.edge, header.lane) != (facts.edge, facts.lane):
            raise WireRefused(WireReason.TOPIC)
        if max(header.epoch, header.first) >= SIGNED:
            raise WireRefused(WireReason.LAYOUT)
        return facts, header

    def _pay(self, facts: Facts, mono_s: float) -> None:
        limits = self._limits
        bucket = self._buckets.setdefault((facts.edge, facts.lane), _Bucket(limits.burst, mono_s))
        bucket.left = min(limits.burst, bucket.left + (mono_s - bucket.at_s) * limits.per_s)
        bucket.at_s = mono_s
        if bucket.left < 1:
            raise _Refused("rate")
        bucket.left -= 1

    def _admit(self, facts: Facts, header: BatchHeader, size: int, at_ms: int) -> Arrival:
        key = Key(header.edge, header.lane, header.epoch, header.first)
        item = Item(key, facts.ward, header.count, size, at_ms)
        stream = self._streams.get((key.edge, key.lane, key.epoch))
        held = stream.items.get(key.first) if stream else None
        if held is not None and held.count >= item.count and at_ms - held.received_ms < LONGEST_S * 4000:
            raise _Refused("duplicate")
        if held is None and self._held[key.edge, key.lane] >= self._limits.bodies_of_lane:
            raise _Refused("full")
        given_up = self._make_room(key.lane, size)
        self._account(key, 1, size)
        return Arrival(item, given_up)

    def _make_room(self, lane: Lane, size: int) -> tuple[Key, ...]:
        given_up: list[Key] = []
        while self.bodies >= self._limits.bodies or self.bytes + size > self._limits.bytes:
            victim = self._oldest(below=lane)
            if victim is None:
                raise _Refused("full")
            stream = self._streams[victim.key.edge, victim.key.lane, victim.key.epoch]
            self._forget(stream, [victim])
            self.dropped += 1
            given_up.append(victim.key)
        return tuple(given_up)

    def _oldest(self, *, below: Lane) -> Item | None:
        """The oldest body of the least urgent lane that is less urgent than `below`, or bulk for bulk."""
        for lane in (Lane.BULK, Lane.STATE):
            if lane > below or lane == below == Lane.BULK:
                heads = [next(iter(s.items.values())) for s in self._streams.values() if s.lane == lane and s.items]
                if heads:
                    return min(heads, key=lambda item: item.received_ms)
        return None

    def _refuse(self, reason: str) -> str:
        self.refused[reason] += 1
        return reason

    # --- sending -----------------------------------------------------------------------------------------------------

    def _fill(self, queue: deque[_Stream], mono_s: float) -> Message:
        partition, size, items = queue[0].partition, 0, list[Item]()
        passed: list[_Stream] = []
        while queue and len(items) < self._limits.message_items:
            stream = queue.popleft()
            item = stream.items[stream.unsent[0]]
            if stream.partition != partition or (items and size + item.size > self._limits.message_bytes):
                passed.append(stream)
                continue
            stream.unsent.popleft()
            if not stream.flight:
                stream.waiting_s = mono_s
            stream.flight.add(item.key.first)
            items.append(item)
            size += item.size
            stream.ready = False
            self._queue(stream)
        queue.extendleft(reversed(passed))
        return Message(partition, tuple(items))

    def _queue(self, stream: _Stream) -> None:
        if not stream.ready and stream.unsent and len(stream.flight) < self._limits.in_flight:
            stream.ready = True
            self._queues[stream.lane].append(stream)

    def _go_back(self, stream: _Stream) -> None:
        stream.flight.clear()
        stream.unsent = deque(stream.items)
        self._queue(stream)

    # --- keeping count -----------------------------------------------------------------------------------------------

    def _stream(self, item: Item) -> _Stream:
        name = (item.key.edge, item.key.lane, item.key.epoch)
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = _Stream(*name, partition_of(item.key.edge))
        return stream

    def _forget(self, stream: _Stream, items: Collection[Item]) -> None:
        for item in items:
            del stream.items[item.key.first]
            stream.flight.discard(item.key.first)
            self._account(item.key, -1, -item.size)
        gone = {item.key.first for item in items}
        if gone:
            stream.unsent = deque(first for first in stream.unsent if first not in gone)
        if stream.ready and not stream.unsent:
            self._queues[stream.lane].remove(stream)
            stream.ready = False
        self._queue(stream)
        if not stream.items:
            del self._streams[stream.edge, stream.lane, stream.epoch]

    def _account(self, key: Key, bodies: int, size: int) -> None:
        self.bodies += bodies
        self.bytes += size
        self._held[key.edge, key.lane] += bodies
        if not self._held[key.edge, key.lane]:
            del self._held[key.edge, key.lane]


class _Refused(Exception):
    def __init__(self, reason: str) -> None:
        self.reason = reason

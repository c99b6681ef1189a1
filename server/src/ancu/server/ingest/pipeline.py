"""From relayed bodies to rows of the inbox: open, place, verify. No I/O.

Whatever is wrong with one body is counted under its reason and never stops what follows.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field

from ancu.models.errors import WireReason, WireRefused
from ancu.models.ids import EdgeId, partition_of
from ancu.models.topics import Lane, Upstream
from ancu.models.wire import (
    Batch,
    CameraStill,
    Confirmation,
    Relay,
    Relayed,
    decode_relay,
    open_batch,
    peek_batch,
)
from ancu.server.ingest.dedupe import Placed, place
from ancu.server.ingest.keyring import Keyring, KnownEdge
from ancu.server.ingest.rows import Row, Trouble, pack_facts
from ancu.server.ingest.verify import Received, Receiver

__all__ = ["INTERNAL", "Aside", "Mark", "Pipeline", "Taken", "read_relay"]

INTERNAL = "internal"  # the reason of a body that is put aside because we fail on it
Mark = tuple[EdgeId, int, Lane]  # edge, epoch, lane


@dataclass(frozen=True, slots=True)
class Aside:
    """A body that could not be read."""

    source: str
    reason: str
    body: bytes


@dataclass(slots=True)
class Taken:
    """What a relay amounts to."""

    gateway: str
    now_ms: int
    relay: Relay | None = None
    rows: list[Row] = field(default_factory=list)
    marks: dict[Mark, int] = field(default_factory=dict)  # new watermarks
    lost: Counter[Mark] = field(default_factory=Counter)
    confirms: dict[Confirmation, str] = field(default_factory=dict)  # with the ward of the edge
    aside: list[Aside] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)  # (name, label)
    stills: list[tuple[EdgeId, CameraStill]] = field(default_factory=list)  # never in a row: a row is kept for long


class Pipeline:
    """Watermarks and last counters; everything else is an argument."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self.marks: dict[Mark, int] = {}

    def take(self, topic: Upstream, body: bytes, keyring: Keyring, now_ms: int) -> Taken:
        """Take one relay as it came from the broker."""
        return self.take_read(topic, body, read_relay(topic, body), keyring, now_ms)

    def take_read(
        self, topic: Upstream, body: bytes, relay: Relay | WireReason, keyring: Keyring, now_ms: int
    ) -> Taken:
        """Take what `read_relay` made of a body."""
        taken = Taken(topic.gateway, now_ms)
        if isinstance(relay, WireReason):
            taken.counts["bodies_refused", relay] += 1
            taken.aside.append(Aside(topic.gateway, relay, body))
            return taken
        taken.relay = relay
        for item in relay.items:
            try:
                self._item(item, topic.partition, taken, keyring)
            except WireRefused as error:
                _refuse(item, error.reason, taken, keyring)
        return taken

    def give_up(self, topic: Upstream, relay: Relay, keyring: Keyring, now_ms: int) -> Taken:
        """Settle a relay that we fail on ourselves: its bodies are put aside whole, and what follows is not stopped."""
        taken = Taken(topic.gateway, now_ms)
        for item in relay.items:
            try:
                edge = _edge_of(item, topic.partition, keyring)
                header = open_batch(item.body, edge.keys.up).header
                mark = (header.edge, header.epoch, header.lane)
                placed = place(self.marks.get(mark, 0), header)
            except WireRefused:
                continue
            if placed.take:
                self.marks[mark] = taken.marks[mark] = placed.upto
                taken.confirms[Confirmation(header.edge, header.lane, header.epoch, placed.upto)] = edge.ward
                taken.counts["bodies_refused", INTERNAL] += 1
                taken.aside.append(Aside(f"{topic.gateway}/{item.edge}", INTERNAL, item.body))
        return taken

    def said_by(self, topic: Upstream, relay: Relay, keyring: Keyring) -> list[tuple[str, int]]:
        """(edge, when it sent) of batches that are really theirs and news: one that comes again proves nothing."""
        said: list[tuple[str, int]] = []
        for item in relay.items:
            with contextlib.suppress(WireRefused):
                edge = _edge_of(item, topic.partition, keyring)
                header = open_batch(item.body, edge.keys.up).header
                if header.first + header.count - 1 > self.marks.get((header.edge, header.epoch, header.lane), 0):
                    said.append((header.edge, header.sent_ms))
        return said

    def remember(self, row: Row) -> None:
        """Take a row that was in the inbox before a restart; watermarks are kept apart."""
        if row.lane:
            self.receiver.remember(row.readings, edge=row.edge, lane=Lane(row.lane))

    def _item(self, item: Relayed, partition: int, taken: Taken, keyring: Keyring) -> None:
        edge = _edge_of(item, partition, keyring)
        header = peek_batch(item.body)
        if (header.edge, header.lane, edge.ward) != (item.edge, item.lane, item.ward):
            raise WireRefused(WireReason.TOPIC)
        batch = open_batch(item.body, edge.keys.up)
        mark = (header.edge, header.epoch, header.lane)
        before = self.marks.get(mark, 0)
        placed = place(before, header)
        if placed.lost:
            taken.lost[mark] += placed.lost
            taken.counts["records_lost", header.lane.name.lower()] += placed.lost
        if placed.upto != before:
            self.marks[mark] = taken.marks[mark] = placed.upto
        taken.confirms[Confirmation(header.edge, header.lane, header.epoch, placed.upto)] = edge.ward
        _forget_older(taken.confirms, mark, placed.upto)
        if placed.take or placed.lost:
            taken.rows.append(self._row(edge, batch, placed, taken, keyring))
        else:
            taken.counts["batches_known", header.lane.name.lower()] += 1

    def _row(self, edge: KnownEdge, batch: Batch, placed: Placed, taken: Taken, keyring: Keyring) -> Row:
        header = batch.header
        skip = placed.skip if placed.take else header.count
        received = self.receiver.receive(
            batch.heard, keyring.ciphers, edge=header.edge, lane=header.lane, now_ms=taken.now_ms, skip=skip
        )
        facts = [(o, fact) for o, fact in batch.facts if o >= skip and not isinstance(fact, CameraStill)]
        taken.stills += [(header.edge, fact) for _, fact in batch.facts if isinstance(fact, CameraStill)]
        if placed.take:
            taken.counts["batches", header.lane.name.lower()] += 1
        taken.counts["facts", ""] += len(facts)
        taken.counts.update(("records_refused", refused.reason) for refused in batch.refused if refused.offset >= skip)
        _count(taken.counts, received)
        troubles = [Trouble(band, reason, count) for (band, reason), count in received.troubles.items()]
        if placed.lost and header.lane is not Lane.BULK:
            troubles.append(Trouble(None, "gap", placed.lost))
        return Row(
            received_ms=taken.now_ms,
            ward=edge.ward,
            edge=header.edge,
            gateway=taken.gateway,
            lane=header.lane,
            epoch=header.epoch,
            first=header.first + placed.skip,
            count=placed.take,
            readings=received.readings,
            facts=pack_facts(facts, troubles),
        )


def read_relay(topic: Upstream, body: bytes) -> Relay | WireReason:
    """A relay that is what its topic says, or why not."""
    try:
        relay = decode_relay(body)
    except WireRefused as error:
        return error.reason
    return relay if relay.gateway == topic.gateway else WireReason.TOPIC


def _edge_of(item: Relayed, partition: int, keyring: Keyring) -> KnownEdge:
    edge = keyring.edges.get(item.edge)
    if edge is None:
        raise WireRefused(WireReason.UNKNOWN_EDGE)
    if edge.revoked:
        raise WireRefused(WireReason.REVOKED)
    if partition_of(item.edge) != partition:
        raise WireRefused(WireReason.TOPIC, "partition")
    return edge


def _refuse(item: Relayed, reason: WireReason, taken: Taken, keyring: Keyring) -> None:
    taken.counts["bodies_refused", reason] += 1
    taken.aside.append(Aside(f"{taken.gateway}/{item.edge}", reason, item.body))
    edge = keyring.edges.get(item.edge)
    if edge is not None and reason in {WireReason.SEAL, WireReason.REVOKED}:
        note = pack_facts((), (Trouble(None, f"body_{reason}", 1),))
        taken.rows.append(Row(taken.now_ms, edge.ward, item.edge, taken.gateway, 0, 0, 0, 0, b"", note))


def _count(counts: Counter[tuple[str, str]], received: Received) -> None:
    counts["readings", ""] += received.count
    if received.echoes:
        counts["echoes", ""] += received.echoes
    for (_, reason), count in received.refused.items():
        counts["frames_refused", reason] += count


def _forget_older(confirms: dict[Confirmation, str], mark: Mark, upto: int) -> None:
    """One relay may hold several batches of a lane: only the last confirm is worth sending."""
    edge, epoch, lane = mark
    for confirm in [c for c in confirms if (c.edge, c.epoch, c.lane) == (edge, epoch, lane) and c.upto < upto]:
        del confirms[confirm]

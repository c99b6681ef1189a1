"""What the core knows between two transactions, and how it comes back after a restart or a failed one."""

from __future__ import annotations

import logging

import msgspec

from ancu.models.clock import from_ms
from ancu.models.errors import AncuError, WireReason
from ancu.models.ids import EdgeId, GatewayId
from ancu.models.topics import Upstream
from ancu.models.wire import Relay
from ancu.server.adapters.store import Saved, Store
from ancu.server.adapters.store_journal import Record
from ancu.server.cases.inputs import GatewayAlive, Input
from ancu.server.ingest.keyring import Keyring, keyring_of
from ancu.server.ingest.latest import Latest
from ancu.server.ingest.pipeline import Pipeline, Taken
from ancu.server.ingest.rows import Row, inputs_of
from ancu.server.judging import Judging
from ancu.server.people.records import Snapshot
from ancu.server.review.past import Past, last_told, read_after
from ancu.server.seating import seating_of

__all__ = ["Memory"]

log = logging.getLogger(__name__)
_GATEWAY_MS = 1_000  # one sign of life a second is enough of a gateway that relays a hundred batches


class _Body(msgspec.Struct, array_like=True):
    receiver: bytes
    latest: bytes
    judging: bytes
    told: int = 0  # position of what was told beside the inbox


class Memory:
    """Watermarks, counters, the judge and the desk's latest; changed only by the core's thread."""

    def __init__(self, judging: Judging) -> None:
        self.judging = judging
        self.pipeline = Pipeline()
        self.latest = Latest()
        self.keyring = Keyring({}, {})
        self.roster: Snapshot | None = None
        self.past = Past()
        self._empty = judging.snapshot()
        self._gateways: dict[str, int] = {}

    def enrol(self, roster: Snapshot) -> None:
        """Take the register as it is now."""
        self.roster = roster
        self.keyring = keyring_of(roster)
        self.past.seated(seating_of(roster))
        self.judging.enrol(roster)

    def take(self, topic: Upstream, body: bytes, relay: Relay | WireReason, now_ms: int) -> tuple[Taken, list[Record]]:
        """Take a relay that was read: the rows it brings are judged in order."""
        taken = self.pipeline.take_read(topic, body, relay, self.keyring, now_ms)
        records: list[Record] = []
        if taken.relay is not None:
            edges = self.latest.relayed(taken.relay, now_ms)
            if self._is_due(taken.gateway, now_ms):
                alive = GatewayAlive(
                    from_ms(now_ms), GatewayId(taken.gateway), frozenset(EdgeId(edge) for edge in edges)
                )
                records += self.feed(alive)
        for row in taken.rows:
            self.past.row()
            self.latest.take(row)
            for happened in inputs_of(row):
                records += self._judge(happened)
        return taken, records

    def said_by(self, topic: Upstream, relay: Relay | WireReason) -> list[tuple[str, int]]:
        """(edge, when it sent) of the sealed batches of a relay that are news; changes nothing."""
        return [] if isinstance(relay, WireReason) else self.pipeline.said_by(topic, relay, self.keyring)

    def take_note(self, note: Row) -> list[Record]:
        """Take a row that the inbox holds and that no relay brought."""
        self.past.row()
        return [record for happened in inputs_of(note) for record in self._judge(happened)]

    def feed(self, happened: Input) -> list[Record]:
        """Observe, decide and evolve an input that the inbox does not hold; it is kept, so that the past is both.

        Returns what the journal must hold for it.
        """
        self.past.tell(happened)
        return self._judge(happened)

    def _judge(self, happened: Input) -> list[Record]:
        self.judging.observe(happened)
        records = list(self.judging.decide(happened))
        for record in records:
            self.judging.evolve(record)
        return records

    def save(self, store: Store) -> Saved:
        """Memory as of what the store holds inside this transaction."""
        body = _Body(
            self.pipeline.receiver.snapshot(),
            self.latest.snapshot(),
            self.judging.snapshot(),
            last_told(store.connection),
        )
        return Saved(store.last_row(), store.last_record(), msgspec.msgpack.encode(body))

    def rebuild(self, store: Store) -> int:
        """Come back to exactly what the store holds; returns how many rows of the inbox were read again."""
        inbox, recorded, told = self._restore(store.saved())
        self._gateways = {}
        self.past.forget()
        self.pipeline.marks = store.marks()
        if self.roster is not None:
            self.judging.enrol(self.roster)
        rows = 0
        for step in read_after(store.connection, told, inbox):
            if step.row is not None:
                self.pipeline.remember(step.row)
                self.latest.take(step.row)
                rows += 1
            for happened in step.inputs:
                self.judging.observe(happened)
        for stored in store.records_after(recorded):
            self.judging.evolve(stored.record)
        return rows

    def _restore(self, saved: Saved | None) -> tuple[int, int, int]:
        if saved is not None:
            try:
                body = msgspec.msgpack.decode(saved.body, type=_Body)
                self.pipeline.receiver.restore(body.receiver)
                self.latest.restore(body.latest)
                self.judging.restore(body.judging)
            except (
                AncuError,
                ValueError,
                TypeError,
                KeyError,
            ) as error:  # of another version: the inbox knows all of it
                log.warning("snapshot set aside, reading the whole inbox", extra={"why": error.__class__.__name__})
            else:
                return saved.inbox, saved.journal, body.told
        self.pipeline = Pipeline()
        self.latest = Latest()
        self.judging.restore(self._empty)
        return 0, 0, 0

    def _is_due(self, gateway: str, now_ms: int) -> bool:
        if self.roster is None or gateway not in self.roster.gateways:
            return False
        if 0 <= now_ms - self._gateways.get(gateway, 0) < _GATEWAY_MS:
            return False
        self._gateways[gateway] = now_ms
        return True

"""Lines, gateways and the server in virtual time: the real relay, watermarks, receiver and judge, without the sealing.

What a batch holds travels beside a body that has its real header: gateways read no more than that of a real one.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from ancu.edge.uplink import Send
from ancu.gateway.relay import Arrival, Message, Relays
from ancu.gateway.relay import Key as BodyKey
from ancu.models.clock import from_ms, to_ms
from ancu.models.ids import BandNumber, EdgeId, GatewayId, WardCode
from ancu.models.topics import Lane, facts
from ancu.models.wire import BatchHeader, Confirmation, Fact, Heard, pack_record, peek_batch, seal_batch
from ancu.server.alerts.events import AlertEvent
from ancu.server.cases.inputs import BandHeard, EdgeAlive, GatewayAlive, Input
from ancu.server.ingest.dedupe import place
from ancu.server.ingest.rows import Row, Trouble, inputs_of, pack_facts
from ancu.server.ingest.verify import FRESH_MS, Receiver
from ancu.truth.box import BEAT_MS, REPORT_MS, Box
from ancu.truth.clockwork import Clockwork
from ancu.truth.journal import Backlog, Part
from ancu.truth.span_judge import Key, Quiet, SpanJudge

__all__ = ["WARD", "Line"]

WARD = WardCode("00001")
_KEY = bytes(32)
_EPOCH = 1
_EMPTY = b"F"
_RETRY_S = 8.0  # within so long a box sends again after its gateway came back: nobody tells it


@dataclass(slots=True)
class Gateway:
    id: GatewayId
    relays: Relays
    bodies: dict[BodyKey, bytes] = field(default_factory=dict)
    up: bool = True


class Line:
    """All ways from boxes to the server, and the server's end of them."""

    def __init__(
        self,
        judge: SpanJudge,
        clockwork: Clockwork,
        ciphers: Mapping[int, AESCCM],
        rng: random.Random,
        told: Callable[[Sequence[AlertEvent], int], None],
    ) -> None:
        self.judge = judge
        self.boxes: dict[str, Box] = {}
        self.gateways: dict[str, Gateway] = {}
        self.received = Counter[str]()  # records taken, by edge
        self.troubles = Counter[str]()
        self.late_alarm_ms: list[int] = []  # from a healed way to the last alarm that waited for it
        self._clock, self._ciphers, self._rng, self._told = clockwork, ciphers, rng, told
        self._receiver = Receiver()
        self._marks: dict[tuple[EdgeId, int, Lane], int] = {}
        self._parts: dict[tuple[EdgeId, Lane], dict[int, list[Part]]] = {}
        self._filler: dict[int, list[bytes]] = {}

    # --- boxes -------------------------------------------------------------------------------------------------------

    def add_gateway(self, gateway: str, at_ms: int) -> None:
        self.gateways[gateway] = Gateway(GatewayId(gateway), Relays([WARD]))
        self._gateway_speaks(gateway, at_ms)

    def is_open(self, box: Box) -> bool:
        return box.linked and self.gateways[box.gateway].up

    def pump(self, box: Box) -> None:
        """Let a box send what its window allows."""
        if not self.is_open(box):
            return
        now = self._clock.now_ms
        for send in box.sends(now / 1000):
            self._publish(box, send, now)

    def quiet_ends(self, key: Key, at_ms: int) -> None:
        self.judge.end_quiet(key, at_ms)

    def box_fell(self, box: Box, at_ms: int) -> None:
        """Nothing comes from a box from now on."""
        for number in box.worn:
            self.judge.end_quiet(("band", number), at_ms)
        self.judge.end_quiet(("edge", box.edge), at_ms)

    def _publish(self, box: Box, send: Send, now: int) -> None:
        header = BatchHeader(
            edge=box.edge,
            lane=send.lane,
            epoch=_EPOCH,
            base=min(box.journal.held[send.lane].base, send.first),
            first=send.first,
            count=send.count,
            sent_ms=now,
        )
        filler = self._filler.setdefault(send.count, [_EMPTY] * send.count)
        body = _clear(header, filler)
        parts = box.journal.read(send.lane, send.first, send.count)
        self._parts.setdefault((box.edge, send.lane), {})[send.first] = parts
        topic = facts(WARD, box.edge, send.lane)
        self._clock.at(now + box.delay_ms // 2, lambda at: self._arrive(box, topic, body, at))

    # --- gateways ----------------------------------------------------------------------------------------------------

    def gateway_turns(self, gateway: str, at_ms: int, *, up: bool) -> None:
        line = self.gateways[gateway]
        line.up = up
        boxes = [box for box in self.boxes.values() if box.gateway == gateway]
        if not up:
            self.judge.end_quiet(("gateway", gateway), at_ms)
            for box in boxes:
                if box.linked:
                    box.link(at_ms, up=False)
            return
        self._gateway_speaks(gateway, at_ms)
        line.relays.restart()
        self._forward(line)
        for box in boxes:
            again = at_ms + round(box.rng.uniform(0, _RETRY_S) * 1000)
            self._clock.at(again, lambda at, b=box: b.link(at, up=True) if self.is_open(b) else None)  # type: ignore[misc]

    def _gateway_speaks(self, gateway: str, at_ms: int) -> None:
        def make(at: int) -> Input:
            return GatewayAlive(from_ms(at), GatewayId(gateway), frozenset())

        self._feed(make(at_ms))
        self.judge.begin_quiet(("gateway", gateway), Quiet(at_ms + BEAT_MS, BEAT_MS, 100, make))

    def _arrive(self, box: Box, topic: str, body: bytes, at_ms: int) -> None:
        gateway = self.gateways[box.gateway]
        if not self.is_open(box):
            return  # lost on the way; the window comes back to it
        arrival = gateway.relays.arrive(topic, body, at_ms, at_ms / 1000)
        if isinstance(arrival, Arrival):
            gateway.bodies[arrival.item.key] = body
            gateway.relays.keep([arrival.item])
            self._forward(gateway)

    def _forward(self, gateway: Gateway) -> None:
        now = self._clock.now_ms
        while gateway.up and (message := gateway.relays.next(now / 1000)) is not None:
            box = self.boxes[message.items[0].key.edge]
            self._clock.at(now + box.delay_ms - box.delay_ms // 2, lambda at, m=message: self._take(gateway, m, at))  # type: ignore[misc]

    # --- the server --------------------------------------------------------------------------------------------------

    def tick(self, at_ms: int) -> None:
        """The server's own second."""
        self._told(self.judge.tick(at_ms), at_ms)
        self._plan_reports()

    def _plan_reports(self) -> None:
        reports, self.judge.reports = self.judge.reports, []
        for at_ms, key in reports:
            quiet = self.judge.quiet.get(key)
            if quiet is not None:
                self._clock.at(at_ms + quiet.delay_ms, lambda _, k=key, r=at_ms: self._report(k, r))  # type: ignore[misc]

    def _report(self, key: Key, at_ms: int) -> None:
        now = self._clock.now_ms
        self.tick_to(now)
        self._told(self.judge.report(key, at_ms, now), now)

    def tick_to(self, now_ms: int) -> None:
        """The ticks up to now: only the last can say anything that the sweep's times do not call for."""
        second = now_ms // 1000 * 1000
        if second > self.judge.ticked_ms:
            self.tick(second)

    def _take(self, gateway: Gateway, message: Message, at_ms: int) -> None:
        self.tick_to(at_ms)
        for item in message.items:
            body = gateway.bodies.get(item.key)
            if body is None:
                continue
            header = peek_batch(body)
            mark = (header.edge, header.epoch, header.lane)
            placed = place(self._marks.get(mark, 0), header)
            self._marks[mark] = placed.upto
            if placed.take:
                self.received[header.edge] += placed.take
                parts = self._parts[header.edge, header.lane][header.first]
                self._read(header, parts, placed.skip, at_ms)
            confirm = Confirmation(header.edge, header.lane, header.epoch, placed.upto)
            box = self.boxes[header.edge]
            self._clock.at(at_ms + box.delay_ms, lambda at, b=box, c=confirm: self._confirmed(b, c, at))  # type: ignore[misc]
            for key in gateway.relays.confirmed(confirm, at_ms / 1000):
                gateway.bodies.pop(key, None)
        self._forward(gateway)

    def _confirmed(self, box: Box, confirm: Confirmation, at_ms: int) -> None:
        if not self.is_open(box):
            return
        box.journal.prune(confirm.lane, confirm.upto)
        box.window.confirmed(confirm.lane, confirm.upto, at_ms / 1000)
        parts = self._parts.get((confirm.edge, confirm.lane), {})
        for first in [first for first in parts if first <= confirm.upto]:
            del parts[first]
        self.pump(box)

    def _read(self, header: BatchHeader, parts: list[Part], skip: int, at_ms: int) -> None:
        """What a batch brings, in the order in which the box wrote it."""
        begins = 0
        for part in parts:
            ends = begins + part.stop - part.start
            low, high = max(begins, skip), min(ends, header.count)
            if low < high and isinstance(part.entry, Backlog):
                self._pass_over(part.entry, part.start + low - begins, part.start + high - begins, at_ms)
            elif low < high and not isinstance(part.entry, Backlog):
                self._record(header, part.entry, at_ms)
            begins = ends

    def _record(self, header: BatchHeader, record: Heard | Fact, at_ms: int) -> None:
        readings, packed = b"", b""
        if isinstance(record, Heard):
            raw = memoryview(pack_record(record)[1:])
            got = self._receiver.receive(raw, self._ciphers, edge=header.edge, lane=header.lane, now_ms=at_ms)
            readings = got.readings
            packed = pack_facts((), [Trouble(b, r, n) for (b, r), n in got.troubles.items()])
            self.troubles.update(reason for (_, reason) in got.troubles)
        else:
            packed = pack_facts([(0, record)], ())
        row = Row(at_ms, WARD, header.edge, "", header.lane, header.epoch, header.first, 1, readings, packed)
        for heard in inputs_of(row):
            self._feed(heard)
            self._may_be_quiet(header.edge, heard)

    def _may_be_quiet(self, edge: str, heard: Input) -> None:
        """After the first sign of it, the rest of a quiet span needs no simulation."""
        box = self.boxes[edge]
        if not (box.up and self.is_open(box)) or getattr(heard, "late", False):
            return
        if isinstance(heard, EdgeAlive):
            key: Key = ("edge", edge)
            if key not in self.judge.quiet:
                self.judge.begin_quiet(key, box.beats(to_ms(heard.at) + BEAT_MS))
        elif isinstance(heard, BandHeard):
            band = box.worn[BandNumber(heard.band)]
            key = ("band", band.number)
            if key in self.judge.quiet or not band.audible or not box.is_calm(band):
                return
            first = box.next_report(band, to_ms(heard.heard_at))
            self.judge.begin_quiet(key, box.reports(band, first))
        self._plan_reports()

    def _pass_over(self, backlog: Backlog, start: int, stop: int, at_ms: int) -> None:
        for index, (key, quiet) in enumerate(backlog.sources):
            last, before = backlog.last_of(index, stop), backlog.last_of(index, start)
            if last is None or last == before:
                continue
            late = at_ms - last > FRESH_MS
            self.judge.pass_over(key, quiet, last if late else last - REPORT_MS, late=late)
            if not late:
                self._feed(quiet.make(last))

    def tell(self, heard: Input) -> None:
        """Something that no box told: the desk, the person's page, another platform."""
        self.tick_to(self._clock.now_ms)
        self._feed(heard)

    def _feed(self, heard: Input) -> None:
        now = self._clock.now_ms
        self._told(self.judge.take(heard, now), now)


def _clear(header: BatchHeader, filler: list[bytes]) -> bytes:
    """A body with a real header; what it would seal is not in it."""
    return seal_batch(header, filler, _KEY)

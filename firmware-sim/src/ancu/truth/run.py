"""A run: a world, the real deciders, and virtual time; what was decided, and when."""

from __future__ import annotations

import gc
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from ancu.firmware_sim.population_params import Params
from ancu.firmware_sim.population_types import Gap, Person, World
from ancu.models.clock import from_ms
from ancu.models.ids import BandNumber, EdgeId, GatewayId
from ancu.server.alerts.events import AlertEvent
from ancu.server.cases.inputs import AbsenceGranted, CheckinAnswered, CheckinAsked, CheckpointScanned, Input
from ancu.server.cases.policy import Policy
from ancu.server.cases.roster import BandSeat, CameraSeat, EdgeSeat, GatewaySeat, OrderSeat, Roster
from ancu.truth.box import Box
from ancu.truth.clockwork import Clockwork
from ancu.truth.line import WARD, Line
from ancu.truth.officers import Officers
from ancu.truth.presence import PresenceLog
from ancu.truth.span_judge import SpanJudge
from ancu.truth.wearing import Worn, order_of

__all__ = ["Entry", "Outcome", "run_world"]

_PLAY_MS = 10_000  # between two recorded adverts that someone plays
_PLAYED = 100
_SETTLE_MS = 600_000  # after the end, for what is still on its way


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of the judge or an officer, and the server's time."""

    at_ms: int
    event: AlertEvent


@dataclass(slots=True)
class Outcome:
    world: World
    journal: list[Entry] = field(default_factory=list)
    unknown_min: float = 0.0
    away_min: float = 0.0
    written: int = 0  # records that boxes wrote
    received: int = 0  # and that the server took
    waiting: int = 0  # and that boxes still hold
    shown_known: list[tuple[str, int]] = field(default_factory=list)  # people shown as known 120 s after a cause


def run_world(world: World, params: Params, policy: Policy, *, seed: int) -> Outcome:
    """Let a world happen to the deciders."""
    gc.collect()
    gc.disable()  # a run makes hardly any cycles, and looking for them costs a tenth of it
    try:
        return _Run(world, params, policy, seed).run()
    finally:
        gc.enable()


class _Run:
    def __init__(self, world: World, params: Params, policy: Policy, seed: int) -> None:
        self.world, self.outcome = world, Outcome(world)
        self.clock = Clockwork()
        self.clock.now_ms = world.start_ms
        self.worn = {person.number: Worn(person, seed) for person in world.people}
        self.judge = SpanJudge(policy, _roster(world))
        rng = random.Random(f"{seed}:line")
        ciphers = {number: band.cipher for number, band in self.worn.items()}
        self.line = Line(self.judge, self.clock, ciphers, rng, self._told)
        self.officers = Officers(self.judge, self.clock, params.officers, random.Random(f"{seed}:desk"), self._told)
        self.presence = PresenceLog(self.judge, self.clock, world)
        self.boxes: dict[str, Box] = {}
        for home in world.homes:
            low, high = params.outages.delay_s
            box_rng = random.Random(f"{seed}:box:{home.number}")
            delay = round(box_rng.uniform(low, high) * 1000)
            bands = [self.worn[number] for number in home.people]
            box = Box(home, bands, clockwork=self.clock, way=self.line, rng=box_rng, delay_ms=delay)
            self.boxes[home.edge] = self.line.boxes[home.edge] = box

    def run(self) -> Outcome:
        start, clock, judge = self.world.start_ms, self.clock, self.judge
        self.line.tick(start)
        for gateway in sorted(self.world.gateways):
            self.line.add_gateway(gateway, start)
        self._plan()
        end = self.world.end_ms
        while True:
            happens, due = clock.next_ms(), judge.next_due_ms()
            second = None if due is None else max(-(-due // 1000) * 1000, judge.ticked_ms + 1000)
            if second is not None and (happens is None or second <= happens):
                if second > end:
                    break
                clock.now_ms = max(clock.now_ms, second)
                self.line.tick(second)
            elif happens is None or happens > end + _SETTLE_MS:
                break
            else:
                clock.step()
        self.presence.close(end)
        outcome = self.outcome
        outcome.unknown_min, outcome.away_min = self.presence.unknown_min, self.presence.away_min
        outcome.shown_known = self.presence.shown_known
        for box in self.boxes.values():
            outcome.written += box.journal.written()
            outcome.waiting += sum(rows.next - rows.base for rows in box.journal.held.values())
        outcome.received = sum(self.line.received.values())
        return outcome

    # --- what is decided ---------------------------------------------------------------------------------------------

    def _told(self, events: Sequence[AlertEvent], at_ms: int) -> None:
        for event in events:
            self.outcome.journal.append(Entry(at_ms, event))
            self.officers.hear(event, at_ms)

    # --- what happens ------------------------------------------------------------------------------------------------

    def _plan(self) -> None:
        world, clock = self.world, self.clock
        for person in world.people:
            band, box = self.worn[person.number], self.boxes[world.homes[person.home].edge]
            for gap in person.gaps:
                self._plan_gap(box, band, gap)
            for look in person.looks[1:]:
                clock.at(look.at_ms, lambda at, b=box, w=band, k=look: b.turned(w, k, at))  # type: ignore[misc]
            for press in person.presses:
                clock.at(press.at_ms, lambda at, b=box, w=band: b.pressed(w, at))  # type: ignore[misc]
            self._plan_desk(person)
            for begin, end in person.replays:
                for index, at_ms in enumerate(range(begin, end, _PLAY_MS)):
                    clock.at(at_ms, lambda at, b=box, w=band, i=index % _PLAYED: b.played(w, at, i))  # type: ignore[misc]
        for home in world.homes:
            self._plan_box(self.boxes[home.edge])
        for gateway, spans in sorted(world.gateways.items()):
            for begin, end in spans:
                clock.at(begin, lambda at, g=gateway: self._gateway(g, at, up=False))  # type: ignore[misc]
                clock.at(end, lambda at, g=gateway: self._gateway(g, at, up=True))  # type: ignore[misc]

    def _plan_desk(self, person: Person) -> None:
        """What is known of a person without any device."""
        name = person.name
        for index, (asked_ms, answered_ms) in enumerate(person.checkins):
            checkin = f"{name}-c{index}"
            self._tell(asked_ms, CheckinAsked(from_ms(asked_ms), name, checkin))
            if answered_ms is not None:
                self._tell(answered_ms, CheckinAnswered(from_ms(answered_ms), name, checkin))
        for index, (granted_ms, (begin, end)) in enumerate(person.absences):
            told_ms = max(granted_ms, self.world.start_ms)
            absence = AbsenceGranted(from_ms(told_ms), name, f"{name}-a{index}", from_ms(begin), from_ms(end))
            self._tell(told_ms, absence)
        for index, at_ms in enumerate(person.scans):
            self._tell(at_ms, CheckpointScanned(from_ms(at_ms), name, f"{name}-s{index}", "gate"))

    def _tell(self, at_ms: int, heard: Input) -> None:
        self.clock.at(at_ms, lambda _: self.line.tell(heard))

    def _plan_gap(self, box: Box, band: Worn, gap: Gap) -> None:
        if gap.start_ms < self.world.start_ms:
            band.audible = False
            self.clock.at(gap.end_ms, lambda at: self.presence.watch(band.person.name, at))
        else:
            self.clock.at(gap.start_ms, lambda at: self._lost(box, band, gap, at))
        self.clock.at(gap.end_ms, lambda at: box.found(band, at))

    def _lost(self, box: Box, band: Worn, gap: Gap, at_ms: int) -> None:
        box.lost(band, gap, at_ms)
        if gap.end_ms - at_ms > self.presence.fresh_ms:
            self.presence.watch(band.person.name, at_ms)
            self.clock.at(gap.end_ms, lambda at: self.presence.watch(band.person.name, at))

    def _plan_box(self, box: Box) -> None:
        clock, home = self.clock, box.home
        clock.at(self.world.start_ms + box.rng.randint(0, 9_999), box.boot)
        for down in home.box_down:
            clock.at(down.start_ms, lambda at: self._die(box, at))
            clock.at(down.end_ms, lambda at: self._boot(box, at))
        for down in home.link_down:
            clock.at(down.start_ms, lambda at: self._link(box, at, up=False))
            clock.at(down.end_ms, lambda at: self._link(box, at, up=True))
        for begin, end in home.mains_off:
            clock.at(begin, lambda at: box.power(at, on=False))
            clock.at(end, lambda at: box.power(at, on=True))
        for begin, end in home.camera_faults:
            clock.at(begin, lambda at: box.camera(at, ok=False))
            clock.at(end, lambda at: box.camera(at, ok=True))
        if home.walked_ms:
            clock.at(home.walked_ms, box.walk)
        for track, (at_ms, way) in enumerate(home.crossings):
            clock.at(at_ms, lambda at, w=way, t=track: box.crossed(at, w, t))  # type: ignore[misc]

    def _die(self, box: Box, at_ms: int) -> None:
        box.die(at_ms)
        self.presence.cut_off(box, at_ms)

    def _boot(self, box: Box, at_ms: int) -> None:
        box.boot(at_ms)
        self.presence.back(box, at_ms)

    def _link(self, box: Box, at_ms: int, *, up: bool) -> None:
        was_open = self.line.is_open(box)
        box.linked = up
        if self.line.is_open(box) != was_open:
            box.link(at_ms, up=up)
            if up:
                self.presence.back(box, at_ms)
            else:
                self.presence.cut_off(box, at_ms)

    def _gateway(self, gateway: str, at_ms: int, *, up: bool) -> None:
        self.line.gateway_turns(gateway, at_ms, up=up)
        for box in self.boxes.values():
            if box.gateway == gateway:
                if up:
                    self.presence.back(box, at_ms)
                else:
                    self.presence.cut_off(box, at_ms)


def _roster(world: World) -> Roster:
    begin, until = from_ms(world.start_ms), from_ms(world.end_ms + 3_600_000)
    orders, bands, edges, cameras = {}, {}, {}, {}
    for person in world.people:
        home = world.homes[person.home]
        order = OrderSeat(order_of(person.number), person.name, WARD, begin, until)
        orders[order.id] = order
        bands[BandNumber(person.number)] = BandSeat(BandNumber(person.number), order.id, (EdgeId(home.edge),))
    for home in world.homes:
        edge = EdgeId(home.edge)
        edges[edge] = EdgeSeat(edge, WARD, home.place, GatewayId(home.gateway), home.area)
        if home.camera:
            cameras[edge, "door"] = CameraSeat(edge, "door", home.place)
    gateways = {GatewayId(g): GatewaySeat(GatewayId(g), WARD) for g in sorted(world.gateways)}
    return Roster(orders, bands, edges, gateways, cameras)

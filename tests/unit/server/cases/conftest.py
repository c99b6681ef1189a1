"""A ward in virtual time: homes with a box and a band each, behind one gateway, and a judge that is told everything."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ancu.models.frame import Reading, Status
from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode
from ancu.server.alerts.alert import Alert, Command, decide
from ancu.server.alerts.events import AlertEvent
from ancu.server.cases.inputs import (
    BandHeard,
    BandUnseen,
    CameraChanged,
    DoorCrossed,
    EdgeAlive,
    EdgeBegan,
    FrameTrouble,
    GatewayAlive,
    Input,
    MainsTurned,
    SosTapped,
    Tick,
)
from ancu.server.cases.judge import Judge
from ancu.server.cases.policy import Policy
from ancu.server.cases.roster import BandSeat, CameraSeat, EdgeSeat, GatewaySeat, OrderSeat, Roster
from ancu.server.policies import load_policy

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)  # 12:00 in Ho Chi Minh City
WORN = Reading(80, False, 365, 72, 98, Status.SKIN | Status.MOTION, 0)
BEAT_S, UNSEEN_S = 10, 20


class Story:
    """Time runs by `run`: boxes beat, bands speak every 10 s, and a box testifies 20 s after a band's last frame."""

    def __init__(
        self, homes: int = 1, policy: Policy | None = None, start: datetime = NOON, place: str | None = None
    ) -> None:
        self.start, self.t = start, 0
        self.policy = policy or load_policy("table")
        numbers = range(1, homes + 1)
        self.orders = {
            OrderId(f"o{n}"): OrderSeat(OrderId(f"o{n}"), f"p{n}", WardCode("w1"), self.at(-60), self.at(14 * 86_400))
            for n in numbers
        }
        self.seats = {BandNumber(n): BandSeat(BandNumber(n), OrderId(f"o{n}"), (EdgeId(f"e{n}"),)) for n in numbers}
        self.edges = {
            EdgeId(f"e{n}"): EdgeSeat(EdgeId(f"e{n}"), WardCode("w1"), place or f"e{n}", GatewayId("g1"))
            for n in numbers
        }
        self.cameras = {(EdgeId("e1"), "gate"): CameraSeat(EdgeId("e1"), "gate", place or "e1")}
        self.readings: dict[int, Reading | None] = dict.fromkeys(numbers, WORN)
        self.boxes: dict[str, bool] = {f"e{n}": True for n in numbers}  # alive; the value: its radio works
        self.unplugged: set[str] = set()
        self.unproven: set[str] = set()  # nobody walked the rooms
        self.words: dict[str, bool] = {}  # by box: near or far it calls the first band
        self.gateway_lives = self.ticks = True
        self.last: dict[int, int] = {}
        self.testified: set[int] = set()
        self.inputs: list[Input] = []
        self.events: list[AlertEvent] = []
        self.judge = Judge(self.policy)
        self.seat()

    def at(self, s: float) -> datetime:
        return self.start + timedelta(seconds=s)

    def seat(self) -> None:
        gateways = {GatewayId("g1"): GatewaySeat(GatewayId("g1"), WardCode("w1"))}
        self.judge.set_roster(Roster(self.orders, self.seats, self.edges, gateways, self.cameras))

    def tell(self, heard: Input) -> list[AlertEvent]:
        self.inputs.append(heard)
        self.judge.observe(heard)
        events = self.judge.decide(heard)
        for event in events:
            self.judge.evolve(event)
        self.events += events
        return events

    def run(self, until_s: int) -> None:
        while self.t < until_s:
            if self.t % BEAT_S == 0:
                self._beat()
            for n, last in self.last.items():
                if self.t - last >= UNSEEN_S and n not in self.testified and self.boxes.get(f"e{n}"):
                    self.testified.add(n)
                    self.tell(BandUnseen(self.at(self.t), EdgeId(f"e{n}"), BandNumber(n), self.at(last)))
            self.t += 1
            if self.ticks:
                self.tell(Tick(self.at(self.t)))

    def _beat(self) -> None:
        if self.gateway_lives:
            self.tell(GatewayAlive(self.at(self.t), GatewayId("g1"), frozenset(self.edges)))
            for box, radio_ok in self.boxes.items():
                mains, walked = box not in self.unplugged, box not in self.unproven
                near = ((BandNumber(1), self.words[box]),) if box in self.words else ()
                self.tell(EdgeAlive(self.at(self.t), EdgeId(box), BEAT_S, mains, radio_ok, walked=walked, near=near))
            for n, reading in self.readings.items():
                if reading is not None and self.boxes.get(f"e{n}"):
                    self.hear(n, reading)

    # --- what happens ---

    def hear(self, n: int, reading: Reading, *, t: float | None = None, late: bool = False, edge: str | None = None):
        t = self.t if t is None else t
        if not late:
            self.last[n] = int(t)
            self.testified.discard(n)
        at = self.at(t)
        return self.tell(BandHeard(at, at, EdgeId(edge or f"e{n}"), BandNumber(n), -60, int(t), reading, False, late))

    def leave(self, n: int = 1) -> None:
        self.readings[n] = None

    def come_back(self, n: int = 1) -> None:
        self.readings[n] = WORN

    def wear(self, n: int = 1, **changes: object) -> None:
        self.readings[n] = replace(WORN, **changes)

    def box_dies(self, n: int = 1) -> None:
        del self.boxes[f"e{n}"]

    def box_lives(self, n: int = 1, *, radio_ok: bool = True) -> None:
        self.boxes[f"e{n}"] = radio_ok

    def reboot(self, n: int = 1) -> None:
        self.tell(EdgeBegan(self.at(self.t), EdgeId(f"e{n}")))

    def cross(self, direction: str = "out", *, late: bool = False):
        return self.tell(DoorCrossed(self.at(self.t), EdgeId("e1"), "gate", "main", direction, 4, 0.9, late))

    def camera(self, state: str):
        return self.tell(CameraChanged(self.at(self.t), EdgeId("e1"), "gate", state))

    def mains(self, *, on: bool):
        (self.unplugged.discard if on else self.unplugged.add)("e1")
        return self.tell(MainsTurned(self.at(self.t), EdgeId("e1"), on))

    def trouble(self, reason: str, count: int = 1):
        return self.tell(FrameTrouble(self.at(self.t), EdgeId("e1"), BandNumber(1), reason, count))

    def tap_sos(self, person: str = "p1"):
        return self.tell(SosTapped(self.at(self.t), person))

    def end_order(self, n: int = 1) -> None:
        order = self.orders[OrderId(f"o{n}")]
        self.orders = {**self.orders, order.id: replace(order, ended_at=self.at(self.t))}
        self.seat()

    def officer(self, alert: Alert, command: Command) -> list[AlertEvent]:
        events = decide(self.judge.alert(alert.id), command, self.at(self.t))
        for event in events:
            self.judge.evolve(event)
        self.events += events
        return events

    # --- what came of it ---

    @property
    def alerts(self) -> list[Alert]:
        return sorted(self.judge.alerts(), key=lambda alert: (alert.opened_at, alert.id))

    @property
    def only(self) -> Alert:
        (alert,) = self.alerts
        return alert

    @property
    def kinds(self) -> list[str]:
        return [str(alert.kind) for alert in self.alerts]

    def said(self, kind: type) -> list[AlertEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    def where(self, n: int = 1) -> str:
        return self.judge.presence(f"p{n}", self.at(self.t))[0]


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.fixture
def calm() -> Story:
    """A story under the policy that is in force by default."""
    return Story(policy=load_policy("default"))


@pytest.fixture
def tell_story() -> type[Story]:
    return Story

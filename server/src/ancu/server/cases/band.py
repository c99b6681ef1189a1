"""Bands: what is known of one, and all that may be known when it is judged. The rows are in `band_rows`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from ancu.models.clock import from_ms, to_ms
from ancu.models.frame import Reading, Status
from ancu.models.ids import BandNumber, EdgeId, band_name
from ancu.models.presence import Receiver, State
from ancu.models.presence import presence as put_together
from ancu.server.alerts.events import Sign
from ancu.server.cases.camera import DoorState
from ancu.server.cases.clinical import Vitals, heard_vitals
from ancu.server.cases.codes import Say
from ancu.server.cases.edge import EdgeState
from ancu.server.cases.inputs import BandHeard, ChallengeSettled
from ancu.server.cases.policy import Policy
from ancu.server.cases.roster import OrderSeat

__all__ = ["BandCase", "BandState", "is_flat", "is_strap_open"]


class BandState(msgspec.Struct):
    """What is known of a band under one order. `*_ms` of a run: since when it has been so; 0: it is not."""

    order: str
    heard_ms: int = 0  # by the band's own signed time; 0: never
    heard_edge: str = ""
    rssi_dbm: int = 0
    live: bool = False  # whether the latest frame was heard as it happened
    reading: Reading | None = None
    home_ms: int = 0  # since when without an absence
    strap_ms: int = 0
    sos_ms: int = 0
    motion_ms: int = 0
    off_ms: int = 0  # neither skin nor motion
    low_ms: int = 0  # battery
    vitals: Vitals | None = None  # while any is odd
    unseen: dict[str, int] = {}  # by edge: when it last testified that it does not hear the band
    near: dict[str, bool] = {}  # by edge: whether it is near, by its newest heartbeat; absent: it cannot tell
    far_ms: int = 0  # since when an edge says far and none says near
    answered_ms: int = 0  # when it last answered a challenge: its own word, as a frame is
    worn_ms: int = 0  # when it last answered that it is worn
    asked_ms: int = 0  # the first of the challenges in a row that it left unanswered though it was heard
    misses: int = 0

    def heard(self, heard: BandHeard, policy: Policy) -> None:
        at_ms, reading = to_ms(heard.at), heard.reading
        if at_ms <= self.heard_ms:
            return
        if (
            self.heard_ms == 0
            or self.unseen_ms > self.heard_ms
            or at_ms - self.heard_ms > policy.presence.heard_fresh_s * 1000
        ):
            self.home_ms = at_ms
        battery = policy.rules.battery_low
        level, was_low = reading.battery_percent, self.low_ms > 0
        is_low = level <= battery.at_most_percent or (was_low and level < battery.clear_percent)
        self.low_ms = _run(self.low_ms, at_ms, so=is_low)
        self.strap_ms = _run(self.strap_ms, at_ms, so=is_strap_open(reading))
        self.sos_ms = _run(self.sos_ms, at_ms, so=Status.SOS in reading.status)
        self.motion_ms = _run(self.motion_ms, at_ms, so=Status.MOTION in reading.status)
        self.off_ms = _run(self.off_ms, at_ms, so=not reading.status & (Status.SKIN | Status.MOTION))
        if not heard.late:
            self.vitals = heard_vitals(self.vitals, at_ms, reading, policy.rules)
        self.heard_ms, self.heard_edge, self.rssi_dbm = at_ms, heard.edge, heard.rssi_dbm
        self.live, self.reading = not heard.late, reading

    def unheard(self, edge: EdgeId, at_ms: int) -> None:
        if at_ms > self.unseen.get(edge, 0):
            self.unseen = {**self.unseen, edge: at_ms}

    def told_near(self, edge: EdgeId, at_ms: int, near: bool | None) -> bool:
        """Take an edge's word; returns whether it is another than before."""
        if self.near.get(edge) is near:
            return False
        self.near = {e: word for e, word in self.near.items() if e != edge} | ({} if near is None else {edge: near})
        words = self.near.values()
        self.far_ms = _run(self.far_ms, at_ms, so=bool(words) and not any(words))
        return True

    def settled(self, challenge: ChallengeSettled, *, counts: bool) -> None:
        """Take what came of a challenge. A missed one counts if the band could have answered."""
        at_ms, asked_ms = to_ms(challenge.at), to_ms(challenge.asked_at)
        if challenge.outcome != "missed":
            self.answered_ms = max(self.answered_ms, at_ms)
            self.misses, self.asked_ms = 0, 0
            if challenge.outcome == "worn":
                self.worn_ms = max(self.worn_ms, at_ms)
        elif counts and asked_ms > self.answered_ms:
            self.misses, self.asked_ms = self.misses + 1, self.asked_ms or asked_ms

    @property
    def word_ms(self) -> int:
        """When the band last said anything under its own key: a frame, or an answer."""
        return max(self.heard_ms, self.answered_ms)

    @property
    def unseen_ms(self) -> int:
        return max(self.unseen.values(), default=0)


@dataclass(frozen=True, slots=True)
class BandCase:
    """All that may be known when a band is judged."""

    number: BandNumber
    order: OrderSeat
    state: BandState
    edges: Mapping[EdgeId, EdgeState]  # that may hear it
    doors: tuple[DoorState, ...]  # of its place
    heard_from_ms: int  # before that the judge itself was deaf
    feverish_ms: int = 0  # when the person last said that he has a fever
    receivers: tuple[EdgeId, ...] = ()  # every edge of its place, whether it was ever heard of or not

    def witness(self, at_ms: int, policy: Policy) -> tuple[EdgeId, EdgeState] | None:
        """The edge that heard the band last, if it can be believed now."""
        edge = EdgeId(self.state.heard_edge)
        state = self.edges.get(edge)
        return (edge, state) if state is not None and state.is_believed(at_ms, policy) else None

    def loudness(self, at_ms: int, policy: Policy) -> State:
        """What its loudness alone says: away only if every receiver of the place is believed and says far."""
        return put_together(
            Receiver(edge in self.edges and self.edges[edge].is_believed(at_ms, policy), self.state.near.get(edge))
            for edge in self.receivers
        )

    def sign(self, code: Say, at_ms: int, **values: object) -> Sign:
        named = {"band": band_name(self.number), "edge": self.state.heard_edge, **values}
        return Sign(code, from_ms(at_ms), named)


def is_strap_open(reading: Reading) -> bool:
    """Whether the band's own circuit says that it was cut or opened."""
    return reading.tamper or Status.STRAP_OPEN in reading.status


def is_flat(reading: Reading, policy: Policy) -> bool:
    """Whether silence needs no other reason than an empty battery."""
    return reading.battery_percent <= policy.rules.battery_dead.at_most_percent


def _run(since_ms: int, at_ms: int, *, so: bool) -> int:
    return (since_ms or at_ms) if so else 0

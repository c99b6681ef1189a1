"""Observing: what moves the judge's memory of the present. Pure: no I/O, no clock, no log.

Late and repeated inputs never move it back. Who may be judged otherwise for what was heard is looked at next tick.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from ancu.models.clock import to_ms
from ancu.models.ids import BandNumber, EdgeId, GatewayId
from ancu.server.cases.band import BandState
from ancu.server.cases.band_rows import silent_at
from ancu.server.cases.camera import CameraState, DoorState, camera_id, crossing_of
from ancu.server.cases.edge import EdgeState, GatewayState
from ancu.server.cases.fingerprint import Surroundings
from ancu.server.cases.hearing import place_of
from ancu.server.cases.inputs import (
    AbsenceEnded,
    AbsenceGranted,
    BandHeard,
    BandUnseen,
    CameraChanged,
    ChallengeSettled,
    CheckinAnswered,
    CheckinAsked,
    CheckpointScanned,
    DoorCrossed,
    EdgeAlive,
    EdgeBegan,
    FrameTrouble,
    GatewayAlive,
    Input,
    MainsTurned,
    NeighboursScanned,
    PersonInput,
    SelfReported,
    SosTapped,
    Tick,
    ZoneCounted,
)
from ancu.server.cases.memory import Decided, Observed
from ancu.server.cases.person import PersonState
from ancu.server.cases.policy import Policy
from ancu.server.cases.roster import Roster, area_of
from ancu.server.cases.sweep import Sweep
from ancu.server.cases.zones import ZoneState

__all__ = ["Key", "Observing", "camera_of"]

Key = tuple[str, str | int | tuple[str, str]]  # who is looked at: ('band', 7), ('camera', (edge, camera)), ...


class Observing:
    """Memory, and whom to look at when time passes."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._roster = Roster()
        self._observed, self._decided = Observed(), Decided({}, {}, {})
        self._sweep: Sweep[Key] = Sweep()

    def observe(self, heard: Input) -> None:  # noqa: C901, PLR0912 - one case an input
        """Move what is known of the present. Late and repeated inputs never move it back."""
        match heard:
            case BandHeard():
                self._observe_band(heard)
            case BandUnseen(at, edge, band):
                state = self._band_state(band)
                if state is not None:
                    state.unheard(edge, to_ms(at))
                    self._sweep.look(("band", band), 0)
            case EdgeAlive(at=at, late=late):
                if not late:
                    self._observe_time(to_ms(at))
                self._observe_edge(heard)
            case EdgeBegan(at, edge):
                self._observed.edges.setdefault(edge, EdgeState()).began(to_ms(at))
                self._forget_zones(edge, to_ms(at))
            case MainsTurned(at, edge, on):
                self._observed.edges.setdefault(edge, EdgeState()).power(to_ms(at), on=on)
                self._sweep.look(("edge", edge), 0)
            case GatewayAlive(at, gateway):
                self._observe_time(to_ms(at))
                self._observe_gateway(to_ms(at), gateway)
            case DoorCrossed():
                self._observe_door(heard)
            case CameraChanged(at, edge, camera, state_now):
                key = camera_id(edge, camera)
                self._observed.cameras.setdefault(key, CameraState()).changed(to_ms(at), state_now)
                self._sweep.look(("camera", (edge, camera)), 0)
            case ZoneCounted():
                self._observe_zone(heard)
            case NeighboursScanned(at=at, edge=edge, devices=devices):
                around = self._observed.around.setdefault(edge, Surroundings())
                around.scanned(to_ms(at), devices, self.policy.rules.edge_moved)
                self._sweep.look(("edge", edge), 0)
            case Tick(at):
                self._observe_time(to_ms(at))
                self._observed.tick_ms = max(self._observed.tick_ms, to_ms(at))
            case (
                CheckpointScanned()
                | AbsenceGranted()
                | AbsenceEnded()
                | CheckinAsked()
                | CheckinAnswered()
                | SelfReported()
            ):
                self._observe_person(heard)
            case ChallengeSettled():
                self._observe_challenge(heard)
            case FrameTrouble() | SosTapped():
                pass  # they are gone when they were judged: nothing of the present follows from them
            case _:
                assert_never(heard)

    def _observe_band(self, heard: BandHeard) -> None:
        state = self._band_state(heard.band)
        if state is not None:
            state.heard(heard, self.policy)
            is_past = heard.late or state.unseen_ms > state.heard_ms  # news of the past: the present may follow at once
            look_ms = 0 if is_past else silent_at(to_ms(heard.at), self.policy)
            self._sweep.look(("band", heard.band), look_ms)

    def _band_state(self, band: BandNumber) -> BandState | None:
        """The state of a seated band; a new order begins with a clean slate."""
        order = self._roster.order_of(band)
        if order is None:
            return None
        state = self._observed.bands.get(band)
        if state is None or state.order != order.id:
            state = self._observed.bands[band] = BandState(order.id)
        return state

    def _observe_edge(self, beat: EdgeAlive) -> None:
        at_ms, edge = to_ms(beat.at), beat.edge
        state = self._observed.edges.get(edge)
        if state is None:
            state = self._observed.edges[edge] = EdgeState()
        was_believed = state.is_believed(max(at_ms, self._observed.tick_ms), self.policy)  # by whoever looked last
        if beat.late:
            state.told_late(self._observed.tick_ms)
        is_news, had_mains = not beat.late and at_ms > state.alive_ms, state.mains
        state.alive(at_ms, self.policy, radio_ok=beat.radio_ok, mains=beat.mains, walked=beat.walked)
        if is_news and (beat.near or state.tells_near):
            state.tells_near = bool(beat.near)
            self._observe_nearness(edge, at_ms, dict(beat.near))
        if state.mains is not had_mains:
            self._sweep.look(("edge", edge), 0)
        if not was_believed:
            self._sweep.look_now(("band", number) for number in self._roster.bands_of_edge.get(edge, ()))
            seat = self._roster.edges.get(edge)
            self._sweep.look_now([("edge", edge)] if seat is None else [("edge", edge), ("area", area_of(seat))])

    def _observe_nearness(self, edge: EdgeId, at_ms: int, near: Mapping[BandNumber, bool]) -> None:
        for number in self._roster.bands_of_edge.get(edge, ()):
            state = self._band_state(number)
            if state is not None and state.told_near(edge, at_ms, near.get(number)):
                self._sweep.look(("band", number), 0)

    def _observe_gateway(self, at_ms: int, gateway: GatewayId) -> None:
        state = self._observed.gateways.setdefault(gateway, GatewayState())
        was_fresh = state.is_fresh(max(at_ms, self._observed.tick_ms), self.policy)
        state.alive(at_ms, self.policy)
        if not was_fresh:
            self._sweep.look(("gateway", gateway), 0)
            self._sweep.look_now(("edge", edge) for edge in self._roster.edges_of_gateway.get(gateway, ()))

    def _observe_door(self, crossed: DoorCrossed) -> None:
        place = place_of(self._roster, crossed.edge, crossed.camera)
        if place is not None:
            door = self._observed.doors.setdefault(place, DoorState())
            door.crossed(crossing_of(crossed), out=crossed.direction == "out")
            self._sweep.look_now(("band", number) for number in self._roster.bands_of_place.get(place, ()))

    def _observe_zone(self, heard: ZoneCounted) -> None:
        zones = self._observed.zones.setdefault(camera_id(heard.edge, heard.camera), {})
        zone = zones.setdefault(heard.zone, ZoneState(heard.watch))
        zone.counted(to_ms(heard.at), to_ms(heard.since), heard.people, self.policy)
        self._sweep.look(("camera", (heard.edge, heard.camera)), 0)

    def _forget_zones(self, edge: EdgeId, at_ms: int) -> None:
        for camera, zones in self._observed.zones.items():
            if camera_of(camera)[0] == edge:
                for zone in zones.values():
                    zone.forgotten(at_ms)
                self._sweep.look(("camera", camera_of(camera)), 0)

    def _observe_person(self, heard: PersonInput) -> None:
        self._observed.people.setdefault(heard.person, PersonState()).told(heard)
        self._sweep.look(("person", heard.person), 0)
        self._sweep.look_now(("band", number) for number in self._roster.bands_of_person.get(heard.person, ()))

    def _observe_challenge(self, settled: ChallengeSettled) -> None:
        """One that was missed says something only of a band that its edge heard, and while that edge was believed."""
        state, edge = self._band_state(settled.band), self._observed.edges.get(settled.edge)
        if state is None:
            return
        asked_ms, at_ms = to_ms(settled.asked_at), to_ms(settled.at)
        believed = edge is not None and edge.is_believed(at_ms, self.policy) and edge.ears_ms <= asked_ms
        fresh_ms = self.policy.presence.heard_fresh_s * 1000
        heard = state.heard_ms >= asked_ms and at_ms - state.heard_ms <= fresh_ms
        state.settled(settled, counts=believed and heard)
        self._sweep.look(("band", settled.band), 0)

    def _observe_time(self, at_ms: int) -> None:
        """A tick or a live heartbeat: the judge is being told things; after a gap it has to listen anew."""
        observed = self._observed
        if observed.told_ms and at_ms - observed.told_ms > self.policy.episodes.deaf_s * 1000:
            observed.listening_ms = at_ms
        observed.told_ms = max(observed.told_ms, at_ms)


def camera_of(key: str) -> tuple[str, str]:
    """A camera's edge and name, of its id as an alert's subject."""
    edge, _, camera = key.partition("/")
    return edge, camera

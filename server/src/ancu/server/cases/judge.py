"""The judge: inputs in, events out. Pure: no I/O, no clock, no log.

    for each input:  observe(i);  for e in decide(i): evolve(e)
    after a restart: restore(snapshot);  observe(later inputs);  evolve(journaled events);  then tick

`observe` moves what was heard, by each fact's own time. `decide` changes nothing that can be seen. `evolve` never
fails. Observed and decided memory are apart, so a restart neither repeats an alert nor misses one. A Tick says that
time passed *and that the judge was listening*: whoever is cut off from the broker does not tick, and no silence from
that gap counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from ancu.models.clock import from_ms, to_ms
from ancu.models.frame import Reading, Status
from ancu.models.ids import BandNumber, EdgeId, GatewayId
from ancu.server.alerts.alert import Alert
from ancu.server.alerts.events import AlertEvent, Ended
from ancu.server.cases.band import BandState, PresenceState, is_strap_open, presence, silent_at
from ancu.server.cases.camera import CameraState, DoorState, camera_id, crossing_of
from ancu.server.cases.codes import Concern, Kind, SubjectKind
from ancu.server.cases.edge import EdgeState, GatewayState
from ancu.server.cases.fingerprint import Surroundings
from ancu.server.cases.hearing import band_case
from ancu.server.cases.hearing_person import PersonHearing
from ancu.server.cases.inputs import (
    AbsenceEnded,
    AbsenceGranted,
    BandHeard,
    BandUnseen,
    CameraChanged,
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
from ancu.server.cases.memory import Decided, Observed, pack_memory, unpack_memory
from ancu.server.cases.person import PersonState
from ancu.server.cases.policy import Policy
from ancu.server.cases.roster import Roster, area_of
from ancu.server.cases.sweep import Sweep
from ancu.server.cases.zones import ZoneState

__all__ = ["Judge", "Latest"]

Key = tuple[str, str | int | tuple[str, str]]  # who is looked at: ('band', 7), ('camera', (edge, camera)), ...
_AHEAD_MS = 5_000  # a device's clock is believed so far ahead of the last tick: ticks come each second


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest frame of a band."""

    at: datetime
    edge: EdgeId
    rssi_dbm: int
    reading: Reading
    live: bool  # heard as it happened


class Judge:
    def __init__(self, policy: Policy, roster: Roster | None = None) -> None:
        self.policy = policy
        self._roster = Roster()
        self._observed, self._decided = Observed(), Decided({}, {}, {})
        self._sweep: Sweep[Key] = Sweep()
        if roster is not None:
            self.set_roster(roster)

    # --- the three verbs ---------------------------------------------------------------------------------------------

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
            case FrameTrouble() | SosTapped():
                pass  # they are gone when they were judged: nothing of the present follows from them
            case _:
                assert_never(heard)

    def decide(self, heard: Input) -> list[AlertEvent]:  # noqa: C901, PLR0912 - one case an input
        """The events that follow from an input that was observed; the same again until they are evolved."""
        match heard:
            case Tick(at):
                return self._sweep_at(to_ms(at))
            case BandHeard() if not self._matters(heard):
                return []
            case EdgeBegan():
                return []
            case EdgeAlive(edge=edge, late=late) if late or not self._is_troubled(SubjectKind.EDGE, edge):
                return []
            case GatewayAlive(gateway=gateway) if not self._is_troubled(SubjectKind.GATEWAY, gateway):
                return []
        hearing = self._hearing(self._now_ms(heard))
        match heard:
            case BandHeard():
                self._decide_band(heard, hearing)
            case BandUnseen(band=band, late=False):
                hearing.look_at_band(band)
            case EdgeAlive(edge=edge) | MainsTurned(edge=edge, late=False):
                hearing.look_at_edge(edge)
            case GatewayAlive(gateway=gateway):
                hearing.look_at_gateway(gateway)
            case DoorCrossed(late=False):
                hearing.hear_crossing(heard)
            case NeighboursScanned(edge=edge, late=False):
                hearing.look_at_surroundings(edge)
            case (
                CameraChanged(edge=edge, camera=camera, late=False) | ZoneCounted(edge=edge, camera=camera, late=False)
            ):
                hearing.look_at_camera(edge, camera)
            case FrameTrouble():
                hearing.hear_trouble(heard)
            case SosTapped():
                hearing.hear_sos(heard)
            case (
                CheckpointScanned()
                | AbsenceGranted()
                | AbsenceEnded()
                | CheckinAsked()
                | CheckinAnswered()
                | SelfReported()
            ):
                hearing.hear_person(heard)
        return hearing.events

    def evolve(self, event: AlertEvent) -> None:
        """Remember what was decided, here or by an officer."""
        self._decided.evolve(event)
        alert = self._decided.alert(event.alert)
        if alert is None:
            return
        self._sweep.look(("alert", alert.id), 0)
        if isinstance(event, Ended) and alert.subject.kind is SubjectKind.AREA:
            self._sweep.look_now(("edge", e) for e in self._roster.edges_of_area.get(alert.subject.id, ()))

    # --- restarts and the roster -------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        return pack_memory(self._observed, self._decided)

    def restore(self, snapshot: bytes) -> None:
        """Take a snapshot's memory in place of this one's; raises SnapshotRefused."""
        self._observed, self._decided = unpack_memory(snapshot)
        self._look_at_all()

    def set_roster(self, roster: Roster) -> None:
        """From now on these are the people and devices. What is not among them is neither heard nor judged."""
        before, self._roster = self._roster, roster
        for number, seat in roster.bands.items():
            if before.bands.get(number) != seat or before.orders.get(seat.order) != roster.orders.get(seat.order):
                self._sweep.look(("band", number), 0)
        self._sweep.look_now(
            ("person", person)
            for person in self._observed.people
            if [before.orders.get(o) for o in before.orders_of_person.get(person, ())]
            != [roster.orders.get(o) for o in roster.orders_of_person.get(person, ())]
        )
        if before.edges != roster.edges or before.gateways != roster.gateways:
            self._look_at_all()

    # --- questions ---------------------------------------------------------------------------------------------------

    def presence(self, person: str, at: datetime | None = None) -> tuple[PresenceState, datetime | None]:
        """Where a person is as far as anyone can know at a time (the last tick's by default), and since when."""
        at_ms = self._observed.tick_ms if at is None else to_ms(at)
        cases = [band_case(self._roster, self._observed, n) for n in self._roster.bands_of_person.get(person, ())]
        under_order = [c for c in cases if c is not None and to_ms(c.order.starts_at) <= at_ms < to_ms(c.order.over_at)]
        if not under_order:
            return "unknown", None
        case = max(under_order, key=lambda c: (c.state.heard_ms, c.number))
        state, since_ms = presence(case, at_ms, self.policy)
        return state, from_ms(since_ms) if since_ms else None

    def latest(self, band: BandNumber) -> Latest | None:
        state = self._observed.bands.get(band)
        if state is None or state.reading is None:
            return None
        return Latest(from_ms(state.heard_ms), EdgeId(state.heard_edge), state.rssi_dbm, state.reading, state.live)

    def edge_seen(self, edge: EdgeId) -> datetime | None:
        """The last heartbeat of an edge."""
        state = self._observed.edges.get(edge)
        return from_ms(state.alive_ms) if state is not None and state.alive_ms else None

    def edge_state(self, edge: EdgeId, at: datetime) -> str:
        """'new', 'ok', 'fault' (its radio fails), 'unknown' (no heartbeat lately) or 'silent' (an alert says so)."""
        state = self._observed.edges.get(edge)
        if state is None or not state.alive_ms:
            return "new"
        if state.is_fresh(to_ms(at), self.policy):
            return "ok" if state.radio_ok else "fault"
        alert = self._decided.latest(SubjectKind.EDGE, edge, Concern.LINK)
        return "silent" if alert is not None and Kind.EDGE_SILENT in alert.active else "unknown"

    def gateway_seen(self, gateway: GatewayId) -> datetime | None:
        state = self._observed.gateways.get(gateway)
        return from_ms(state.alive_ms) if state is not None and state.alive_ms else None

    def alert(self, alert: str) -> Alert | None:
        """An alert that may still matter; a resolved one of long ago is in the journal only."""
        return self._decided.alert(alert)

    def alerts(self) -> Iterator[Alert]:
        return self._decided.alerts()

    # --- observing ---------------------------------------------------------------------------------------------------

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
        had_mains = state.mains
        state.alive(at_ms, self.policy, radio_ok=beat.radio_ok, mains=beat.mains, walked=beat.walked)
        if state.mains is not had_mains:
            self._sweep.look(("edge", edge), 0)
        if not was_believed:
            self._sweep.look_now(("band", number) for number in self._roster.bands_of_edge.get(edge, ()))
            seat = self._roster.edges.get(edge)
            self._sweep.look_now([("edge", edge)] if seat is None else [("edge", edge), ("area", area_of(seat))])

    def _observe_gateway(self, at_ms: int, gateway: GatewayId) -> None:
        state = self._observed.gateways.setdefault(gateway, GatewayState())
        was_fresh = state.is_fresh(max(at_ms, self._observed.tick_ms), self.policy)
        state.alive(at_ms, self.policy)
        if not was_fresh:
            self._sweep.look(("gateway", gateway), 0)
            self._sweep.look_now(("edge", edge) for edge in self._roster.edges_of_gateway.get(gateway, ()))

    def _observe_door(self, crossed: DoorCrossed) -> None:
        place = self._hearing(0).place_of(crossed.edge, crossed.camera)
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
            if _camera(camera)[0] == edge:
                for zone in zones.values():
                    zone.forgotten(at_ms)
                self._sweep.look(("camera", _camera(camera)), 0)

    def _observe_person(self, heard: PersonInput) -> None:
        self._observed.people.setdefault(heard.person, PersonState()).told(heard)
        self._sweep.look(("person", heard.person), 0)
        self._sweep.look_now(("band", number) for number in self._roster.bands_of_person.get(heard.person, ()))

    def _observe_time(self, at_ms: int) -> None:
        """A tick or a live heartbeat: the judge is being told things; after a gap it has to listen anew."""
        observed = self._observed
        if observed.told_ms and at_ms - observed.told_ms > self.policy.episodes.deaf_s * 1000:
            observed.listening_ms = at_ms
        observed.told_ms = max(observed.told_ms, at_ms)

    # --- deciding ----------------------------------------------------------------------------------------------------

    def _hearing(self, now_ms: int) -> PersonHearing:
        return PersonHearing(self._roster, self._observed, self._decided, self.policy, now_ms)

    def _now_ms(self, heard: Input) -> int:
        """The time of the decision. The server's own clock is believed; a device's not far ahead of the last tick."""
        at_ms, tick_ms = to_ms(heard.at), self._observed.tick_ms
        if isinstance(heard, SosTapped | FrameTrouble | PersonInput) or not tick_ms:
            return max(at_ms, tick_ms)
        return max(tick_ms, min(at_ms, tick_ms + _AHEAD_MS))

    def _decide_band(self, heard: BandHeard, hearing: PersonHearing) -> None:
        if heard.late:
            hearing.hear_late(heard)
            return
        state = self._observed.bands.get(heard.band)
        if state is not None and state.reading != heard.reading and state.heard_ms >= to_ms(heard.at):
            hearing.hear_out_of_order(heard)
        hearing.look_at_band(heard.band)
        self._sweep.look(("band", heard.band), 0)

    def _matters(self, heard: BandHeard) -> bool:
        """The screen: whether a frame can change any decision now. What time changes is the sweep's business."""
        order, state = self._roster.order_of(heard.band), self._observed.bands.get(heard.band)
        if order is None or state is None:
            return False
        cries = Status.SOS in heard.reading.status or is_strap_open(heard.reading)
        if cries or heard.late:
            return cries
        if state.strap_ms or state.sos_ms or state.off_ms or state.low_ms or state.vitals or heard.at >= order.over_at:
            return True
        return self._is_troubled(SubjectKind.PERSON, order.person)

    def _is_troubled(self, kind: SubjectKind, subject: str) -> bool:
        return self._decided.is_troubled(kind, subject)

    def _sweep_at(self, at_ms: int) -> list[AlertEvent]:
        taken = set(self._sweep.take_due(at_ms))
        for area in [key[1] for key in taken if key[0] == "area"]:  # who was hidden behind an outage may be so no more
            taken.update(("edge", edge) for edge in self._roster.edges_of_area.get(str(area), ()))
        due = sorted(taken, key=_looked_at_in_order)
        if not due:
            return []
        hearing = self._hearing(at_ms)
        for key in due:
            said = len(hearing.events)
            again = _look(hearing, key)
            if len(hearing.events) > said:
                again = at_ms  # until its events are evolved, it is asked again
            if again is not None:
                self._sweep.look(key, again)
        return hearing.events

    def _look_at_all(self) -> None:
        self._sweep.clear()
        keys: Iterable[Key] = [
            *(("band", number) for number in self._roster.bands),
            *(("edge", edge) for edge in self._roster.edges),
            *(("area", area) for area in self._roster.edges_of_area),
            *(("gateway", gateway) for gateway in self._roster.gateways),
            *(("alert", alert.id) for alert in self._decided.alerts()),
            *(("camera", _camera(key)) for key in {**self._observed.cameras, **self._observed.zones}),
            *(("person", person) for person in self._observed.people),
        ]
        self._sweep.look_now(keys)


def _camera(key: str) -> tuple[str, str]:
    edge, _, camera = key.partition("/")
    return edge, camera


_ORDER = (
    "alert",
    "gateway",
    "area",
    "edge",
    "camera",
    "band",
    "person",
)  # ladders as they stood; then causes before effects


def _looked_at_in_order(key: Key) -> tuple[int, str]:
    return _ORDER.index(key[0]), str(key[1])


def _look(hearing: PersonHearing, key: Key) -> int | None:  # noqa: PLR0911 - one case a key
    match key:
        case ("alert", str(alert)):
            return hearing.look_at_alert(alert)
        case ("gateway", str(gateway)):
            return hearing.look_at_gateway(GatewayId(gateway))
        case ("area", str(area)):
            return hearing.look_at_area(area)
        case ("edge", str(edge)):
            return hearing.look_at_edge(EdgeId(edge))
        case ("camera", (edge, camera)):
            return hearing.look_at_camera(EdgeId(edge), camera)
        case ("band", int(number)):
            return hearing.look_at_band(BandNumber(number))
        case ("person", str(person)):
            return hearing.look_at_person(person)
    raise AssertionError(key)

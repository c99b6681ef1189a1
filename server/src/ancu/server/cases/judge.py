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

from ancu.models.clock import from_ms, to_ms
from ancu.models.frame import Reading, Status
from ancu.models.ids import BandNumber, EdgeId, GatewayId
from ancu.server.alerts.alert import Alert
from ancu.server.alerts.events import AlertEvent, Ended
from ancu.server.cases.band import is_strap_open
from ancu.server.cases.codes import Concern, Kind, SubjectKind
from ancu.server.cases.hearing import band_case
from ancu.server.cases.hearing_person import PersonHearing
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
from ancu.server.cases.memory import pack_memory, unpack_memory
from ancu.server.cases.observing import Key, Observing, camera_of
from ancu.server.cases.policy import Policy
from ancu.server.cases.roster import Roster
from ancu.server.cases.whereabouts import PresenceState, presence

__all__ = ["Judge", "Latest"]

_AHEAD_MS = 5_000  # a device's clock is believed so far ahead of the last tick: ticks come each second


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest frame of a band."""

    at: datetime
    edge: EdgeId
    rssi_dbm: int
    reading: Reading
    live: bool  # heard as it happened


class Judge(Observing):
    def __init__(self, policy: Policy, roster: Roster | None = None) -> None:
        super().__init__(policy)
        if roster is not None:
            self.set_roster(roster)

    # --- the three verbs ---------------------------------------------------------------------------------------------

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
                | ChallengeSettled()
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
        if state.far_ms or state.asked_ms:
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
            *(("camera", camera_of(key)) for key in {**self._observed.cameras, **self._observed.zones}),
            *(("person", person) for person in self._observed.people),
        ]
        self._sweep.look_now(keys)


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

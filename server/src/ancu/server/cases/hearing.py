"""A hearing: one input judged. It gathers what a rule may know, and settles what the rules say into events.

Each `look_at_*` returns when time alone may change the answer, for the sweep. Nothing that anyone else sees is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ancu.models.clock import from_ms, to_ms
from ancu.models.ids import BandNumber, EdgeId, GatewayId
from ancu.server.alerts.alert import Alert
from ancu.server.alerts.events import AlertEvent, Attached, Sign, Subject
from ancu.server.cases.absence import excused, running
from ancu.server.cases.band import BandCase, BandState
from ancu.server.cases.band_rows import quiet_until, verdicts
from ancu.server.cases.camera import camera_exit, camera_fault, camera_id, crossing_of
from ancu.server.cases.codes import CONCERN_OF, Concern, Kind, Say, SubjectKind
from ancu.server.cases.edge import area_outage, edge_silent, gateway_silent, hidden_edges, mains_lost
from ancu.server.cases.fingerprint import edge_moved
from ancu.server.cases.incident import decide_incident, due_steps, late_id, raise_late
from ancu.server.cases.inputs import BandHeard, DoorCrossed, FrameTrouble, SosTapped
from ancu.server.cases.memory import Decided, Observed
from ancu.server.cases.policy import Held, Policy
from ancu.server.cases.roster import OrderSeat, Roster, area_of
from ancu.server.cases.trust import frames_refused
from ancu.server.cases.verdict import Clear, Holds, Verdict, Wait, next_look
from ancu.server.cases.zones import zone_verdicts

__all__ = ["Hearing", "band_case", "person_subject", "place_of"]

_LATE_KINDS = (Kind.SOS, Kind.STRAP_CUT)  # momentary and signed by the band: late, they still must not get lost


def band_case(roster: Roster, observed: Observed, number: BandNumber) -> BandCase | None:
    """What may be known of a seated band; None for one that nobody wears."""
    seat, order = roster.bands.get(number), roster.order_of(number)
    if seat is None or order is None:
        return None
    state = observed.bands.get(number)
    if state is None or state.order != order.id:
        state = BandState(order.id)
    edges = {e: observed.edges[e] for e in seat.edges if e in observed.edges}
    doors = tuple(observed.doors[place] for place in roster.places_of_band[number] if place in observed.doors)
    person = observed.people.get(order.person)
    feverish_ms = 0 if person is None else person.feverish_ms
    return BandCase(number, order, state, edges, doors, observed.listening_ms, feverish_ms, seat.edges)


def place_of(roster: Roster, edge: EdgeId, camera: str) -> str | None:
    """The home or site that a camera watches; one that is not registered watches where its box is."""
    seat = roster.cameras.get((edge, camera))
    if seat is not None:
        return seat.place
    box = roster.edges.get(edge)
    return None if box is None else box.place


class Hearing:
    def __init__(self, roster: Roster, observed: Observed, decided: Decided, policy: Policy, at_ms: int) -> None:
        self._roster, self._observed, self._policy, self._at_ms = roster, observed, policy, at_ms
        self._before, self._decided = decided, decided.branch()
        self._areas: dict[str, _Area] = {}
        self.events: list[AlertEvent] = []

    # --- people and their bands --------------------------------------------------------------------------------------

    def look_at_band(self, number: BandNumber) -> int | None:
        case = band_case(self._roster, self._observed, number)
        if case is None:
            return None
        quiet_ms = quiet_until(case, self._at_ms, self._policy)
        if quiet_ms is not None and not self._before.is_troubled(SubjectKind.PERSON, case.order.person):
            return quiet_ms
        found = verdicts(case, self._at_ms, self._policy)
        person = self._observed.people.get(case.order.person)
        if person is not None and person.absences:
            found = excused(found, person.absences, self._at_ms, self._policy)
        self._settle(person_subject(case.order), found)
        for verdict in found:
            if isinstance(verdict, Holds) and verdict.kind is Kind.OUT_OF_RANGE:
                self._explain_cameras(case.order, verdict.signs)
        return next_look(found)

    def hear_out_of_order(self, heard: BandHeard) -> None:
        """A live frame that was overtaken by a newer one: one frame that says 'cut' or 'help' is enough."""
        case = band_case(self._roster, self._observed, heard.band)
        if case is None:
            return
        at_ms, state = to_ms(heard.at), case.state
        overtaken = BandState(case.order.id)
        overtaken.heard(heard, self._policy)
        if state.strap_ms and state.strap_ms <= at_ms:
            overtaken.strap_ms = 0
        if state.sos_ms and state.sos_ms <= at_ms:
            overtaken.sos_ms = 0
        then = BandCase(case.number, case.order, overtaken, {}, (), 0)
        found = verdicts(then, self._at_ms, self._policy)
        for verdict in found:
            if isinstance(verdict, Holds) and verdict.kind in _LATE_KINDS:
                alert = self._decided.latest(SubjectKind.PERSON, case.order.person, CONCERN_OF[verdict.kind])
                if alert is None or verdict.kind not in alert.active:
                    self._settle(person_subject(case.order), [verdict])

    def hear_late(self, heard: BandHeard) -> None:
        """A stored frame: shown with the incident it belongs to, or on the work list; it never pages."""
        order = self._roster.order_of(heard.band)
        if order is None:
            return
        past = BandState(order.id)
        past.heard(heard, self._policy)
        past.live = True  # as it was then
        case = BandCase(heard.band, order, past, {}, (), 0)
        for verdict in verdicts(case, to_ms(heard.at), self._policy):
            if isinstance(verdict, Holds) and verdict.kind in _LATE_KINDS:
                self._settle_late(person_subject(order), verdict)

    def hear_sos(self, tapped: SosTapped) -> None:
        orders = [self._roster.orders[o] for o in self._roster.orders_of_person.get(tapped.person, ())]
        if not orders:
            return
        order = max(orders, key=lambda o: (o.starts_at, o.id))
        sign = Sign(Say.SOS_PAGE, tapped.at)
        holds = Holds(Kind.SOS, self._policy.rules.sos.severity, to_ms(tapped.at), (sign,))
        self._settle(person_subject(order), [holds])

    # --- boxes and lines ---------------------------------------------------------------------------------------------

    def look_at_edge(self, edge: EdgeId) -> int | None:
        seat, state = self._roster.edges.get(edge), self._observed.edges.get(edge)
        if seat is None or state is None:
            return None
        is_fresh, rules = state.is_fresh(self._at_ms, self._policy), self._policy.rules
        together_ms = state.alive_ms + rules.area_outage.opens_after_s * 1000  # then its neighbours are asked
        if is_fresh and state.mains and not self._before.is_troubled(SubjectKind.EDGE, edge):
            return min(state.alive_ms + rules.edge_silent.opens_after_s * 1000, together_ms)  # the screen
        found: list[Verdict] = [mains_lost(edge, state, self._policy)]
        if self._at_ms < together_ms:
            found.append(Wait(together_ms))
        outage_ms = None
        if not self._is_cut_off(seat.gateway):
            silent = edge_silent(
                edge,
                state,
                self._heard_from(edge),
                people=len(self._people_of((edge,))),
                ruled_out=self._gateway_alive(seat.gateway),
                at_ms=self._at_ms,
                policy=self._policy,
            )
            if not is_fresh and edge in self._area(area_of(seat)).hidden:
                outage_ms = self.look_at_area(area_of(seat))
                silent = None if isinstance(silent, Holds) else silent
            found.append(silent)
        self._settle(self._edge_subject(edge), found)
        return min((look for look in (outage_ms, next_look(found)) if look is not None), default=None)

    def look_at_gateway(self, gateway: GatewayId) -> int | None:
        seat, state = self._roster.gateways.get(gateway), self._observed.gateways.get(gateway)
        if seat is None or state is None:
            return None
        edges = self._roster.edges_of_gateway.get(gateway, ())
        behind = (len(edges), len(self._people_of(edges)))
        verdict = gateway_silent(
            gateway, state, self._observed.listening_ms, behind=behind, at_ms=self._at_ms, policy=self._policy
        )
        self._settle(Subject(SubjectKind.GATEWAY, gateway, seat.ward), [verdict])
        return next_look([verdict])

    def look_at_area(self, area: str) -> int | None:
        edges = self._roster.edges_of_area.get(area, ())
        if not edges:
            return None
        now = self._area(area)
        if now.in_doubt and not now.hidden:
            return None
        hidden = {edge: now.silent[edge] for edge in now.hidden}
        people = len(self._people_of(tuple(now.hidden)))
        verdict = area_outage(
            area,
            hidden,
            self._observed.listening_ms,
            silent=len(now.silent),
            people=people,
            at_ms=self._at_ms,
            policy=self._policy,
        )
        self._settle(Subject(SubjectKind.AREA, area, self._roster.edges[edges[0]].ward), [verdict])
        return next_look([verdict])

    def hear_trouble(self, trouble: FrameTrouble) -> None:
        if trouble.edge not in self._roster.edges:
            return
        latest = self._decided.latest(SubjectKind.EDGE, trouble.edge, Concern.TRUST)
        told = self._decided.told_of(SubjectKind.EDGE, trouble.edge, Kind.TECHNICAL)
        self._settle(self._edge_subject(trouble.edge), [frames_refused(trouble, latest, told, self._policy)])

    def look_at_surroundings(self, edge: EdgeId) -> None:
        around = self._observed.around.get(edge)
        if around is not None and edge in self._roster.edges:
            self._settle(self._edge_subject(edge), [edge_moved(edge, around, self._policy)])

    # --- cameras -----------------------------------------------------------------------------------------------------

    def look_at_camera(self, edge: EdgeId, camera: str) -> int | None:
        state = self._observed.cameras.get(camera_id(edge, camera))
        zones, box = self._observed.zones.get(camera_id(edge, camera), {}), self._observed.edges.get(edge)
        if edge not in self._roster.edges:
            return None
        found = [] if state is None else [camera_fault(edge, camera, state, self._at_ms, self._policy)]
        believed = (
            (state is None or state.state == "ok") and box is not None and box.is_fresh(self._at_ms, self._policy)
        )
        found += zone_verdicts(edge, camera, zones, believed=believed, at_ms=self._at_ms, policy=self._policy)
        self._settle(self._camera_subject(edge, camera), found)
        return next_look(found)

    def hear_crossing(self, crossed: DoorCrossed) -> None:
        """Row 11: the person whose band is missed left, else the only one who lives there, else nobody known."""
        place = place_of(self._roster, crossed.edge, crossed.camera)
        if place is None:
            return
        crossing, at_place = crossing_of(crossed), self._in_force(self._roster.bands_of_place.get(place, ()))
        people = {order.person: order for order in at_place.values()}
        camera = self._camera_subject(crossed.edge, crossed.camera)
        only = person_subject(next(iter(people.values()))) if len(people) == 1 else None
        if crossed.direction == "in":
            back = Clear(Kind.CAMERA_EXIT, crossing.at_ms, crossing.sign(Say.DOOR_IN))
            for subject in filter(None, (camera, only)):
                self._settle(subject, [back])
            return
        for number in at_place:
            self.look_at_band(number)
        if any(self._may_be_away(person, crossing.at_ms) for person in people):
            return  # one who may go explains it; the bands of the others still tell
        if not any(self._is_missed(order) for order in people.values()):
            self._settle(only or camera, [camera_exit(crossing, self._policy)])

    # --- alerts themselves -------------------------------------------------------------------------------------------

    def look_at_alert(self, alert_id: str) -> int | None:
        """Its ladder, and the end of momentary breaches that did not come again."""
        alert = self._decided.alert(alert_id)
        if alert is None:
            return None
        self._say(due_steps(alert, self._at_ms, self._policy))
        looks = []
        if self._decided.latest(alert.subject.kind, alert.subject.id, alert.concern) is alert:
            looks = [look for kind in sorted(alert.active) if (look := self._expire(alert.subject, kind)) is not None]
        after = self._decided.alert(alert_id)
        step = None if after is None else after.next_step_at
        return min([*looks, *([] if step is None else [to_ms(step)])], default=None)

    def _expire(self, subject: Subject, kind: Kind) -> int | None:
        rule, told = self._policy.rules.of(kind), self._decided.told_of(subject.kind, subject.id, kind)
        if not isinstance(rule, Held) or told is None:
            return None
        over_ms = told + rule.hold_s * 1000
        if self._at_ms < over_ms:
            return over_ms
        sign = Sign(Say.QUIET_AGAIN, from_ms(self._at_ms), {"quiet_s": rule.hold_s})
        self._settle(subject, [Clear(kind, over_ms, sign)])
        return None

    # --- settling ----------------------------------------------------------------------------------------------------

    def _settle(self, subject: Subject, found: Iterable[Verdict]) -> None:
        by_concern: dict[Concern, list[Holds | Clear]] = {}
        for verdict in found:
            if isinstance(verdict, Holds | Clear):
                by_concern.setdefault(CONCERN_OF[verdict.kind], []).append(verdict)
        for concern, said in by_concern.items():
            alert = self._decided.latest(subject.kind, subject.id, concern)
            if (alert is None or not alert.active) and not any(isinstance(v, Holds) for v in said):
                continue
            told = self._decided.told(subject.kind, subject.id)
            self._say(decide_incident(alert, told, subject, said, at_ms=self._at_ms, policy=self._policy))

    def _settle_late(self, subject: Subject, holds: Holds) -> None:
        if self._decided.alert(late_id(subject, holds.kind, holds.since_ms, self._policy)) is not None:
            return  # it is on the work list already, whatever was raised since
        signs = tuple(Sign(sign.code, sign.at, sign.values, late=True) for sign in holds.signs)
        alert = self._decided.latest(subject.kind, subject.id, CONCERN_OF[holds.kind])
        if alert is not None and self._belongs(holds.since_ms, alert):
            news = tuple(sign for sign in signs if sign.code not in alert.said)
            if news:
                since, at = from_ms(holds.since_ms), from_ms(self._at_ms)
                self._say([Attached(alert.id, at, holds.kind, since, news, late=True)])
        else:
            self._say(raise_late(subject, holds.kind, signs, self._at_ms, self._policy))

    def _belongs(self, at_ms: int, alert: Alert) -> bool:
        near = self._policy.episodes.reopen_s * 1000
        begun = to_ms(alert.since) - near <= at_ms
        return begun and (alert.ended_at is None or at_ms <= to_ms(alert.ended_at) + near)

    def _explain_cameras(self, order: OrderSeat, signs: Sequence[Sign]) -> None:
        """The person whose band is missed explains the crossing that a camera could not put a name to."""
        for sign in signs:
            if sign.code is Say.DOOR_OUT:
                edge, camera = sign.values["edge"], sign.values["camera"]
                who = Sign(Say.PERSON_MISSING, from_ms(self._at_ms), {"person": order.person})
                self._settle(self._camera_subject(edge, camera), [Clear(Kind.CAMERA_EXIT, self._at_ms, who)])

    def _say(self, events: Sequence[AlertEvent]) -> None:
        for event in events:
            self._decided.evolve(event)
        self.events.extend(events)

    # --- lookups -----------------------------------------------------------------------------------------------------

    def _in_force(self, bands: Iterable[BandNumber]) -> dict[BandNumber, OrderSeat]:
        at = from_ms(self._at_ms)
        seated = {number: self._roster.order_of(number) for number in bands}
        return {number: o for number, o in seated.items() if o is not None and o.starts_at <= at < o.over_at}

    def _is_missed(self, order: OrderSeat) -> bool:
        alert = self._decided.latest(SubjectKind.PERSON, order.person, Concern.WHEREABOUTS)
        return alert is not None and Kind.OUT_OF_RANGE in alert.active and Say.DOOR_OUT in alert.said

    def _may_be_away(self, person: str, at_ms: int) -> bool:
        state = self._observed.people.get(person)
        return state is not None and running(state.absences, at_ms, self._policy) is not None

    def _people_of(self, edges: Sequence[EdgeId]) -> frozenset[str]:
        bands = {number for edge in edges for number in self._roster.bands_of_edge.get(edge, ())}
        return frozenset(order.person for order in self._in_force(bands).values())

    def _edge_subject(self, edge: EdgeId) -> Subject:
        people = self._people_of((edge,))
        person = next(iter(people)) if len(people) == 1 else None
        return Subject(SubjectKind.EDGE, edge, self._roster.edges[edge].ward, person)

    def _camera_subject(self, edge: EdgeId, camera: str) -> Subject:
        return Subject(SubjectKind.CAMERA, camera_id(edge, camera), self._roster.edges[edge].ward)

    def _is_cut_off(self, gateway: GatewayId | None) -> bool:
        """Whether the gateway itself is in doubt: then nothing behind it can be told apart."""
        state = None if gateway is None else self._observed.gateways.get(gateway)
        return state is not None and state.alive_ms > 0 and not state.is_fresh(self._at_ms, self._policy)

    def _gateway_alive(self, gateway: GatewayId | None) -> tuple[Sign, ...]:
        state = None if gateway is None else self._observed.gateways.get(gateway)
        if state is None or gateway is None or not state.alive_ms:
            return ()
        values = {"gateway": gateway, "last_alive_at": from_ms(state.alive_ms)}
        return (Sign(Say.GATEWAY_ALIVE, from_ms(self._at_ms), values),)

    def _heard_from(self, edge: EdgeId) -> int:
        """Since when an edge could have been heard: the judge listened, its gateway lived, its area had power."""
        seat = self._roster.edges[edge]
        gateway = None if seat.gateway is None else self._observed.gateways.get(seat.gateway)
        return max(
            self._observed.listening_ms,
            0 if gateway is None else gateway.up_ms,
            self._outage_ms(area_of(seat)),
        )

    def _outage_ms(self, area: str) -> int:
        """When the area's outage began or, once it is over, the moment after it: stragglers wait anew."""
        told_ms = self._decided.told_of(SubjectKind.AREA, area, Kind.AREA_OUTAGE)
        if told_ms is None:
            return 0
        outage = self._decided.latest(SubjectKind.AREA, area, Concern.LINK)
        return told_ms if outage is not None and outage.active else told_ms + 1

    def _area(self, area: str) -> _Area:
        if area not in self._areas:
            silent, in_doubt = {}, False
            for edge in self._roster.edges_of_area.get(area, ()):
                state = self._observed.edges.get(edge)
                if state is None or not state.alive_ms or state.is_fresh(self._at_ms, self._policy):
                    continue
                if state.is_catching_up(self._at_ms, self._policy):
                    continue
                if self._is_cut_off(self._roster.edges[edge].gateway):
                    in_doubt = True
                else:
                    silent[edge] = max(state.alive_ms, self._heard_from(edge))
            self._areas[area] = _Area(silent, hidden_edges(silent, self._policy), in_doubt)
        return self._areas[area]


@dataclass(frozen=True, slots=True)
class _Area:
    """A neighbourhood at this moment."""

    silent: dict[EdgeId, int]  # since when
    hidden: frozenset[EdgeId]  # those that are silent together
    in_doubt: bool  # others may be silent too: their gateway is


def person_subject(order: OrderSeat) -> Subject:
    return Subject(SubjectKind.PERSON, order.person, order.ward, order.person)

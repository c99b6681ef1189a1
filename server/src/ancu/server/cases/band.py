"""Bands: what is known of one, whether its person is home, away or unknown, and the rows of the table that follow.

Unknown is a state: where no edge can be believed, nothing that is not heard counts as away, and nothing as home.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from ancu.models.clock import from_ms, to_ms
from ancu.models.frame import Reading, Status
from ancu.models.ids import BandNumber, EdgeId, band_name
from ancu.server.alerts.events import Sign
from ancu.server.cases.camera import DoorState
from ancu.server.cases.clinical import Vitals, heard_vitals, vital_verdicts
from ancu.server.cases.codes import CONCERN_OF, Concern, Kind, Say
from ancu.server.cases.edge import EdgeState
from ancu.server.cases.inputs import BandHeard
from ancu.server.cases.policy import Policy, Removed
from ancu.server.cases.roster import OrderSeat
from ancu.server.cases.verdict import Clear, Holds, Verdict, Wait

__all__ = [
    "BandCase",
    "BandState",
    "PresenceState",
    "is_strap_open",
    "presence",
    "quiet_until",
    "silent_at",
    "verdicts",
]

PresenceState = Literal["home", "away", "unknown"]


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

    def witness(self, at_ms: int, policy: Policy) -> tuple[EdgeId, EdgeState] | None:
        """The edge that heard the band last, if it can be believed now."""
        edge = EdgeId(self.state.heard_edge)
        state = self.edges.get(edge)
        return (edge, state) if state is not None and state.is_believed(at_ms, policy) else None

    def sign(self, code: Say, at_ms: int, **values: object) -> Sign:
        named = {"band": band_name(self.number), "edge": self.state.heard_edge, **values}
        return Sign(code, from_ms(at_ms), named)


def verdicts(case: BandCase, at_ms: int, policy: Policy) -> list[Verdict]:
    """Every row that rests on a band alone, in the order of the table."""
    if at_ms < to_ms(case.order.starts_at):
        return [_sos(case, policy), Wait(to_ms(case.order.starts_at))]
    over_ms = to_ms(case.order.over_at)
    if at_ms >= over_ms:
        return [_sos(case, policy), *_over(case, over_ms, at_ms), _still_worn(case, over_ms, policy)]
    return [
        _sos(case, policy),
        _strap_cut(case, policy),
        _out_of_range(case, at_ms, policy),
        _band_silent(case, at_ms, policy),
        _band_removed(case, at_ms, policy),
        _battery_low(case, at_ms, policy),
        _battery_dead(case, at_ms, policy),
        _never_activated(case, at_ms, policy),
        *vital_verdicts(case.state.vitals, case.number, case.state.heard_ms, case.feverish_ms, policy),
        Wait(over_ms),
    ]


def silent_at(heard_ms: int, policy: Policy) -> int:
    """When the first row about silence opens, if a band is not heard again."""
    return heard_ms + min(policy.rules.band_silent.opens_after_s, policy.rules.battery_dead.opens_after_s) * 1000


def quiet_until(case: BandCase, at_ms: int, policy: Policy) -> int | None:
    """The screen: until when nothing but news can change a verdict of a band that no incident is about; None: judge it.

    Most bands most of the time: heard, worn, charged, their edge believed, or nobody there to be believed.
    """
    state, over_ms = case.state, to_ms(case.order.over_at)
    if not state.heard_ms or state.strap_ms or state.sos_ms or state.off_ms or state.low_ms or state.vitals:
        return None
    if not to_ms(case.order.starts_at) <= at_ms < over_ms or state.unseen_ms > state.heard_ms:
        return None
    witness = case.witness(at_ms, policy)
    if witness is None:
        return over_ms
    due = silent_at(max(state.heard_ms, witness[1].ears_ms, case.heard_from_ms), policy)
    return min(due, over_ms) if at_ms < due else None


def presence(case: BandCase, at_ms: int, policy: Policy) -> tuple[PresenceState, int]:
    """Where the person is, as far as anyone can know, and since when (0: never known)."""
    state = case.state
    missed = _out_of_range(case, at_ms, policy)
    if isinstance(missed, Holds):
        in_doubt = missed.severity is policy.rules.out_of_range.doubt_severity
        return "unknown" if in_doubt else "away", state.heard_ms
    if case.witness(at_ms, policy) is None:
        edge = case.edges.get(EdgeId(state.heard_edge))
        return "unknown", 0 if edge is None else max(edge.alive_ms, state.heard_ms)
    if at_ms - state.heard_ms > policy.presence.heard_fresh_s * 1000:
        return "unknown", state.heard_ms
    if state.strap_ms:
        return "unknown", state.strap_ms
    if state.off_ms and at_ms - state.off_ms >= policy.rules.band_removed.opens_after_s * 1000:
        return "unknown", state.off_ms
    return "home", state.home_ms


def is_strap_open(reading: Reading) -> bool:
    """Whether the band's own circuit says that it was cut or opened."""
    return reading.tamper or Status.STRAP_OPEN in reading.status


def _sos(case: BandCase, policy: Policy) -> Verdict:
    """Row 1. It never clears by itself: whoever called is helped when an officer says so."""
    state = case.state
    if not (state.sos_ms and state.live):
        return None
    return Holds(Kind.SOS, policy.rules.sos.severity, state.sos_ms, (case.sign(Say.SOS_BUTTON, state.sos_ms),))


def _strap_cut(case: BandCase, policy: Policy) -> Verdict:
    """Row 2. One signed frame is enough."""
    state = case.state
    if state.reading is None or not state.live:
        return None
    if not state.strap_ms:
        return Clear(Kind.STRAP_CUT, state.heard_ms, case.sign(Say.STRAP_CLOSED, state.heard_ms))
    codes = [Say.STRAP_OPEN] if Status.STRAP_OPEN in state.reading.status else []
    codes += [Say.CASE_TAMPERED] if state.reading.tamper else []
    signs = tuple(case.sign(code, state.strap_ms) for code in codes)
    return Holds(Kind.STRAP_CUT, policy.rules.strap_cut.severity, state.strap_ms, signs)


def _out_of_range(case: BandCase, at_ms: int, policy: Policy) -> Verdict:
    """Row 4. The edge that heard it last lives, scanned anew and does not hear it; the battery was fine."""
    state, rule = case.state, policy.rules.out_of_range
    witness = case.witness(at_ms, policy)
    if witness is None or state.reading is None:
        return None
    edge, alive = witness
    since, testified = state.heard_ms, state.unseen.get(edge, 0)
    if testified <= since:
        return Clear(Kind.OUT_OF_RANGE, since, case.sign(Say.HEARD_AGAIN, since))
    if _is_flat(state.reading, policy):
        return None
    crossing = _crossing_near(case, since, policy)
    wait_s = rule.opens_after_s if alive.walked else max(rule.opens_after_s, rule.unproven_opens_after_s)
    if crossing is not None:
        wait_s = min(wait_s, rule.agreed_opens_after_s)
    elif _is_still(state, policy):
        wait_s = max(wait_s, rule.still_opens_after_s)
    due = max(testified, since + wait_s * 1000)
    if alive.ears_ms > testified:  # it was deaf since it testified: it has to listen as long again
        due = max(due, alive.ears_ms + rule.opens_after_s * 1000)
    if at_ms < due:
        return Wait(due)
    signs = [
        case.sign(Say.UNSEEN_RESCANNED, testified, last_heard_at=from_ms(since), unheard_s=(at_ms - since) // 1000)
    ]
    severity, look_again_ms = rule.severity, None
    if crossing is not None:
        signs.append(crossing)
        severity = rule.agreed_severity
    elif at_ms < since + rule.doubt_ends_after_s * 1000 and (doubts := _doubts(case, alive, at_ms, policy)):
        signs += doubts
        severity, look_again_ms = rule.doubt_severity, since + rule.doubt_ends_after_s * 1000
    ruled_out = (
        Sign(Say.EDGE_ALIVE, from_ms(at_ms), {"edge": edge, "last_alive_at": from_ms(alive.alive_ms)}),
        Sign(Say.BATTERY_FINE, from_ms(since), {"battery_percent": state.reading.battery_percent}),
    )
    return Holds(Kind.OUT_OF_RANGE, severity, since, tuple(signs), ruled_out, look_again_ms)


def _band_silent(case: BandCase, at_ms: int, policy: Policy) -> Verdict:
    """Row 5. No frame although an edge listened all that time; nobody testified to more; the battery was fine."""
    state, rule = case.state, policy.rules.band_silent
    witness = case.witness(at_ms, policy)
    if witness is None or state.reading is None:
        return None
    edge, alive = witness
    wait_s = max(rule.opens_after_s, rule.still_opens_after_s if _is_still(state, policy) else 0)
    due = max(state.heard_ms, alive.ears_ms, case.heard_from_ms) + wait_s * 1000
    if at_ms < due:
        return Clear(Kind.BAND_SILENT, state.heard_ms, case.sign(Say.HEARD_AGAIN, state.heard_ms), due)
    if _is_flat(state.reading, policy) or state.unseen.get(edge, 0) > state.heard_ms:
        return None
    quiet = case.sign(
        Say.BAND_QUIET,
        at_ms,
        last_heard_at=from_ms(state.heard_ms),
        unheard_s=(at_ms - state.heard_ms) // 1000,
    )
    ruled_out = (
        Sign(Say.EDGE_ALIVE, from_ms(at_ms), {"edge": edge, "last_alive_at": from_ms(alive.alive_ms)}),
        Sign(Say.BATTERY_FINE, from_ms(state.heard_ms), {"battery_percent": state.reading.battery_percent}),
    )
    return Holds(Kind.BAND_SILENT, rule.severity, state.heard_ms, (quiet,), ruled_out)


def _band_removed(case: BandCase, at_ms: int, policy: Policy) -> Verdict:
    """Row 6. It lies there: no skin contact and no motion, strap intact."""
    state, rule = case.state, policy.rules.band_removed
    if state.reading is None or not state.live:
        return None
    if not state.off_ms or state.strap_ms:
        return Clear(Kind.BAND_REMOVED, state.heard_ms, case.sign(Say.WORN_AGAIN, state.heard_ms))
    opens_s, later_s = _removed_waits(state.reading, rule)
    due = state.off_ms + opens_s * 1000
    if at_ms < due:
        return Wait(due)
    if state.heard_ms < due:
        return None  # the last word is from before it was due: silence is another row's business
    worse = state.heard_ms >= state.off_ms + later_s * 1000
    sign = case.sign(
        Say.NOT_WORN, state.heard_ms, off_since_at=from_ms(state.off_ms), off_s=(state.heard_ms - state.off_ms) // 1000
    )
    severity = rule.later_severity if worse else rule.severity
    return Holds(Kind.BAND_REMOVED, severity, state.off_ms, (sign,))


def _battery_low(case: BandCase, at_ms: int, policy: Policy) -> Verdict:
    """Row 7, low."""
    state, rule = case.state, policy.rules.battery_low
    if state.reading is None:
        return None
    level = Sign(
        Say.BATTERY_LEVEL,
        from_ms(state.low_ms or state.heard_ms),
        {"band": band_name(case.number), "battery_percent": state.reading.battery_percent},
    )
    if not state.low_ms:
        return Clear(Kind.BATTERY_LOW, state.heard_ms, level)
    due = state.low_ms + rule.opens_after_s * 1000
    if state.heard_ms < due and state.reading.battery_percent > rule.at_once_percent:
        return Wait(due) if at_ms < due else None  # the last word is from before: silence is another row's business
    return Holds(Kind.BATTERY_LOW, rule.severity, state.low_ms, (level,))


def _battery_dead(case: BandCase, at_ms: int, policy: Policy) -> Verdict:
    """Row 7, dead: a last reading so low, and then silence while an edge listens."""
    state, rule = case.state, policy.rules.battery_dead
    witness = case.witness(at_ms, policy)
    if witness is None or state.reading is None:
        return None
    due = max(state.heard_ms, witness[1].ears_ms, case.heard_from_ms) + rule.opens_after_s * 1000
    if at_ms < due:
        return Clear(Kind.BATTERY_DEAD, state.heard_ms, case.sign(Say.HEARD_AGAIN, state.heard_ms), due)
    if not _is_flat(state.reading, policy):
        return None
    level = Sign(
        Say.BATTERY_LEVEL,
        from_ms(state.heard_ms),
        {"band": band_name(case.number), "battery_percent": state.reading.battery_percent},
    )
    quiet = case.sign(
        Say.BAND_QUIET, at_ms, last_heard_at=from_ms(state.heard_ms), unheard_s=(at_ms - state.heard_ms) // 1000
    )
    return Holds(Kind.BATTERY_DEAD, rule.severity, state.heard_ms, (quiet, level))


def _never_activated(case: BandCase, at_ms: int, policy: Policy) -> Verdict:
    """Row 19."""
    state, rule, starts_ms = case.state, policy.rules.never_activated, to_ms(case.order.starts_at)
    if state.heard_ms:
        return Clear(Kind.NEVER_ACTIVATED, state.heard_ms, case.sign(Say.FIRST_HEARD, state.heard_ms))
    due = starts_ms + rule.opens_after_s * 1000
    if at_ms < due:
        return Wait(due)
    values = {"band": band_name(case.number), "order_from_at": case.order.starts_at}
    return Holds(Kind.NEVER_ACTIVATED, rule.severity, starts_ms, (Sign(Say.NEVER_HEARD, from_ms(at_ms), values),))


def _over(case: BandCase, over_ms: int, at_ms: int) -> list[Verdict]:
    """An order that ended takes every suspicion with it; a call for help stays."""
    values = {"order": case.order.id, "ended_at": from_ms(over_ms)}
    sign = Sign(Say.ORDER_OVER, from_ms(over_ms), values)
    kinds = (
        k for k in Kind if CONCERN_OF[k] in (Concern.WHEREABOUTS, Concern.UPKEEP) and k is not Kind.BAND_STILL_WORN
    )
    return [Clear(kind, at_ms, sign) for kind in kinds]


def _still_worn(case: BandCase, over_ms: int, policy: Policy) -> Verdict:
    """Row 21."""
    state, rule = case.state, policy.rules.band_still_worn
    due = over_ms + rule.opens_after_s * 1000
    if state.reading is None or not state.live or state.heard_ms <= due:
        return None
    if Status.SKIN not in state.reading.status:
        return Clear(
            Kind.BAND_STILL_WORN,
            state.heard_ms,
            Sign(Say.RETURNED, from_ms(state.heard_ms), {"band": band_name(case.number)}),
        )
    values = {"order": case.order.id, "ended_at": from_ms(over_ms)}
    return Holds(Kind.BAND_STILL_WORN, rule.severity, over_ms, (Sign(Say.ORDER_OVER, from_ms(over_ms), values),))


def _crossing_near(case: BandCase, at_ms: int, policy: Policy) -> Sign | None:
    for door in case.doors:
        out = door.out_near(at_ms, policy.episodes.agree_s)
        if out is not None:
            return out.sign(Say.DOOR_OUT)
    return None


def _doubts(case: BandCase, alive: EdgeState, at_ms: int, policy: Policy) -> list[Sign]:
    """Why a band that is not heard may well be at home."""
    state, edge = case.state, case.state.heard_edge
    doubts = [case.sign(Say.LAST_STILL, state.heard_ms)] if _is_still(state, policy) else []
    return doubts if alive.walked else [*doubts, Sign(Say.RADIO_UNPROVEN, from_ms(at_ms), {"edge": edge})]


def _is_still(state: BandState, policy: Policy) -> bool:
    """Whether the band was worn and lay still or was only turned: who leaves rises, and moves for longer."""
    worn = state.reading is not None and Status.SKIN in state.reading.status
    risen = state.motion_ms and state.heard_ms - state.motion_ms >= policy.rules.out_of_range.rises_in_s * 1000
    return worn and not risen


def _removed_waits(reading: Reading, rule: Removed) -> tuple[int, int]:
    """After how long without contact it opens, and grows worse."""
    if Status.CHARGING in reading.status:
        return rule.charging_opens_after_s, max(rule.charging_opens_after_s, rule.later_after_s)
    if reading.skin_deci_c >= rule.warm_deci_c:
        return rule.warm_opens_after_s, rule.warm_later_after_s
    return rule.opens_after_s, rule.later_after_s


def _is_flat(reading: Reading, policy: Policy) -> bool:
    return reading.battery_percent <= policy.rules.battery_dead.at_most_percent


def _run(since_ms: int, at_ms: int, *, so: bool) -> int:
    return (since_ms or at_ms) if so else 0

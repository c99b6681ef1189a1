"""A band on its wrist: calls for help, the strap, the skin, the battery, and an order that begins or is over."""

from __future__ import annotations

from ancu.models.clock import from_ms, to_ms
from ancu.models.frame import Reading, Status
from ancu.models.ids import band_name
from ancu.server.alerts.events import Sign
from ancu.server.cases.band import BandCase, is_flat
from ancu.server.cases.codes import CONCERN_OF, Concern, Kind, Say
from ancu.server.cases.policy import Policy, Removed
from ancu.server.cases.verdict import Clear, Holds, Verdict, Wait

__all__ = [
    "band_removed",
    "battery_dead",
    "battery_low",
    "never_activated",
    "over",
    "sos",
    "still_worn",
    "strap_cut",
]


def sos(case: BandCase, policy: Policy) -> Verdict:
    """Row 1. It never clears by itself: whoever called is helped when an officer says so."""
    state = case.state
    if not (state.sos_ms and state.live):
        return None
    return Holds(Kind.SOS, policy.rules.sos.severity, state.sos_ms, (case.sign(Say.SOS_BUTTON, state.sos_ms),))


def strap_cut(case: BandCase, policy: Policy) -> Verdict:
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


def band_removed(case: BandCase, at_ms: int, policy: Policy) -> Verdict:
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


def battery_low(case: BandCase, at_ms: int, policy: Policy) -> Verdict:
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


def battery_dead(case: BandCase, at_ms: int, policy: Policy) -> Verdict:
    """Row 7, dead: a last reading so low, and then silence while an edge listens."""
    state, rule = case.state, policy.rules.battery_dead
    witness = case.witness(at_ms, policy)
    if witness is None or state.reading is None:
        return None
    due = max(state.heard_ms, witness[1].ears_ms, case.heard_from_ms) + rule.opens_after_s * 1000
    if at_ms < due:
        return Clear(Kind.BATTERY_DEAD, state.heard_ms, case.sign(Say.HEARD_AGAIN, state.heard_ms), due)
    if not is_flat(state.reading, policy):
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


def never_activated(case: BandCase, at_ms: int, policy: Policy) -> Verdict:
    """Row 19."""
    state, rule, starts_ms = case.state, policy.rules.never_activated, to_ms(case.order.starts_at)
    if state.heard_ms:
        return Clear(Kind.NEVER_ACTIVATED, state.heard_ms, case.sign(Say.FIRST_HEARD, state.heard_ms))
    due = starts_ms + rule.opens_after_s * 1000
    if at_ms < due:
        return Wait(due)
    values = {"band": band_name(case.number), "order_from_at": case.order.starts_at}
    return Holds(Kind.NEVER_ACTIVATED, rule.severity, starts_ms, (Sign(Say.NEVER_HEARD, from_ms(at_ms), values),))


def over(case: BandCase, over_ms: int, at_ms: int) -> list[Verdict]:
    """An order that ended takes every suspicion with it; a call for help stays."""
    values = {"order": case.order.id, "ended_at": from_ms(over_ms)}
    sign = Sign(Say.ORDER_OVER, from_ms(over_ms), values)
    kinds = (
        k for k in Kind if CONCERN_OF[k] in (Concern.WHEREABOUTS, Concern.UPKEEP) and k is not Kind.BAND_STILL_WORN
    )
    return [Clear(kind, at_ms, sign) for kind in kinds]


def still_worn(case: BandCase, over_ms: int, policy: Policy) -> Verdict:
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


def _removed_waits(reading: Reading, rule: Removed) -> tuple[int, int]:
    """After how long without contact it opens, and grows worse."""
    if Status.CHARGING in reading.status:
        return rule.charging_opens_after_s, max(rule.charging_opens_after_s, rule.later_after_s)
    if reading.skin_deci_c >= rule.warm_deci_c:
        return rule.warm_opens_after_s, rule.warm_later_after_s
    return rule.opens_after_s, rule.later_after_s

"""Every row of the table that rests on a band, and the screen before them."""

from __future__ import annotations

from ancu.models.clock import to_ms
from ancu.server.cases.band import BandCase
from ancu.server.cases.clinical import vital_verdicts
from ancu.server.cases.policy import Policy
from ancu.server.cases.verdict import Verdict, Wait
from ancu.server.cases.wear import (
    band_removed,
    battery_dead,
    battery_low,
    never_activated,
    over,
    sos,
    still_worn,
    strap_cut,
)
from ancu.server.cases.whereabouts import band_silent, challenge_missed, out_of_range

__all__ = ["quiet_until", "silent_at", "verdicts"]


def verdicts(case: BandCase, at_ms: int, policy: Policy) -> list[Verdict]:
    """Every row that rests on a band alone, in the order of the table."""
    if at_ms < to_ms(case.order.starts_at):
        return [sos(case, policy), Wait(to_ms(case.order.starts_at))]
    over_ms = to_ms(case.order.over_at)
    if at_ms >= over_ms:
        return [sos(case, policy), *over(case, over_ms, at_ms), still_worn(case, over_ms, policy)]
    return [
        sos(case, policy),
        strap_cut(case, policy),
        out_of_range(case, at_ms, policy),
        band_silent(case, at_ms, policy),
        band_removed(case, at_ms, policy),
        battery_low(case, at_ms, policy),
        battery_dead(case, at_ms, policy),
        never_activated(case, at_ms, policy),
        challenge_missed(case, policy),
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
    if state.far_ms or state.asked_ms:
        return None
    if not to_ms(case.order.starts_at) <= at_ms < over_ms or state.unseen_ms > state.heard_ms:
        return None
    witness = case.witness(at_ms, policy)
    if witness is None:
        return over_ms
    due = silent_at(max(state.heard_ms, witness[1].ears_ms, case.heard_from_ms), policy)
    return min(due, over_ms) if at_ms < due else None

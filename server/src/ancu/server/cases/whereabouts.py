"""Whereabouts: whether a band's person is home, away or unknown; rows 4 and 5, and the challenges of row 14.

Unknown is a state: where no edge can be believed, nothing that is not heard counts as away, and nothing as home. Weak
signs, a faint signal or a challenge without an answer, make it unknown and never away by themselves.
"""

from __future__ import annotations

from typing import Literal

from ancu.models.clock import from_ms
from ancu.models.frame import Status
from ancu.models.ids import EdgeId, band_name
from ancu.server.alerts.events import Sign
from ancu.server.cases.band import BandCase, BandState, is_flat
from ancu.server.cases.codes import Kind, Say
from ancu.server.cases.edge import EdgeState
from ancu.server.cases.policy import Policy
from ancu.server.cases.verdict import Clear, Holds, Verdict, Wait

__all__ = ["PresenceState", "band_silent", "challenge_missed", "is_unanswering", "out_of_range", "presence"]

PresenceState = Literal["home", "away", "unknown"]


def presence(case: BandCase, at_ms: int, policy: Policy) -> tuple[PresenceState, int]:
    """Where the person is, as far as anyone can know, and since when (0: never known)."""
    state = case.state
    missed = out_of_range(case, at_ms, policy)
    if isinstance(missed, Holds):
        in_doubt = missed.severity is policy.rules.out_of_range.doubt_severity
        return "unknown" if in_doubt else "away", missed.since_ms
    if case.witness(at_ms, policy) is None:
        edge = case.edges.get(EdgeId(state.heard_edge))
        return "unknown", 0 if edge is None else max(edge.alive_ms, state.heard_ms)
    if at_ms - state.word_ms > policy.presence.heard_fresh_s * 1000:
        return "unknown", state.word_ms
    doubted_ms = _doubted_since(case, at_ms, policy)
    return ("unknown", doubted_ms) if doubted_ms else ("home", state.home_ms)


def out_of_range(case: BandCase, at_ms: int, policy: Policy) -> Verdict:
    """Row 4. The edge that heard it last lives, scanned anew and does not hear it; the battery was fine."""
    state, rule = case.state, policy.rules.out_of_range
    witness = case.witness(at_ms, policy)
    if witness is None or state.reading is None:
        return None
    edge, alive = witness
    since, testified = state.word_ms, state.unseen.get(edge, 0)
    if testified <= since:
        return _heard_but_far(case, at_ms, policy)
    if is_flat(state.reading, policy):
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


def band_silent(case: BandCase, at_ms: int, policy: Policy) -> Verdict:
    """Row 5. No frame although an edge listened all that time; nobody testified to more; the battery was fine."""
    state, rule = case.state, policy.rules.band_silent
    witness = case.witness(at_ms, policy)
    if witness is None or state.reading is None:
        return None
    edge, alive = witness
    wait_s = max(rule.opens_after_s, rule.still_opens_after_s if _is_still(state, policy) else 0)
    due = max(state.word_ms, alive.ears_ms, case.heard_from_ms) + wait_s * 1000
    if at_ms < due:
        return Clear(Kind.BAND_SILENT, state.heard_ms, case.sign(Say.HEARD_AGAIN, state.heard_ms), due)
    if is_flat(state.reading, policy) or state.unseen.get(edge, 0) > state.heard_ms:
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


def challenge_missed(case: BandCase, policy: Policy) -> Verdict:
    """Row 14, of the band itself: heard all the while, and so many challenges in a row without an answer."""
    state = case.state
    if not state.asked_ms:
        if not state.answered_ms:
            return None
        return Clear(Kind.CHALLENGE_MISSED, state.answered_ms, _answered(case))
    if not is_unanswering(state, policy):
        return None
    values = {"band": band_name(case.number), "asked_at": from_ms(state.asked_ms), "misses": state.misses}
    sign = Sign(Say.CHALLENGE_UNANSWERED, from_ms(state.asked_ms), values)
    return Holds(Kind.CHALLENGE_MISSED, policy.rules.challenge_missed.severity, state.asked_ms, (sign,))


def is_unanswering(state: BandState, policy: Policy) -> bool:
    """Whether so many challenges in a row stayed without an answer that it says something."""
    return 0 < policy.rules.challenge_missed.misses <= state.misses


def _doubted_since(case: BandCase, at_ms: int, policy: Policy) -> int:
    """Since when a band that is heard may not be with its person, or not at home; 0: nothing speaks for that."""
    state, rules = case.state, policy.rules
    if rules.out_of_range.far_opens_after_s and case.loudness(at_ms, policy) == "away":
        return state.far_ms
    if is_unanswering(state, policy):
        return state.asked_ms
    off = state.off_ms and at_ms - state.off_ms >= rules.band_removed.opens_after_s * 1000
    return state.strap_ms or (state.off_ms if off else 0)


def _heard_but_far(case: BandCase, at_ms: int, policy: Policy) -> Verdict:
    """Row 4 of a band that is heard: over, unless every box of the home hears it as faintly as from outside.

    That is one weak sign, so it is a doubt, and for longer when the band answered meanwhile that it is worn.
    """
    state, rule = case.state, policy.rules.out_of_range
    again = Clear(Kind.OUT_OF_RANGE, state.word_ms, case.sign(Say.HEARD_AGAIN, state.word_ms))
    if not rule.far_opens_after_s or not state.far_ms:
        return again
    went_ms = state.far_ms - rule.far_takes_s * 1000
    if case.loudness(at_ms, policy) != "away":  # a box is down, deaf or not sure: its rooms are out of sight
        return again if state.home_ms > went_ms else None
    since, wait_s = max(went_ms, state.home_ms), rule.far_opens_after_s
    crossing = _crossing_near(case, since, policy)
    if crossing is not None:
        wait_s = rule.agreed_opens_after_s
    elif state.worn_ms > since:
        since = state.worn_ms
    due = since + wait_s * 1000
    if at_ms < due:
        return Clear(again.kind, again.at_ms, _answered(case) if since == state.worn_ms else again.sign, due)
    values = {
        "band": band_name(case.number),
        "boxes": len(case.receivers),
        "far_since_at": from_ms(since),
        "far_s": (at_ms - since) // 1000,
    }
    signs = [Sign(Say.HEARD_FAINTLY, from_ms(at_ms), values)]
    severity, look_again_ms = rule.severity, None
    if crossing is not None:
        signs.append(crossing)
        severity = rule.agreed_severity
    elif at_ms < since + rule.doubt_ends_after_s * 1000:
        severity, look_again_ms = rule.doubt_severity, since + rule.doubt_ends_after_s * 1000
    return Holds(Kind.OUT_OF_RANGE, severity, since, tuple(signs), (), look_again_ms)


def _answered(case: BandCase) -> Sign:
    return Sign(Say.CHALLENGE_ANSWERED, from_ms(case.state.answered_ms), {"band": band_name(case.number)})


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

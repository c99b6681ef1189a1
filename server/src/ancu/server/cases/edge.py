"""Edges and gateways: whether they live, since when they can be believed, and rows 8 and 9 of the table.

States are joins: of two facts the later one by its own time wins, so repeats and late ones change nothing current.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ancu.models.clock import from_ms
from ancu.models.ids import EdgeId, GatewayId
from ancu.server.alerts.events import Sign
from ancu.server.cases.codes import Kind, Say
from ancu.server.cases.policy import Policy
from ancu.server.cases.verdict import Clear, Holds, Verdict, Wait

__all__ = ["EdgeState", "GatewayState", "area_outage", "edge_silent", "gateway_silent", "hidden_edges", "mains_lost"]


class GatewayState(msgspec.Struct):
    alive_ms: int = 0  # the last heartbeat; 0: never
    up_ms: int = 0  # since when without a gap

    def alive(self, at_ms: int, policy: Policy) -> None:
        if at_ms > self.alive_ms:
            if not self.is_fresh(at_ms, policy):
                self.up_ms = at_ms
            self.alive_ms = at_ms

    def is_fresh(self, at_ms: int, policy: Policy) -> bool:
        return self.alive_ms > 0 and at_ms - self.alive_ms <= policy.presence.edge_fresh_s * 1000


class EdgeState(msgspec.Struct):
    alive_ms: int = 0  # the last heartbeat, by the edge's clock; 0: never
    contact_ms: int = 0  # by the server's clock: when it last told of its past, which takes a while after an outage
    radio_ok: bool = False
    ears_ms: int = 0  # since when its radio works without a gap: before that, not hearing means nothing
    mains: bool = True
    mains_ms: int = 0  # when it turned so; 0: never told
    walked: bool = True  # whether its radio was proven by a walk through the rooms, unless it says that it was not
    tells_near: bool = False  # whether its newest heartbeat called any band near or far

    def alive(self, at_ms: int, policy: Policy, *, radio_ok: bool, mains: bool = True, walked: bool = True) -> None:
        if at_ms > self.alive_ms:
            self.walked = walked
            self.power(at_ms, on=mains)
            if not self.is_believed(at_ms, policy):
                self.ears_ms = max(self.ears_ms, at_ms)
            self.alive_ms, self.radio_ok = at_ms, radio_ok

    def told_late(self, at_ms: int) -> None:
        """It speaks, though only of what was: whoever catches up is not silent."""
        self.contact_ms = max(self.contact_ms, at_ms)

    def is_catching_up(self, at_ms: int, policy: Policy) -> bool:
        return self.contact_ms > 0 and at_ms - self.contact_ms <= policy.presence.edge_fresh_s * 1000

    def began(self, at_ms: int) -> None:
        """Its process began: it hears anew from here."""
        self.ears_ms = max(self.ears_ms, at_ms)

    def power(self, at_ms: int, *, on: bool) -> None:
        if at_ms > self.mains_ms and (on != self.mains or self.mains_ms == 0):
            self.mains, self.mains_ms = on, at_ms

    def is_fresh(self, at_ms: int, policy: Policy) -> bool:
        return self.alive_ms > 0 and at_ms - self.alive_ms <= policy.presence.edge_fresh_s * 1000

    def is_believed(self, at_ms: int, policy: Policy) -> bool:
        """Whether what it does not hear is not there."""
        return self.radio_ok and self.is_fresh(at_ms, policy)


def gateway_silent(
    gateway: GatewayId, state: GatewayState, heard_from_ms: int, *, behind: tuple[int, int], at_ms: int, policy: Policy
) -> Verdict:
    """Row 8. `behind`: the edges and people that it hides; no silence before `heard_from_ms` counts."""
    if state.alive_ms == 0:
        return None
    rule = policy.rules.gateway_silent
    due = max(state.alive_ms, heard_from_ms) + rule.opens_after_s * 1000
    last = from_ms(state.alive_ms)
    if at_ms >= due:
        values = {
            "gateway": gateway,
            "last_alive_at": last,
            "silent_s": (at_ms - state.alive_ms) // 1000,
            "edges": behind[0],
            "people": behind[1],
        }
        sign = Sign(Say.GATEWAY_QUIET, from_ms(at_ms), values)
        return Holds(Kind.GATEWAY_SILENT, rule.severity, state.alive_ms, (sign,))
    if state.is_fresh(at_ms, policy):
        return Clear(Kind.GATEWAY_SILENT, state.alive_ms, Sign(Say.GATEWAY_BACK, last, {"gateway": gateway}), due)
    return Wait(due)


def edge_silent(
    edge: EdgeId,
    state: EdgeState,
    heard_from_ms: int,
    *,
    people: int,
    ruled_out: tuple[Sign, ...],
    at_ms: int,
    policy: Policy,
) -> Verdict:
    """Row 8, of an edge whose gateway lives and that is not part of an area's outage."""
    if state.alive_ms == 0:
        return None
    rule = policy.rules.edge_silent
    wait_s = rule.opens_after_s if state.mains else rule.unplugged_opens_after_s
    due = max(state.alive_ms, state.contact_ms, heard_from_ms) + wait_s * 1000
    last = from_ms(state.alive_ms)
    if at_ms >= due:
        silent_s = (at_ms - state.alive_ms) // 1000
        values = {"edge": edge, "last_alive_at": last, "silent_s": silent_s, "people": people}
        sign = Sign(Say.EDGE_QUIET, from_ms(at_ms), values)
        return Holds(Kind.EDGE_SILENT, rule.severity, state.alive_ms, (sign,), ruled_out)
    if state.is_fresh(at_ms, policy):
        return Clear(Kind.EDGE_SILENT, state.alive_ms, Sign(Say.EDGE_BACK, last, {"edge": edge}), due)
    return Wait(due)


def hidden_edges(silent: Mapping[EdgeId, int], policy: Policy) -> frozenset[EdgeId]:
    """Of an area's silent edges (with their last heartbeats), those that fell silent together with enough others."""
    rule = policy.rules.area_outage
    order = sorted(silent, key=lambda edge: (silent[edge], edge))
    hidden: set[EdgeId] = set()
    for start in range(len(order) - rule.at_least + 1):
        group = order[start : start + rule.at_least]
        if silent[group[-1]] - silent[group[0]] <= rule.together_s * 1000:
            hidden.update(group)
    return frozenset(hidden)


def area_outage(
    area: str, hidden: Mapping[EdgeId, int], heard_from_ms: int, *, silent: int, people: int, at_ms: int, policy: Policy
) -> Verdict:
    """Row 8 for neighbours. `hidden`: edges that are silent together; `silent`: how many are, together or not."""
    rule = policy.rules.area_outage
    if not hidden:
        return Clear(
            Kind.AREA_OUTAGE, at_ms, Sign(Say.AREA_BACK, from_ms(at_ms), {"area": area, "still_silent": silent})
        )
    first, last = min(hidden.values()), max(hidden.values())
    due = max(first, heard_from_ms) + rule.opens_after_s * 1000
    if at_ms < due:
        return Wait(due)
    values = {
        "area": area,
        "edges": len(hidden),
        "people": people,
        "first_at": from_ms(first),
        "last_at": from_ms(last),
    }
    return Holds(Kind.AREA_OUTAGE, rule.severity, first, (Sign(Say.AREA_QUIET, from_ms(at_ms), values),))


def mains_lost(edge: EdgeId, state: EdgeState, policy: Policy) -> Verdict:
    """Row 9."""
    if state.mains_ms == 0:
        return None
    at = from_ms(state.mains_ms)
    if state.mains:
        return Clear(Kind.MAINS_LOST, state.mains_ms, Sign(Say.MAINS_ON, at, {"edge": edge}))
    sign = Sign(Say.MAINS_OFF, at, {"edge": edge})
    return Holds(Kind.MAINS_LOST, policy.rules.mains_lost.severity, state.mains_ms, (sign,))

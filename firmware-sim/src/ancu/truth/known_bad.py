"""A policy that is known to be bad: the control that shows what the numbers of the default are worth."""

from __future__ import annotations

import msgspec

from ancu.server.cases.policy import Policy
from ancu.server.policies import load_policy

__all__ = ["known_bad"]

_NEVER = 1_000_000


def known_bad() -> Policy:
    """The default without dwell and without grouping: every absence at once, every box by itself."""
    policy = load_policy("default")
    rules = policy.rules
    replace = msgspec.structs.replace
    changed = replace(
        rules,
        out_of_range=replace(
            rules.out_of_range, opens_after_s=0, still_opens_after_s=0, unproven_opens_after_s=0, doubt_ends_after_s=0
        ),
        band_silent=replace(rules.band_silent, opens_after_s=30, still_opens_after_s=30),
        band_removed=replace(rules.band_removed, opens_after_s=0, warm_opens_after_s=0, charging_opens_after_s=0),
        battery_low=replace(rules.battery_low, opens_after_s=0),
        edge_silent=replace(rules.edge_silent, opens_after_s=60, unplugged_opens_after_s=60),
        gateway_silent=replace(rules.gateway_silent, opens_after_s=60),
        area_outage=replace(rules.area_outage, at_least=_NEVER),
    )
    paging = replace(policy.paging, list_first=())
    return replace(policy, name="known-bad", title="CONTROL: no dwell, no grouping", rules=changed, paging=paging)

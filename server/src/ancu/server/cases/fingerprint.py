"""A box's surroundings: row 10 of the table. Who moves a box takes other neighbours' devices for the ones it knew.

The first scans that agree are the fingerprint. It learns slowly: what stays is added, what went is forgotten. A scan
that hears next to nothing says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ancu.models.clock import from_ms
from ancu.server.alerts.events import Sign
from ancu.server.cases.codes import Kind, Say
from ancu.server.cases.policy import Moved, Policy
from ancu.server.cases.verdict import Clear, Holds, Verdict

__all__ = ["Surroundings", "edge_moved"]

_SETTLED = 3  # scans in which a device must have been heard to belong to the place
_MOST = 6  # a device is forgotten after so many scans without it, however long it was known
_LIMIT = 64  # devices remembered of one box: bounds what a sprayer of addresses can fill


class Surroundings(msgspec.Struct):
    """Of one box. `known`: in how many scans of late each device was heard."""

    known: dict[str, int] = {}  # by hash, in hex
    at_ms: int = 0  # of the last scan
    odd_ms: int = 0  # since when scans do not fit; 0: they do
    odd_n: int = 0
    shared: int = 0  # of the last scan, with the fingerprint
    heard: int = 0

    @property
    def settled(self) -> frozenset[str]:
        return frozenset(device for device, n in self.known.items() if n >= _SETTLED)

    def scanned(self, at_ms: int, devices: Iterable[bytes], rule: Moved) -> None:
        now, settled = frozenset(device.hex() for device in devices), self.settled
        if at_ms <= self.at_ms:
            return
        self.at_ms = at_ms
        if len(now) < rule.at_least:
            return
        self.shared, self.heard = len(now & settled), len(now)
        is_odd = len(settled) >= rule.at_least and self.shared * 100 < rule.shared_percent * len(settled)
        if is_odd:
            self.odd_ms, self.odd_n = self.odd_ms or at_ms, self.odd_n + 1
            if self.odd_n < rule.relearn_scans:
                return  # what may be another place teaches nothing of this one
            self.known = {}
        self.odd_ms = self.odd_n = 0
        learned = {device: min(_MOST, n + 1) if device in now else n - 1 for device, n in self.known.items()}
        learned |= {device: 1 for device in now if device not in self.known}
        kept = sorted(((n, device) for device, n in learned.items() if n > 0), reverse=True)[:_LIMIT]
        self.known = {device: n for n, device in kept}


def edge_moved(edge: str, state: Surroundings, policy: Policy) -> Verdict:
    """Row 10."""
    rule = policy.rules.edge_moved
    values = {"edge": edge, "shared": state.shared, "known": len(state.settled)}
    if not state.odd_n:
        return Clear(Kind.EDGE_MOVED, state.at_ms, Sign(Say.SURROUNDINGS_SAME, from_ms(state.at_ms), values))
    if state.odd_n < rule.scans:
        return None
    sign = Sign(Say.SURROUNDINGS_OTHER, from_ms(state.at_ms), {**values, "scans": state.odd_n})
    return Holds(Kind.EDGE_MOVED, rule.severity, state.odd_ms, (sign,))

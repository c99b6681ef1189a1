"""Zones in a camera's picture: row 12 of the table, where nobody may be and where not many may stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from ancu.models.clock import from_ms
from ancu.server.alerts.events import Sign
from ancu.server.cases.codes import Kind, Say
from ancu.server.cases.policy import Policy
from ancu.server.cases.verdict import Clear, Holds, Verdict, Wait

__all__ = ["ZoneState", "zone_verdicts"]

Watch = Literal["forbidden", "gathering"]
_KINDS: Mapping[Watch, Kind] = {"forbidden": Kind.FORBIDDEN_ZONE, "gathering": Kind.GATHERING}
_LOOK_AGAIN_MS = 10_000  # while the camera or its box is in doubt


class ZoneState(msgspec.Struct):
    watch: Watch
    people: int = 0
    at_ms: int = 0  # of the last word
    held_ms: int = 0  # since when too many are there; 0: they are not

    def counted(self, at_ms: int, since_ms: int, people: int, policy: Policy) -> None:
        if at_ms <= self.at_ms:
            return
        too_many = people >= (policy.rules.gathering.people_at_least if self.watch == "gathering" else 1)
        self.held_ms = (self.held_ms or min(since_ms, at_ms)) if too_many else 0
        self.people, self.at_ms = people, at_ms

    def forgotten(self, at_ms: int) -> None:
        """The box began anew: what it counted before says nothing of now."""
        if at_ms > self.at_ms:
            self.people, self.held_ms = 0, 0


def zone_verdicts(
    edge: str, camera: str, zones: Mapping[str, ZoneState], *, believed: bool, at_ms: int, policy: Policy
) -> list[Verdict]:
    """Row 12. `believed`: the box lives and its camera sees; else nobody knows whether they are still there."""
    found: list[Verdict] = []
    for watch, kind in _KINDS.items():
        of_kind = {name: zone for name, zone in zones.items() if zone.watch == watch}
        held = {name: zone for name, zone in of_kind.items() if zone.held_ms}
        if not of_kind:
            continue
        if not held:
            name, last = max(of_kind.items(), key=lambda item: (item[1].at_ms, item[0]))
            sign = Sign(Say.ZONE_CLEAR, from_ms(last.at_ms), {"edge": edge, "camera": camera, "zone": name})
            found.append(Clear(kind, last.at_ms, sign))
        elif not believed:
            found.append(Wait(at_ms + _LOOK_AGAIN_MS))
        else:
            rule, since = policy.rules.of(kind), min(zone.held_ms for zone in held.values())
            due = since + rule.opens_after_s * 1000
            sign = _first(edge, camera, held)
            found.append(Holds(kind, rule.severity, since, (sign,)) if at_ms >= due else Wait(due))
    return found


def _first(edge: str, camera: str, held: Mapping[str, ZoneState]) -> Sign:
    name, zone = min(held.items(), key=lambda item: (item[1].held_ms, item[0]))
    values = {"edge": edge, "camera": camera, "zone": name, "people": zone.people}
    return Sign(Say.ZONE_HELD, from_ms(zone.held_ms), values)

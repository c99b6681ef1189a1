"""What an outcome code says of the alert that it closed: right, wrong, or neither. The one place that knows. Pure.

A rule is right when what it claims was so: a power outage makes a silent box right and a missing person wrong.
"""

from __future__ import annotations

from collections.abc import Mapping

from ancu.server.cases.codes import CONCERN_OF, Concern, Kind
from ancu.server.ports import Outcome

__all__ = ["is_true", "is_true_of"]

_NEITHER = frozenset({Outcome.TEST, Outcome.UNKNOWN})
_TRUE: Mapping[Concern, frozenset[Outcome]] = {
    Concern.HELP: frozenset({Outcome.MEDICAL, Outcome.TRUE_EXIT}),
    Concern.HEALTH: frozenset({Outcome.MEDICAL}),
    Concern.WHEREABOUTS: frozenset({Outcome.TRUE_EXIT, Outcome.MEDICAL}),
    Concern.UPKEEP: frozenset({Outcome.BATTERY, Outcome.BAND_FAULT}),
    Concern.LINK: frozenset({Outcome.POWER_OUTAGE, Outcome.GATEWAY_FAULT}),
    Concern.CAMERA: frozenset({Outcome.CAMERA_ERROR, Outcome.POWER_OUTAGE}),
    Concern.TRUST: frozenset({Outcome.BAND_FAULT, Outcome.GATEWAY_FAULT}),
}


def is_true(outcome: Outcome | None, concern: Concern) -> bool | None:
    """Whether an alert of this concern was right; None for a test, an unknown end, and what is not resolved."""
    if outcome is None or outcome in _NEITHER:
        return None
    return outcome in _TRUE[concern]


def is_true_of(outcome: Outcome | None, kind: Kind) -> bool | None:
    return is_true(outcome, CONCERN_OF[kind])

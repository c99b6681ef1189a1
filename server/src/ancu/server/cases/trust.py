"""Trust: row 20 of the table, frames and bodies that nobody honest would have sent."""

from __future__ import annotations

from ancu.models.clock import to_ms
from ancu.models.ids import band_name
from ancu.server.alerts.alert import Alert
from ancu.server.alerts.events import Sign
from ancu.server.cases.codes import TROUBLE_SIGNS, Kind, Say
from ancu.server.cases.inputs import FrameTrouble
from ancu.server.cases.policy import Policy
from ancu.server.cases.verdict import Holds

__all__ = ["frames_refused"]


def frames_refused(trouble: FrameTrouble, alert: Alert | None, told_ms: int | None, policy: Policy) -> Holds | None:
    """Row 20. The same trouble again is told once a half `hold_s`, so that a flood stays readable."""
    rule, at_ms = policy.rules.technical, to_ms(trouble.at)
    code, sequence = _said(trouble.reason)
    known = alert is not None and Kind.TECHNICAL in alert.active and code in alert.said
    if known and told_ms is not None and at_ms - told_ms < rule.hold_s * 500:
        return None
    values = {
        "edge": trouble.edge,
        "band": None if trouble.band is None else band_name(trouble.band),
        "reason": trouble.reason,
        "count": trouble.count,
    } | ({} if sequence is None else {"sequence": sequence})
    return Holds(Kind.TECHNICAL, rule.severity, at_ms, (Sign(code, trouble.at, values),))


def _said(reason: str) -> tuple[Say, int | None]:
    """The sign of a reason, and the record of a band's log that it names."""
    name, _, number = reason.rpartition("_")
    if name.startswith("history") and number.isdigit():
        return TROUBLE_SIGNS.get(name, Say.BODY_REFUSED), int(number)
    return TROUBLE_SIGNS.get(reason, Say.BODY_REFUSED), None

"""Checkpoints: row 3 of the table, a scan under an active order without an absence that allows it."""

from __future__ import annotations

from collections.abc import Mapping

from ancu.models.clock import to_ms
from ancu.server.alerts.events import Sign
from ancu.server.cases.absence import Absence, over_before, running
from ancu.server.cases.codes import Kind, Say
from ancu.server.cases.inputs import CheckpointScanned
from ancu.server.cases.policy import Policy
from ancu.server.cases.verdict import Holds

__all__ = ["is_stale", "scanned"]


def scanned(scan: CheckpointScanned, absences: Mapping[str, Absence], policy: Policy) -> Holds | None:
    """Row 3. What might have explained it and does not is ruled out in so many words."""
    at_ms = to_ms(scan.at)
    now, before = running(absences, at_ms, policy), over_before(absences, at_ms)
    if now is not None and (not now.checkpoints or scan.checkpoint in now.checkpoints):
        return None
    sign = Sign(Say.CHECKPOINT_PASSED, scan.at, {"checkpoint": scan.checkpoint, "scan": scan.scan})
    ruled_out = []
    if now is not None:
        ruled_out.append(now.sign(Say.ABSENCE_ELSEWHERE, at_ms, checkpoint=scan.checkpoint))
    elif before is not None:
        ruled_out.append(before.sign(Say.ABSENCE_OVER, before.over_ms))
    return Holds(Kind.CHECKPOINT_SCAN, policy.rules.checkpoint_scan.severity, at_ms, (sign,), tuple(ruled_out))


def is_stale(scan: CheckpointScanned, at_ms: int, policy: Policy) -> bool:
    """Whether it came too late to page anyone."""
    return at_ms - to_ms(scan.at) > policy.rules.checkpoint_scan.fresh_s * 1000

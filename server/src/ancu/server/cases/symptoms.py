"""Symptoms: what a person declares anew, for the health worker. A declaration asks only for what changed."""

from __future__ import annotations

from ancu.models.clock import to_ms
from ancu.server.alerts.events import Sign
from ancu.server.cases.codes import Kind, Say
from ancu.server.cases.inputs import SelfReported
from ancu.server.cases.policy import Policy
from ancu.server.cases.verdict import Clear, Holds, Verdict

__all__ = ["symptoms_changed"]


def symptoms_changed(report: SelfReported, policy: Policy) -> Verdict:
    """Row 16, of the person's own word. Whoever has no symptom any more says so with the next declaration."""
    rule, at_ms = policy.rules.symptom_change, to_ms(report.at)
    if report.symptoms is not None and not report.symptoms:
        return Clear(Kind.SYMPTOM_CHANGE, at_ms, Sign(Say.SYMPTOMS_GONE, report.at))
    if not 0 < rule.new_at_least <= len(report.new):
        return None
    alarming = any(symptom in rule.alarming for symptom in report.new)
    severity = rule.alarming_severity if alarming else rule.severity
    sign = Sign(Say.SYMPTOMS_NEW, report.at, {"symptoms": list(report.new)})
    return Holds(Kind.SYMPTOM_CHANGE, severity, at_ms, (sign,))

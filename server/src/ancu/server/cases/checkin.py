"""Random check-ins: rows 14 and 15 of the table.

    asked -> reminded after a while -> missed; an answer from the wrong face or place may be tried again

A check-in whose time runs into the quiet hours, or during which the person may be away, proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from ancu.models.clock import from_ms
from ancu.server.alerts.events import Sign
from ancu.server.cases.absence import Absence, running
from ancu.server.cases.codes import Kind, Say
from ancu.server.cases.paging import is_quiet
from ancu.server.cases.policy import Policy
from ancu.server.cases.verdict import Clear, Holds, Verdict, Wait

__all__ = ["Checkin", "CheckinState", "checkin_missed", "checkin_state", "checkin_wrong", "is_void"]

CheckinState = Literal["asked", "reminded", "again", "answered", "missed", "refused", "void"]


class Checkin(msgspec.Struct, frozen=True):
    id: str
    asked_ms: int
    answered_ms: int = 0  # the first answer that nothing was wrong with; 0: none yet
    wrong: tuple[tuple[int, str], ...] = ()  # when, and what: 'face' or 'place'

    def answered(self, at_ms: int, *, face: bool | None, place: bool | None) -> Checkin:
        """The check-in after one more answer. After a wrong one, only a check that went well is a right one."""
        if face is None and place is None and self.wrong:
            return self
        if face is not False and place is not False:
            first = min(self.answered_ms or at_ms, at_ms)
            return msgspec.structs.replace(self, answered_ms=first)
        entry = (at_ms, "face" if face is False else "place")
        return msgspec.structs.replace(self, wrong=tuple(sorted({*self.wrong, entry})))

    def missed_ms(self, policy: Policy) -> int:
        return self.asked_ms + policy.rules.checkin_missed.opens_after_s * 1000


def is_void(checkin: Checkin, absences: Mapping[str, Absence], policy: Policy) -> bool:
    """Whether it could not fairly be asked: quiet hours or an absence touch its time."""
    moments = (checkin.asked_ms, checkin.missed_ms(policy))
    if any(is_quiet(policy.paging, from_ms(ms)) or running(absences, ms, policy) for ms in moments):
        return True
    return any(moments[0] <= a.from_ms < moments[1] and a.over_ms > a.from_ms for a in absences.values())


def checkin_state(checkin: Checkin, absences: Mapping[str, Absence], at_ms: int, policy: Policy) -> CheckinState:
    """For a page."""
    if checkin.answered_ms:
        return "answered"
    if is_void(checkin, absences, policy):
        return "void"
    if len(checkin.wrong) >= policy.rules.checkin_wrong.tries:
        return "refused"
    if at_ms >= checkin.missed_ms(policy):
        return "missed"
    if checkin.wrong:
        return "again"
    reminded = at_ms >= checkin.asked_ms + policy.rules.checkin_missed.reminder_after_s * 1000
    return "reminded" if reminded else "asked"


def checkin_missed(
    checkin: Checkin, absences: Mapping[str, Absence], heard_from_ms: int, at_ms: int, policy: Policy
) -> Verdict:
    """Row 14. Nobody can answer a server that is not there: time before `heard_from_ms` does not count."""
    rule = policy.rules.checkin_missed
    if checkin.answered_ms:
        return Clear(Kind.CHECKIN_MISSED, checkin.answered_ms, _sign(Say.CHECKIN_ANSWERED, checkin.answered_ms))
    if is_void(checkin, absences, policy):
        excuse = running(absences, at_ms, policy)
        return None if excuse is None else Clear(Kind.CHECKIN_MISSED, at_ms, excuse.sign(Say.ABSENCE_RUNS, at_ms))
    if len(checkin.wrong) >= policy.rules.checkin_wrong.tries:
        return None  # it was answered, if wrongly: the next row's business
    due = max(checkin.asked_ms, heard_from_ms) + rule.opens_after_s * 1000
    if at_ms < due:
        return Wait(due)
    waited = {"asked_at": from_ms(checkin.asked_ms), "waited_s": (at_ms - checkin.asked_ms) // 1000}
    return Holds(Kind.CHECKIN_MISSED, rule.severity, checkin.asked_ms, (_sign(Say.CHECKIN_UNANSWERED, at_ms, waited),))


def checkin_wrong(checkin: Checkin, policy: Policy) -> Verdict:
    """Row 15. A right answer after it clears it."""
    rule = policy.rules.checkin_wrong
    if checkin.answered_ms and (not checkin.wrong or checkin.answered_ms >= checkin.wrong[-1][0]):
        return Clear(Kind.CHECKIN_WRONG, checkin.answered_ms, _sign(Say.CHECKIN_ANSWERED, checkin.answered_ms))
    if len(checkin.wrong) < rule.tries:
        return None
    codes = {"face": Say.CHECKIN_WRONG_FACE, "place": Say.CHECKIN_WRONG_PLACE}
    last = dict((what, ms) for ms, what in checkin.wrong[: rule.tries])  # noqa: C402 - what, to its last time
    signs = tuple(
        _sign(codes[what], ms, {"tries": rule.tries}) for what, ms in sorted(last.items(), key=lambda w: -w[1])
    )
    return Holds(Kind.CHECKIN_WRONG, rule.severity, checkin.wrong[rule.tries - 1][0], signs)


def _sign(code: Say, at_ms: int, values: Mapping[str, object] | None = None) -> Sign:
    return Sign(code, from_ms(at_ms), values or {})

"""Proposals: what a test result proposes for an order. Pure; an officer decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ancu.server.cases.policy import Policy

__all__ = ["Action", "Proposal", "TestResult", "propose"]


class TestResult(StrEnum):
    __test__ = False  # no test, whatever pytest thinks of its name

    NEGATIVE = "negative"
    POSITIVE = "positive"
    INVALID = "invalid"


class Action(StrEnum):
    NONE = "none"
    RELEASE = "release"
    EXTEND = "extend"
    REPEAT = "repeat"


@dataclass(frozen=True, slots=True)
class Proposal:
    """`why`: 'negative_in_time', 'too_early', 'positive', 'long_enough' or 'invalid'."""

    action: Action
    why: str
    until: datetime | None = None  # of an extension: a local midnight


def propose(starts_at: datetime, until: datetime, result: TestResult, taken_at: datetime, policy: Policy) -> Proposal:
    """Local days count: a sample taken at 23:59 and one at 00:01 are of two days."""
    zone = ZoneInfo(policy.paging.zone)
    taken = taken_at.astimezone(zone).date()
    match result:
        case TestResult.INVALID:
            return Proposal(Action.REPEAT, "invalid")
        case TestResult.NEGATIVE:
            day = (taken - starts_at.astimezone(zone).date()).days
            in_time = day >= policy.testing.release_from_day
            return Proposal(Action.RELEASE, "negative_in_time") if in_time else Proposal(Action.NONE, "too_early")
        case TestResult.POSITIVE:
            last = taken + timedelta(days=policy.testing.extend_days + 1)
            midnight = datetime(last.year, last.month, last.day, tzinfo=zone).astimezone(until.tzinfo)
            if midnight <= until:
                return Proposal(Action.NONE, "long_enough")
            return Proposal(Action.EXTEND, "positive", midnight)

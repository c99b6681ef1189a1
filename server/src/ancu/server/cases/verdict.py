"""What a rule says of a case at a moment. A rule knows nothing of alerts, and an alert nothing of radios."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ancu.server.alerts.events import Sign
from ancu.server.cases.codes import Kind
from ancu.server.ports import Severity

__all__ = ["Clear", "Holds", "Verdict", "Wait", "next_look"]


@dataclass(frozen=True, slots=True)
class Holds:
    """The breach is so. `since_ms` names the occurrence: the same breach seen again has the same."""

    kind: Kind
    severity: Severity
    since_ms: int
    signs: tuple[Sign, ...]  # the first is why
    ruled_out: tuple[Sign, ...] = ()
    look_again_ms: int | None = None  # when time alone makes it worse


@dataclass(frozen=True, slots=True)
class Clear:
    """Known not to be so, since `at_ms`."""

    kind: Kind
    at_ms: int
    sign: Sign
    look_again_ms: int | None = None  # when it may be so by itself


@dataclass(frozen=True, slots=True)
class Wait:
    """Neither: not so yet, but it will be then unless something is heard."""

    look_again_ms: int


Verdict = Holds | Clear | Wait | None  # None: cannot be known now; what was decided before stands


def next_look(verdicts: Iterable[Verdict]) -> int | None:
    """The earliest moment at which time alone may change one of these."""
    return min((v.look_again_ms for v in verdicts if v is not None and v.look_again_ms is not None), default=None)

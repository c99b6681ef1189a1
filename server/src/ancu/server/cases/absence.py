"""Authorised absences: a window that opens and closes by itself, and what it explains.

Inside the window the rows that say 'away' are ruled out; once it is over, whoever is still not back is away anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ancu.models.clock import from_ms
from ancu.server.alerts.events import Sign
from ancu.server.cases.codes import Kind, Say
from ancu.server.cases.policy import Policy
from ancu.server.cases.verdict import Clear, Holds, Verdict, Wait

__all__ = ["EXCUSED", "Absence", "excused", "over_before", "running"]

EXCUSED = (Kind.OUT_OF_RANGE, Kind.BAND_SILENT)  # of a band; a cut strap and a call for help are never explained away


class Absence(msgspec.Struct, frozen=True):
    id: str
    from_ms: int
    until_ms: int
    checkpoints: tuple[str, ...] = ()  # none named: any
    ended_ms: int = 0  # 0: nobody ended it

    @property
    def over_ms(self) -> int:
        """An absence that was called off before it began never was."""
        return max(self.from_ms, min(self.until_ms, self.ended_ms or self.until_ms))

    def ended(self, at_ms: int) -> Absence:
        """Whoever ends it first ends it."""
        return msgspec.structs.replace(self, ended_ms=min(self.ended_ms or at_ms, at_ms))

    def sign(self, code: Say, at_ms: int, **values: object) -> Sign:
        named = {"absence": self.id, "from_at": from_ms(self.from_ms), "until_at": from_ms(self.over_ms), **values}
        return Sign(code, from_ms(at_ms), named)


def running(absences: Mapping[str, Absence], at_ms: int, policy: Policy) -> Absence | None:
    """The absence that allows a person to be away at a time; the way home is granted with it."""
    grace_ms = policy.episodes.return_grace_s * 1000
    found = (
        a for a in absences.values() if a.from_ms <= at_ms < a.over_ms + (grace_ms if a.over_ms > a.from_ms else 0)
    )
    return max(found, key=lambda a: (a.over_ms, a.id), default=None)


def over_before(absences: Mapping[str, Absence], at_ms: int) -> Absence | None:
    """The absence that was over last."""
    found = (a for a in absences.values() if a.from_ms < a.over_ms <= at_ms)
    return max(found, key=lambda a: (a.over_ms, a.id), default=None)


def excused(found: Sequence[Verdict], absences: Mapping[str, Absence], at_ms: int, policy: Policy) -> list[Verdict]:
    """What a band's rows say of a person who may, or might, be away; and when a window next opens or closes."""
    now = running(absences, at_ms, policy)
    before = over_before(absences, at_ms)
    judged: list[Verdict] = []
    for verdict in found:
        if isinstance(verdict, Holds) and verdict.kind in EXCUSED:
            if now is not None:
                judged.append(Clear(verdict.kind, at_ms, now.sign(Say.ABSENCE_RUNS, at_ms)))
            else:
                judged.append(_anew(verdict, before))
        else:
            judged.append(verdict)
    edge_ms = _next_edge(absences.values(), at_ms, policy)
    return judged if edge_ms is None else [*judged, Wait(edge_ms)]


def _anew(holds: Holds, before: Absence | None) -> Holds:
    """Still away after the window: an occurrence of its own, which began when the window closed."""
    if before is None or before.over_ms <= holds.since_ms:
        return holds
    over = before.sign(Say.ABSENCE_OVER, before.over_ms)
    return Holds(holds.kind, holds.severity, before.over_ms, (*holds.signs, over), holds.ruled_out)


def _next_edge(absences: Iterable[Absence], at_ms: int, policy: Policy) -> int | None:
    grace_ms = policy.episodes.return_grace_s * 1000
    edges = (ms for a in absences if a.from_ms < a.over_ms for ms in (a.from_ms, a.over_ms + grace_ms))
    return min((ms for ms in edges if ms > at_ms), default=None)

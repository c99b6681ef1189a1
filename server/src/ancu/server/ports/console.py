"""Ports: what the officers' own pages ask beside alerts and people: the inbox by urgency, undo, visits, search, wards.

As in `ports.py`, every call takes a `Viewer`; a foreign id and an absent id both raise `NotFound`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol

from ancu.server.ports import AlertRow, DeviceRow, Severity, Viewer

__all__ = ["Condition", "Console", "Found", "LoadDay", "PolicyRow", "Queue", "VisitKind", "VisitRow", "WardRow", "Who"]


class VisitKind(StrEnum):
    VISIT = "visit"
    CALL = "call"
    NOTE = "note"


class Condition(StrEnum):
    """How an officer found the person; an impression, not a finding."""

    WELL = "well"
    UNWELL = "unwell"
    NEEDS_HELP = "needs_help"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Queue:
    """Open alerts, the most urgent first: those that nobody has, then the worst, then the newest."""

    items: Sequence[AlertRow]
    next_cursor: str | None
    counts: Mapping[Severity, int]  # of all that the filter lets through, on this page or not
    waiting: int  # of them: nobody has them


@dataclass(frozen=True, slots=True)
class VisitRow:
    """What an officer saw or was told. `at` is when, `told_at` when the server heard of it."""

    id: str
    person: str
    kind: VisitKind
    at: datetime
    told_at: datetime
    by: str
    met: bool | None
    condition: Condition
    note: str


@dataclass(frozen=True, slots=True)
class Who:
    """A person in a list: no vitals, no address. `place` is told only where a whole ward is asked for."""

    id: str
    label: str
    ward: str
    presence: str
    edge: str | None
    place: tuple[float, float] | None = None  # latitude and longitude of the home, if its order gave them


@dataclass(frozen=True, slots=True)
class Found:
    """At most as many of each as were asked for."""

    people: Sequence[Who] = ()
    alerts: Sequence[AlertRow] = ()
    devices: Sequence[DeviceRow] = ()


@dataclass(frozen=True, slots=True)
class WardRow:
    """A ward as it stands; counts only."""

    ward: str
    name: str
    people: int  # under order now
    presence: Mapping[str, int]  # 'home', 'away', 'unknown'
    alerts: Mapping[Severity, int]  # open
    waiting: int  # open and nobody's
    escalated: int  # open, nobody's, and the next level was told
    oldest_at: datetime | None  # of those that wait
    edges_silent: int
    policy: str


@dataclass(frozen=True, slots=True)
class LoadDay:
    """A day to come in Vietnam: how many are under order, and how many end, as it is ordered today."""

    day: date
    under_order: int
    ends: int


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy in force: where, who signed, and the numbers that a rehearsal may change, by rule."""

    label: str
    title: str
    signed_by: str
    signed_on: date
    wards: Sequence[str]
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class Console(Protocol):
    async def queue(
        self,
        viewer: Viewer,
        *,
        severities: frozenset[Severity] | None = None,
        ward: str | None = None,
        mine: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Queue: ...

    async def rows(self, viewer: Viewer, alerts: Sequence[str]) -> Sequence[AlertRow]:
        """Those of these alerts that are there for the viewer, in any order."""
        ...

    async def release(self, viewer: Viewer, alert: str, *, key: str) -> AlertRow:
        """Give back what he took a moment ago: nobody has it again, and its ladder goes on where it stopped.

        Nothing happens where another has it, or more was done since.
        """
        ...

    async def wake(self, viewer: Viewer, alert: str, *, key: str) -> AlertRow:
        """End its sleep now."""
        ...

    async def visits(self, viewer: Viewer, person: str, *, limit: int = 50) -> Sequence[VisitRow]:
        """The newest first."""
        ...

    async def add_visit(
        self,
        viewer: Viewer,
        person: str,
        kind: VisitKind,
        at: datetime,
        *,
        met: bool | None,
        condition: Condition,
        note: str,
        key: str,
    ) -> None:
        """Keep what an officer saw; raises Refused for a time to come or long past."""

    async def find(self, viewer: Viewer, text: str, *, limit: int = 20) -> Found:
        """By part of a name or id, without regard to case or accents."""
        ...

    async def wards(self, viewer: Viewer) -> Sequence[WardRow]: ...
    async def whereabouts(self, viewer: Viewer, ward: str) -> Sequence[Who]:
        """Everybody under order in a ward now, by label."""
        ...

    async def load(self, viewer: Viewer, days: int) -> Sequence[LoadDay]: ...
    async def policies(self, viewer: Viewer) -> Sequence[PolicyRow]: ...
    async def rehearse(
        self, viewer: Viewer, policy: str, kind: str, changes: Mapping[str, int], days: int
    ) -> Mapping[str, Any]:
        """Judge the last days again with these numbers of a rule changed, and say what differs. For the province desk
        and the operator; raises NotFound for others, Refused where it cannot be done.
        """
        ...

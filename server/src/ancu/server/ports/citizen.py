"""Ports: what a person under order asks for, may know and may take away; and how officers answer.

As in `ports.py`, every call takes a `Viewer`; a foreign id and an absent id both raise `NotFound`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from ancu.server.ports import Page, Viewer
from ancu.server.ports.exchange import AbsenceRow, CheckinRow, DeclarationRow, ResultRow

__all__ = [
    "AccessRow",
    "AskKind",
    "AskRow",
    "Citizens",
    "DisputeAbout",
    "ErasureRow",
    "Standing",
    "VaccinationRow",
]


class AskKind(StrEnum):
    FOOD = "food"
    MEDICINE = "medicine"
    HELP = "help"
    ABSENCE = "absence"
    DISPUTE = "dispute"


class DisputeAbout(StrEnum):
    ORDER = "order"  # upheld, it ends the order
    ALERT = "alert"
    DATA = "data"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class AskRow:
    id: str
    person: str
    label: str  # what an officer reads; empty for the person himself
    at: datetime
    kind: AskKind
    about: str  # of an absence its reason, of a dispute what is disputed; else empty
    note: str
    starts_at: datetime | None  # of an absence
    until: datetime | None
    due_at: datetime  # until then somebody replies
    overdue: bool
    accepted: bool | None  # None: nobody decided yet
    reply: str
    decided_at: datetime | None
    decided_by: str | None


@dataclass(frozen=True, slots=True)
class AccessRow:
    """`what`: 'person', 'alert', 'readings', 'paper'."""

    at: datetime
    viewer: str
    role: str
    what: str


@dataclass(frozen=True, slots=True)
class VaccinationRow:
    id: str
    person: str
    given_at: datetime
    vaccine: str
    dose: int


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """A receipt: how many rows of what were erased, and when. It names nobody."""

    id: str
    at: datetime
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with a person, for his own page. Lists are the newest first."""

    reason: str  # of the order: a code, or the words that an operator chose
    end_reason: str | None
    declaration: DeclarationRow | None  # the last one
    checkin: CheckinRow | None  # that waits for an answer
    absences: Sequence[AbsenceRow]  # that run or come
    asks: Sequence[AskRow]
    results: Sequence[ResultRow]
    vaccinations: Sequence[VaccinationRow]


class Citizens(Protocol):
    async def standing(self, viewer: Viewer) -> Standing:
        """Of the viewer himself; raises NotFound for whoever is under no order."""
        ...

    async def ask(
        self,
        viewer: Viewer,
        person: str,
        kind: AskKind,
        *,
        about: str = "",
        note: str = "",
        starts_at: datetime | None = None,
        until: datetime | None = None,
        key: str,
    ) -> AskRow:
        """By the person, or by whoever has him on the telephone; raises NotFound, Refused."""
        ...

    async def answer_ask(self, viewer: Viewer, ask: str, *, accept: bool, reply: str = "", key: str) -> AskRow:
        """Decide: an absence is granted with it, and a disputed order ends. Raises NotFound, Refused."""
        ...

    async def asks(
        self,
        viewer: Viewer,
        *,
        kinds: frozenset[AskKind] | None = None,
        still_open: bool = False,
        person: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[AskRow]:
        """Newest first."""
        ...

    async def ask_of(self, viewer: Viewer, ask: str) -> AskRow: ...
    async def add_vaccination(
        self, viewer: Viewer, person: str, vaccine: str, dose: int, given_at: datetime, *, key: str
    ) -> VaccinationRow: ...

    async def vaccinations(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[VaccinationRow]: ...

    async def accesses(self, viewer: Viewer, *, limit: int = 100) -> Sequence[AccessRow]:
        """Who looked at the viewer's own data, newest first; raises NotFound."""
        ...

    async def take_away(self, viewer: Viewer) -> Mapping[str, Any]:
        """Everything that is stored of the viewer, for a machine; raises NotFound."""
        ...

    async def erase(self, viewer: Viewer, *, key: str) -> ErasureRow:
        """Erase what names the viewer and what he told; raises NotFound, Refused while the order is in force."""
        ...

    async def receipt(self, erasure: str) -> ErasureRow:
        """For whoever has the receipt's number; raises NotFound."""
        ...

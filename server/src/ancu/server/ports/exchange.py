"""Ports: what other platforms, officers and persons under order tell through the API, beside alerts and devices.

As in `ports.py`, every call takes a `Viewer`; a foreign id and an absent id both raise `NotFound`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ancu.models.errors import AncuError
from ancu.server.ports import Page, Viewer

__all__ = [
    "AbsenceReason",
    "AbsenceRow",
    "CheckinRow",
    "DeclarationRow",
    "Exchange",
    "Refused",
    "ResultRow",
    "ScanRow",
    "Symptom",
]


class Refused(AncuError):
    """The state of things does not allow it; `why` is a stable code."""

    code = "refused"

    def __init__(self, why: str, says: str) -> None:
        super().__init__(says)
        self.why = why


class AbsenceReason(StrEnum):
    TEST = "test"
    HOSPITAL = "hospital"
    EVACUATION = "evacuation"
    MOVE = "move"
    OTHER = "other"


class Symptom(StrEnum):
    FEVER = "fever"
    COUGH = "cough"
    SORE_THROAT = "sore_throat"
    BREATHLESS = "breathless"
    TIRED = "tired"
    NO_SMELL = "no_smell"
    DIARRHOEA = "diarrhoea"
    CHEST_PAIN = "chest_pain"


@dataclass(frozen=True, slots=True)
class ScanRow:
    id: str
    person: str
    checkpoint: str
    at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class AbsenceRow:
    id: str
    person: str
    starts_at: datetime
    until: datetime
    reason: str
    checkpoints: Sequence[str]  # empty: any
    granted_by: str
    granted_at: datetime
    ended_at: datetime | None
    state: str  # 'coming', 'running', 'over'


@dataclass(frozen=True, slots=True)
class CheckinRow:
    id: str
    person: str
    asked_at: datetime
    state: str  # 'asked', 'reminded', 'again', 'answered', 'missed', 'refused', 'void'
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeclarationRow:
    id: str
    person: str
    at: datetime
    symptoms: Sequence[str]
    body_deci_c: int | None


@dataclass(frozen=True, slots=True)
class ResultRow:
    id: str
    person: str
    order: str
    received_at: datetime
    taken_at: datetime
    result: str
    action: str  # what it proposes: 'none', 'release', 'extend', 'repeat'
    why: str
    until: datetime | None
    policy: str
    accepted: bool | None
    decided_by: str | None
    decided_at: datetime | None


class Exchange(Protocol):
    async def scanned(self, viewer: Viewer, person: str, checkpoint: str, at: datetime, *, key: str) -> str:
        """Take a scan and answer its id: the same whether the person is known, under order, or neither."""

    async def scans(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[ScanRow]: ...

    async def grant_absence(
        self,
        viewer: Viewer,
        person: str,
        *,
        starts_at: datetime,
        until: datetime,
        reason: AbsenceReason,
        checkpoints: Sequence[str] = (),
        key: str,
    ) -> AbsenceRow: ...

    async def end_absence(self, viewer: Viewer, absence: str, *, key: str) -> AbsenceRow: ...
    async def absences(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[AbsenceRow]: ...

    async def ask_checkin(self, viewer: Viewer, person: str, *, key: str) -> CheckinRow: ...
    async def answer_checkin(
        self, viewer: Viewer, checkin: str, *, face: bool | None = None, place: bool | None = None, key: str
    ) -> CheckinRow: ...

    async def checkins(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[CheckinRow]: ...

    async def declare(
        self, viewer: Viewer, person: str, symptoms: Sequence[Symptom], body_deci_c: int | None, *, key: str
    ) -> DeclarationRow: ...

    async def declarations(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[DeclarationRow]: ...

    async def add_result(
        self, viewer: Viewer, person: str, result: str, taken_at: datetime, *, key: str
    ) -> ResultRow: ...

    async def decide_result(self, viewer: Viewer, result: str, *, accept: bool, key: str) -> ResultRow: ...
    async def results(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[ResultRow]: ...

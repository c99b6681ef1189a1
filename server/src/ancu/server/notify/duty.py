"""Duty: who watches when, who is away, and how busy each is. Pure data, and questions about a moment."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from ancu.server.ports import Role

__all__ = ["Absence", "Officer", "Roster", "Span", "Watch"]


class Watch(StrEnum):
    SHIFT = "shift"
    ON_CALL = "on_call"  # at home, to be called when nobody is on shift


@dataclass(frozen=True, slots=True)
class Span:
    """A watch of an officer, from `start` until just before `end`."""

    officer: str
    watch: Watch
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Absence:
    officer: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Officer:
    """Someone who can be told. `wards` is None for those who serve all wards."""

    id: str
    role: Role
    wards: frozenset[str] | None
    channels: frozenset[str]  # over which he can be reached
    load: int = 0  # open alerts that he owns or was told of
    paged_at: datetime | None = None  # his last page under C


@dataclass(frozen=True, slots=True)
class Roster:
    """Everyone at one moment, and the calendar around it."""

    officers: tuple[Officer, ...] = ()
    spans: tuple[Span, ...] = ()
    absences: tuple[Absence, ...] = ()
    scheduled: frozenset[str] = frozenset()  # officers whose calendar ever held a watch, beside those in `spans`

    def of(self, roles: Iterable[Role], ward: str | None = None) -> list[Officer]:
        """Officers of these roles, of a ward if one is named, in the order of their ids."""
        wanted = frozenset(roles)
        return sorted(
            (o for o in self.officers if o.role in wanted and (ward is None or o.wards is None or ward in o.wards)),
            key=lambda officer: officer.id,
        )

    def with_more(self, told: Set[str]) -> Roster:
        """The same people, after these were told of one more alert."""
        officers = (replace(o, load=o.load + 1) if o.id in told else o for o in self.officers)
        return replace(self, officers=tuple(officers))

    def is_absent(self, officer: str, at: datetime) -> bool:
        return any(a.officer == officer and a.start <= at < a.end for a in self.absences)

    def on_watch(self, officers: Iterable[Officer], watch: Watch, at: datetime) -> list[Officer]:
        """Who of these stands this watch. A group that never had a calendar is always on shift."""
        group = list(officers)
        ids = {officer.id for officer in group}
        spans = [span for span in self.spans if span.officer in ids]
        if not spans and not ids & self.scheduled:
            return group if watch is Watch.SHIFT else []
        standing = {span.officer for span in spans if span.watch is watch and span.start <= at < span.end}
        return [officer for officer in group if officer.id in standing]

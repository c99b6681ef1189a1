"""Pacing: which notes become pages now. Pure.

What is critical goes out at once. For the rest an officer gets one page a pause: notes that come inside it wait, and
the next page holds all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ancu.server.notify.routing import due_at
from ancu.server.ports import Severity

__all__ = ["Note", "Page", "next_page_at", "pages_due"]


@dataclass(frozen=True, slots=True)
class Note:
    """One officer is to hear of one event."""

    id: int
    position: int
    officer: str
    alert: str
    kind: str
    severity: Severity
    ward: str
    level: int
    at: datetime

    @property
    def urgent(self) -> bool:
        """Also what goes to a machine: it is not woken."""
        return self.severity is Severity.CRITICAL or self.officer.startswith("webhook:")


@dataclass(frozen=True, slots=True)
class Page:
    officer: str
    urgent: bool
    notes: tuple[Note, ...]  # worst first, then oldest


def pages_due(waiting: Iterable[Note], paged_at: Mapping[str, datetime], pause: timedelta, at: datetime) -> list[Page]:
    """The pages to make now; `paged_at` is each officer's last page under C. Urgent ones first."""
    groups: dict[tuple[bool, str], list[Note]] = {}
    for note in waiting:
        if note.urgent or due_at(paged_at.get(note.officer), pause, at) <= at:
            groups.setdefault((note.urgent, note.officer), []).append(note)
    pages = [Page(officer, urgent, tuple(sorted(notes, key=_worst))) for (urgent, officer), notes in groups.items()]
    return sorted(pages, key=lambda page: not page.urgent)


def next_page_at(
    waiting: Iterable[Note], paged_at: Mapping[str, datetime], pause: timedelta, at: datetime
) -> datetime | None:
    """When the next of these may become a page."""
    return min((at if n.urgent else due_at(paged_at.get(n.officer), pause, at) for n in waiting), default=None)


_WORST = tuple(Severity)


def _worst(note: Note) -> tuple[int, datetime, int]:
    return _WORST.index(note.severity), note.at, note.id

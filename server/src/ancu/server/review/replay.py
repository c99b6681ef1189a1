"""Replay: the real judge over the stored past, under other policies, in the time of that past. Pure over its inputs.

It is told what the live judge was told, in that order, ticks and all: the same policy decides the same events again.
What officers did is done again where the alert exists: an alert that a policy never raised was never acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from ancu.models.clock import to_ms
from ancu.server.alerts.events import (
    Acknowledged,
    AlertEvent,
    Contacted,
    Dispatched,
    Notified,
    Raised,
    Released,
    Resolved,
    Snoozed,
    alert_id,
)
from ancu.server.cases.codes import Concern
from ancu.server.cases.inputs import Tick
from ancu.server.review.book import Book
from ancu.server.review.outline import Outline, outlines
from ancu.server.review.past import Remembered
from ancu.server.review.quick import Entry, QuickPanel, entries_of

__all__ = ["ACTS", "Act", "Replayed", "acts_of", "replay"]

ACTS = (Notified, Acknowledged, Released, Snoozed, Contacted, Dispatched, Resolved)  # events that no judge decides


@dataclass(frozen=True, slots=True)
class Act:
    """Something that was done about an alert, and the episode that it was done about."""

    at_ms: int
    event: AlertEvent
    raised: Raised


@dataclass(slots=True)
class Replayed:
    """What a policy made of the past."""

    events: list[AlertEvent] = field(default_factory=list)
    inputs: int = 0
    acts: int = 0  # that found their alert
    begins_ms: int = 0
    ends_ms: int = 0

    @property
    def alerts(self) -> list[Outline]:
        return list(outlines(self.events).values())


def acts_of(events: Iterable[AlertEvent]) -> list[Act]:
    """What was done, of a journal's events in order."""
    raised: dict[str, Raised] = {}
    acts: list[Act] = []
    for event in events:
        if isinstance(event, Raised):
            raised.setdefault(event.alert, event)
        elif isinstance(event, ACTS) and event.alert in raised:
            acts.append(Act(to_ms(event.at), event, raised[event.alert]))
    return acts


def replay(books: Sequence[Book], past: Iterable[Remembered], acts: Sequence[Act] = ()) -> list[Replayed]:
    """Judge the past under each book of policies; the past is read once for all of them."""
    runs = [_Run(QuickPanel(book)) for book in books]
    done = 0
    for step in past:
        while done < len(acts) and _is_before(acts[done], step):
            for run in runs:
                run.act(acts[done])
            done += 1
        entries = () if step.row is None else entries_of(step.row)
        for run in runs:
            run.hear(step, entries)
    for act in acts[done:]:
        for run in runs:
            run.act(act)
    return [run.found for run in runs]


class _Run:
    def __init__(self, panel: QuickPanel) -> None:
        self._panel = panel
        self._latest: dict[tuple[str, str, Concern], str] = {}
        self.found = Replayed()

    def hear(self, step: Remembered, entries: Sequence[Entry]) -> None:
        if step.at_ms:
            self.found.begins_ms = self.found.begins_ms or step.at_ms
            self.found.ends_ms = max(self.found.ends_ms, step.at_ms)
        if step.seating is not None:
            self._panel.seat(step.seating)
        if step.told is not None:
            self.found.inputs += 1
            self._note(self._panel.hear(step.told))
        if step.row is not None:
            self.found.inputs += len(entries)
            self._note(self._panel.hear_row(step.row, entries))

    def act(self, act: Act) -> None:
        alert = self._id_of(act.raised)
        state = None if alert is None else self._panel.alert(alert)
        if alert is None or state is None or state.resolved:
            return
        event = msgspec.structs.replace(act.event, alert=alert)
        self._panel.evolve(event)
        self.found.events.append(event)
        self.found.acts += 1

    def _note(self, events: Iterable[AlertEvent]) -> None:
        for event in events:
            self.found.events.append(event)
            if isinstance(event, Raised) and not event.late:
                self._latest[_subject(event)] = event.alert

    def _id_of(self, raised: Raised) -> str | None:
        """The alert that this policy made of the same occurrence, else of the same subject and concern."""
        label = self._panel.label_of(raised.subject.ward)
        same = alert_id(label, raised.subject, raised.kind, raised.since)
        return same if self._panel.alert(same) is not None else self._latest.get(_subject(raised))


def _is_before(act: Act, step: Remembered) -> bool:
    """Acts of the same moment come after what was heard and before time passes, as the core has them."""
    return act.at_ms < step.at_ms or (act.at_ms == step.at_ms and isinstance(step.told, Tick))


def _subject(raised: Raised) -> tuple[str, str, Concern]:
    return raised.subject.kind, raised.subject.id, raised.concern

"""Explanations: why an alert is there, in one sentence and on one page, as keys and values. Pure; words are elsewhere.

An officer and the person whom it is about read the same page. What the person's copy leaves out: who the officers are
and what they noted, other people's data, and technical details that would help a forger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ancu.server.cases.codes import CONCERN_OF, TROUBLE_SIGNS, Concern, Kind, Say
from ancu.server.ports import AlertDetail, Signal, Step

__all__ = ["Explanation", "Line", "Reader", "Section", "explain"]

_TECHNICAL = frozenset((*TROUBLE_SIGNS.values(), Say.BODY_REFUSED))
_OF_OTHERS = frozenset({"person", "track", "confidence"})  # values of signs that name or describe somebody else
_ABSENCES = frozenset({Say.ABSENCE_RUNS, Say.ABSENCE_OVER, Say.ABSENCE_ELSEWHERE})
_INTERNAL = frozenset({"note", "unit"})  # values of steps that an officer wrote
_RULED_OUT = {Say.EDGE_ALIVE: "not_outage", Say.BATTERY_FINE: "not_battery", Say.GATEWAY_ALIVE: "not_gateway"}


class Reader(StrEnum):
    OFFICER = "officer"
    SUBJECT = "subject"  # the person whom it is about


@dataclass(frozen=True, slots=True)
class Line:
    """A key of the catalogue and what fills it in; a value may be a line itself, or several."""

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None
    late: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    code: str  # signals, rules, ruled_out, known, timeline, do, rights
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Explanation:
    alert: str
    sentence: Line
    sections: Sequence[Section]


def explain(detail: AlertDetail, reader: Reader, names: Mapping[str, str] | None = None) -> Explanation:
    """Why this alert is there; `names` are officers' names by id."""
    page = _Page(detail, reader, names or {})
    sections = [
        Section("signals", page.signals()),
        Section("rules", page.rules()),
        Section("ruled_out", page.ruled_out()),
        Section("timeline", page.timeline()),
    ]
    if reader is Reader.OFFICER:
        sections[3:3] = [Section("known", page.known())]
        sections.append(Section("do", [Line(f"do.{detail.row.kind}")]))
    sections.append(Section("rights", page.rights()))
    return Explanation(detail.row.id, page.sentence(), [section for section in sections if section.lines])


class _Page:
    def __init__(self, detail: AlertDetail, reader: Reader, names: Mapping[str, str]) -> None:
        self._detail, self._reader, self._names = detail, reader, names
        self._for_subject = reader is Reader.SUBJECT

    def sentence(self) -> Line:
        row = self._detail.row
        first = self._detail.evidence[0] if self._detail.evidence else row.why
        values: dict[str, Any] = {
            "opened_at": row.opened_at,
            "kind": row.kind,
            "severity": str(row.severity),
            "why": self._signal(row.why),
        }
        if first.late:
            return Line("explain.sentence_late", values)
        codes = dict.fromkeys(signal.code for signal in self._detail.evidence if signal.code != row.why.code)
        more = [Line(f"sign.{code}") for code in codes if not (self._for_subject and code in _TECHNICAL)]
        return Line("explain.sentence_more", values | {"more": more}) if more else Line("explain.sentence", values)

    def signals(self) -> list[Line]:
        about = [] if self._for_subject else [Line("explain.about", {"subject_label": self._detail.row.subject_label})]
        lines = [self._signal(signal) for signal in self._detail.evidence]
        return [*about, *_once(lines)]

    def rules(self) -> list[Line]:
        numbers = [
            Line("explain.threshold", {"name": Line(f"threshold.{name}"), "value": Line("", {name: value})})
            for name, value in self._detail.thresholds.items()
        ]
        return [Line("explain.rule", {"policy": self._detail.row.policy}), *numbers]

    def ruled_out(self) -> list[Line]:
        lines: list[Line] = []
        for signal in self._detail.ruled_out:
            conclusion = _RULED_OUT.get(Say(signal.code)) if signal.code in set(Say) else None
            if conclusion is not None:
                lines.append(Line(f"explain.{conclusion}", {}, signal.at))
            lines.append(self._signal(signal))
        lines = _once(lines)
        known = {signal.code for signal in (*self._detail.ruled_out, *self._detail.evidence)}
        if _concern(self._detail.row.kind) is Concern.WHEREABOUTS and not known & _ABSENCES:
            lines += self._absences()
        return lines or [Line("explain.nothing_ruled_out")]

    def _absences(self) -> list[Line]:
        """What the record of absences says about that time, where somebody looked."""
        found = self._detail.excuses
        if found is None:
            return []
        return [self._signal(signal) for signal in found] or [Line("explain.no_absence")]

    def known(self) -> list[Line]:
        return [
            Line("explain.known", {"name": Line(f"known.{name}"), "value": Line("", {name: value})})
            for name, value in self._detail.last_known.items()
        ]

    def timeline(self) -> list[Line]:
        return [self._step(step) for step in self._detail.timeline]

    def rights(self) -> list[Line]:
        lines = [Line("explain.one_signal")] if _concern(self._detail.row.kind) is Concern.WHEREABOUTS else []
        if self._for_subject:
            lines += [
                Line("explain.dispute", {"alert": self._detail.row.id}),
                Line("explain.copy"),
                Line("explain.withheld"),
            ]
        return lines

    def _signal(self, signal: Signal) -> Line:
        if not self._for_subject:
            return Line(f"signal.{signal.code}", signal.values, signal.at, signal.late)
        if signal.code in _TECHNICAL:
            return Line("explain.withheld_technical", {}, signal.at, signal.late)
        values = {name: value for name, value in signal.values.items() if name not in _OF_OTHERS}
        return Line(f"signal.{signal.code}", values, signal.at, signal.late)

    def _step(self, step: Step) -> Line:
        values = dict(step.values)
        if step.by is not None:
            values["by"] = self._names.get(step.by, step.by)
        if self._for_subject:
            values = {name: value for name, value in values.items() if name not in _INTERNAL}
            if step.by is not None:
                values["by"] = Line("explain.an_officer")
            if step.values.get("sign") in _TECHNICAL:
                return Line("explain.withheld_technical", {}, step.at)
        return Line(f"step.{step.code}", values, step.at)


def _concern(kind: str) -> Concern | None:
    return CONCERN_OF[Kind(kind)] if kind in set(Kind) else None


def _once(lines: Sequence[Line]) -> list[Line]:
    """What repeats word for word is said once."""
    found: list[Line] = []
    for line in lines:
        if line not in found:
            found.append(line)
    return found

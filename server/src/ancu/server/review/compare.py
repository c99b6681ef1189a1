"""What another policy would have changed: alerts that appear, vanish or move. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ancu.server.review.outline import Outline

__all__ = ["Difference", "Move", "compare"]

_SAME = timedelta(seconds=1)  # a tick: a moment earlier or later is no move
_NEAR = timedelta(minutes=30)  # the same episode, seen otherwise
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Move:
    """One episode under both policies."""

    old: Outline
    new: Outline
    what: tuple[str, ...]  # time, severity, kind, pages, end

    @property
    def later_s(self) -> float:
        """How much later it opens; negative: earlier."""
        return (self.new.opened_at - self.old.opened_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Difference:
    appear: list[Outline] = field(default_factory=list)
    vanish: list[Outline] = field(default_factory=list)
    move: list[Move] = field(default_factory=list)
    same: int = 0

    @property
    def is_none(self) -> bool:
        return not (self.appear or self.vanish or self.move)


def compare(old: Iterable[Outline], new: Iterable[Outline]) -> Difference:
    """Pair the alerts of two policies, whatever their ids: first the same occurrence, then what overlaps it."""
    found = Difference()
    same = 0
    before, rest = _by(old), list(new)
    pairs: list[tuple[Outline, Outline]] = []
    for match in (_is_same, _is_near):
        left = []
        for outline in rest:
            candidates = before.get(_subject(outline), [])
            partner = next((c for c in candidates if match(c, outline)), None)
            if partner is None:
                left.append(outline)
            else:
                candidates.remove(partner)
                pairs.append((partner, outline))
        rest = left
    for was, now in pairs:
        what = _what(was, now)
        if what:
            found.move.append(Move(was, now, what))
        else:
            same += 1
    found.appear.extend(rest)
    found.vanish.extend(outline for outlines in before.values() for outline in outlines)
    for outlines in (found.appear, found.vanish):
        outlines.sort(key=_order)
    found.move.sort(key=lambda move: _order(move.old))
    return Difference(found.appear, found.vanish, found.move, same)


def _by(outlines: Iterable[Outline]) -> dict[tuple[str, ...], list[Outline]]:
    found: dict[tuple[str, ...], list[Outline]] = {}
    for outline in sorted(outlines, key=_order):
        found.setdefault(_subject(outline), []).append(outline)
    return found


def _subject(outline: Outline) -> tuple[str, ...]:
    return outline.subject_kind, outline.subject, outline.concern


def _order(outline: Outline) -> tuple[datetime, str, str]:
    return outline.opened_at, outline.subject, outline.kind


def _is_same(old: Outline, new: Outline) -> bool:
    return old.kind is new.kind and old.since == new.since and old.late == new.late


def _is_near(old: Outline, new: Outline) -> bool:
    begin, end = max(old.since, new.since), min(old.ended_at or _NEVER, new.ended_at or _NEVER)
    return old.late == new.late and (begin <= end or abs(old.opened_at - new.opened_at) <= _NEAR)


def _what(old: Outline, new: Outline) -> tuple[str, ...]:
    differs = {
        "time": abs(new.opened_at - old.opened_at) >= _SAME,
        "severity": old.severity is not new.severity,
        "kind": old.kind is not new.kind,
        "pages": old.pages != new.pages,
        "end": (old.ended_at is None) != (new.ended_at is None),
    }
    return tuple(name for name, so in differs.items() if so)

"""Lessons out of the server's file, each suggestion with its replay; as lines, as JSON, as a draft of an override."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ancu.models.clock import from_ms
from ancu.models.errors import ConfigError
from ancu.models.ids import BandNumber, band_name
from ancu.server.cases.codes import Kind
from ancu.server.review.book import Book
from ancu.server.review.learn import Lessons, learn, with_number
from ancu.server.review.outcomes import is_true_of
from ancu.server.review.outline import Outline
from ancu.server.review.stats import Share
from ancu.server.review.stored import Rehearsal, journal_events, rehearse
from ancu.server.review.stories import stories

__all__ = ["Taught", "draft", "lessons_json", "lessons_lines", "lessons_of"]


@dataclass(frozen=True)
class Taught:
    """Lessons, and what each suggestion would have done; None where no past was kept."""

    book: Book
    lessons: Lessons
    rehearsals: Sequence[Rehearsal | None]


def lessons_of(connection: sqlite3.Connection, book: Book, start: datetime, end: datetime) -> Taught:
    """What the alerts of [start, end) teach about the base policy."""
    told = stories(journal_events(connection, start)).values()
    base = [story for story in told if story.policy == book.base.label]
    lessons = learn(base, book.base, start, end, _batches(connection, book.base.paging.zone))
    changed = [Book(with_number(book.base, s), book.of_wards, book.of_provinces) for s in lessons.suggestions]
    try:
        rehearsals = rehearse(connection, book, changed, since=start, until=end) if changed else []
    except ConfigError:  # no past was kept yet
        rehearsals = []
    return Taught(book, lessons, rehearsals or [None] * len(changed))


def lessons_json(taught: Taught) -> dict[str, Any]:
    found = taught.lessons
    return {
        "policy": taught.book.base.label,
        "by_rule": _shares(found.by_rule),
        "by_ward": _shares(found.by_ward),
        "by_batch": _shares(found.by_batch),
        "rules": [asdict(rule) for rule in found.rules],
        "bands": [asdict(band) for band in found.bands],
        "suggestions": [
            {**asdict(suggestion), "replay": None if rehearsal is None else _effect(rehearsal)}
            for suggestion, rehearsal in zip(found.suggestions, taught.rehearsals, strict=True)
        ],
    }


def lessons_lines(taught: Taught) -> list[str]:
    found = taught.lessons
    lines = [f"policy {taught.book.base.label}; true of those that were resolved:"]
    lines += [f"  {kind}: {_share(each)}" for kind, each in found.by_rule.items()] or ["  nothing was resolved"]
    for what, shares in (("ward", found.by_ward), ("batch", found.by_batch)):
        lines += [f"  {what} {name}: {_share(each)}" for name, each in shares.items()]
    lines.append("rules to look at:" if found.rules else "no rule to look at")
    lines += [
        f"  {rule.kind}{f' in {rule.ward}' if rule.ward else ''}: {_share(rule.share)}"
        + ("" if rule.certain else "; few, it may be chance")
        for rule in found.rules
    ]
    lines.append("bands to look at:" if found.bands else "no band to look at")
    for band in found.bands:
        batch, kinds = band.batch or "unknown", ", ".join(band.kinds)
        lines.append(f"  {band.band} (batch {batch}): {band.false} false, {band.true} true; {kinds}")
    for suggestion, rehearsal in zip(found.suggestions, taught.rehearsals, strict=True):
        lines.append(f"suggested: {suggestion.key} {suggestion.old} -> {suggestion.new}")
        lines.append(
            f"  spares {suggestion.spares_false} of {suggestion.of_false} false alerts, loses none of"
            f" {suggestion.keeps_true} true ones; then true: {_share(suggestion.share)}"
        )
        lines.append("  no past to replay it over" if rehearsal is None else f"  {_effect_line(rehearsal)}")
    if found.suggestions:
        lines.append("Nothing was changed. Replay, name the places, sign, roll out: see the policy guide.")
    return lines


def draft(taught: Taught, today: date) -> str:
    """An override with the suggested numbers: without places and unsigned, so that `ancu policy check` refuses it."""
    lines = [
        "# A draft made from outcome codes. It is for nobody until a person names its places and signs it.",
        f'base = "{taught.book.base.label}"',
        'name = "suggested"',
        'version = "1"',
        'title = "Suggested by outcomes"',
        'signed_by = "not signed: a suggestion"',
        f"signed_on = {today.isoformat()}",
        "wards = []",
        "provinces = []",
    ]
    for suggestion in taught.lessons.suggestions:
        lines += ["", f"[rules.{suggestion.kind}]", f"opens_after_s = {suggestion.new}  # was {suggestion.old}"]
    return "\n".join(lines) + "\n"


def _batches(connection: sqlite3.Connection, zone: str) -> dict[str, str]:
    """By band: the local day on which it was provisioned; bands of one day came out of one box."""
    rows = connection.execute("SELECT number, created_ms FROM bands")
    at = ZoneInfo(zone)
    return {
        band_name(BandNumber(row["number"])): from_ms(row["created_ms"]).astimezone(at).date().isoformat()
        for row in rows
    }


def _effect(rehearsal: Rehearsal) -> dict[str, Any]:
    change = rehearsal.change
    return {
        "appear": len(change.appear),
        "vanish": len(change.vanish),
        "vanish_true": _count(change.vanish, truth=True),
        "vanish_false": _count(change.vanish, truth=False),
        "move": len(change.move),
        "same": change.same,
        "pages_old": rehearsal.base_pages,
        "pages_new": rehearsal.new_pages,
        "latest_s": max((move.later_s for move in change.move), default=0.0),
    }


def _effect_line(rehearsal: Rehearsal) -> str:
    effect = _effect(rehearsal)
    return (
        f"replayed: {effect['vanish']} vanish ({effect['vanish_true']} true, {effect['vanish_false']} false),"
        f" {effect['appear']} appear, {effect['move']} move by at most {effect['latest_s']:.0f} s,"
        f" pages {effect['pages_old']} -> {effect['pages_new']}"
    )


def _count(outlines: Sequence[Outline], *, truth: bool) -> int:
    return sum(is_true_of(outline.outcome, outline.kind) is truth for outline in outlines)


def _shares(shares: Mapping[Kind, Share] | Mapping[str, Share]) -> dict[str, Any]:
    return {str(key): asdict(each) for key, each in shares.items()}


def _share(found: Share) -> str:
    if found.share is None or found.low is None or found.high is None:
        return "not known"
    return f"{found.true} of {found.true + found.false}, {found.share:.0%} ({found.low:.0%} to {found.high:.0%})"

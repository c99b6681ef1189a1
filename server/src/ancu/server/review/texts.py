"""Policies and rehearsals as a terminal shows them, and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ancu.server.cases.policy import Policy
from ancu.server.cli.common import as_table
from ancu.server.review.book import Book, fingerprint
from ancu.server.review.compare import Move
from ancu.server.review.lint import SECTIONS
from ancu.server.review.outline import Outline
from ancu.server.review.stored import Rehearsal

__all__ = ["policy_json", "policy_table", "rehearsal_json", "rehearsal_lines", "value_text"]

_LISTED = 20  # of each kind of difference, for a person; JSON has all


def policy_json(shown: Policy) -> dict[str, Any]:
    """Every key of a policy, with its label and fingerprint."""
    return {**msgspec.to_builtins(shown), "label": shown.label, "fingerprint": fingerprint(shown)}


def policy_table(shown: Policy) -> list[str]:
    """A policy for a person."""
    plain = policy_json(shown)
    common = ("severity", "opens_after_s", "next_level_min", "desk")
    rows = [
        {
            "rule": kind,
            "severity": rule["severity"],
            "opens after": _seconds(rule["opens_after_s"]),
            "next level at (min)": " / ".join(map(str, rule["next_level_min"])) or "-",
            "desk": rule["desk"],
            "more": ", ".join(f"{key} {value}" for key, value in rule.items() if key not in common) or "-",
        }
        for kind, rule in plain["rules"].items()
    ]
    waiting = [
        {
            "not in force": name,
            "severity": "/".join(row["severity"]),
            "says": row["says"],
            "sign-off": row["sign_off"] or "-",
        }
        for name, row in plain["not_in_force"].items()
    ]
    head = [
        f"{shown.label}  {shown.title}",
        f"signed by {shown.signed_by}, {shown.signed_on.isoformat()}; fingerprint {fingerprint(shown)}",
        "",
    ]
    sections = [
        f"{section}: " + ", ".join(f"{key} {value_text(value)}" for key, value in plain[section].items())
        for section in SECTIONS
    ]
    return [*head, *as_table(rows, ""), "", *sections, "", *as_table(waiting, "every row is in force")]


def _seconds(seconds: int) -> str:
    if seconds == 0:
        return "at once"
    return f"{seconds} s" if seconds < 120 or seconds % 60 else f"{seconds // 60} min"


def value_text(value: object) -> str:
    if value is None:
        return "(none)"
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, list | tuple) else str(value)


def _outline(outline: Outline) -> dict[str, Any]:
    return {
        "kind": outline.kind,
        "severity": outline.severity,
        "ward": outline.ward,
        "subject": outline.subject,
        "since": outline.since.isoformat(),
        "opened_at": outline.opened_at.isoformat(),
        "pages": outline.pages,
        "outcome": outline.outcome,
    }


def rehearsal_json(found: Rehearsal, base: Book, new: Book, took_s: float) -> dict[str, Any]:
    """Everything that a rehearsal found."""
    change, fidelity = found.change, found.fidelity
    return {
        "old": [each.label for each in base.policies],
        "new": [each.label for each in new.policies],
        "days": round(found.days, 4),
        "inputs": found.base.inputs,
        "took_s": round(took_s, 3),
        "alerts_old": change.same + len(change.move) + len(change.vanish),
        "alerts_new": change.same + len(change.move) + len(change.appear),
        "pages_old": found.base_pages,
        "pages_new": found.new_pages,
        "same": change.same,
        "appear": [_outline(outline) for outline in change.appear],
        "vanish": [_outline(outline) for outline in change.vanish],
        "move": [
            {"old": _outline(m.old), "new": _outline(m.new), "what": list(m.what), "later_s": m.later_s}
            for m in change.move
        ],
        "as_recorded": {
            "same": fidelity.same,
            "differ": len(fidelity.appear) + len(fidelity.vanish) + len(fidelity.move),
        },
    }


def rehearsal_lines(found: Rehearsal, base: Book, new: Book, took_s: float) -> list[str]:
    """What a rehearsal found, for a person."""
    change, fidelity = found.change, found.fidelity
    differ = len(fidelity.appear) + len(fidelity.vanish) + len(fidelity.move)
    counted = f"{change.same} alerts stay, {len(change.appear)} appear, {len(change.vanish)} vanish"
    return [
        f"{_labels(base)} -> {_labels(new)}: {_length(found.days)}, {found.base.inputs} inputs, {took_s:.1f} s",
        f"replayed, the policy in force gives {fidelity.same} alerts as they were raised, {differ} otherwise",
        f"{counted}, {len(change.move)} move; pages {found.base_pages} -> {found.new_pages}",
        *_some("appear", [_line(outline) for outline in change.appear]),
        *_some("vanish", [_line(outline) for outline in change.vanish]),
        *_some("move", [f"{_line(m.old)}: {', '.join(_move(what, m) for what in m.what)}" for m in change.move]),
    ]


def _some(what: str, lines: Sequence[str]) -> list[str]:
    more = [f"  ... and {len(lines) - _LISTED} more (--json has all)"] if len(lines) > _LISTED else []
    return [f"{what}:", *(f"  {line}" for line in lines[:_LISTED]), *more] if lines else []


def _line(outline: Outline) -> str:
    at = outline.opened_at.isoformat(timespec="seconds")
    known = f" (resolved: {outline.outcome})" if outline.outcome else ""
    return f"{at} {outline.severity} {outline.kind} {outline.subject} in {outline.ward}{known}"


def _move(what: str, move: Move) -> str:
    old, new = move.old, move.new
    match what:
        case "time":
            return f"{abs(move.later_s):.0f} s {'later' if move.later_s > 0 else 'earlier'}"
        case "severity":
            return f"severity {old.severity} -> {new.severity}"
        case "kind":
            return f"as {new.kind}"
        case "pages":
            return f"pages {old.pages} -> {new.pages}"
    return "ends" if new.ended_at else "does not end"


def _length(days: float) -> str:
    return f"{days:.2f} days" if days >= 1 else f"{days * 24 * 60:.0f} minutes"


def _labels(book: Book) -> str:
    return ", ".join(each.label for each in book.policies)

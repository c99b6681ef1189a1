"""What outcome codes teach: which rules, wards, batches and bands are often wrong, and what may mend it. Pure.

Nothing here changes a policy. A suggestion is a draft for a person, who replays it, signs it and rolls it out.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import TypeVar

import msgspec

from ancu.server.cases.codes import Kind
from ancu.server.cases.policy import Policy
from ancu.server.review.outcomes import is_true
from ancu.server.review.stats import Share, share
from ancu.server.review.stories import Story

__all__ = ["GOAL", "BandToLookAt", "Lessons", "RuleToLookAt", "Suggestion", "learn", "with_number"]

K = TypeVar("K", bound=Hashable)
GOAL = 0.6  # the share of alerts that are true, as promised
_FEW = 5  # resolved alerts: fewer say nothing of a rule
_BAND_FALSE = 2  # false alerts of one band in the time looked at: look at the band
_LONGER = 4.0  # a threshold is suggested at most so many times the present one
_EXIT_S = 180.0  # from an exit to an officer: no wait for a missing band may be longer
_STEP_S = 5
_WORTH = 0.2  # of its false alerts that a suggestion must spare


@dataclass(frozen=True, slots=True)
class RuleToLookAt:
    """A rule that is true too seldom, everywhere or in one ward."""

    kind: Kind
    ward: str | None
    share: Share
    certain: bool  # even the upper end of the interval is below the goal


@dataclass(frozen=True, slots=True)
class BandToLookAt:
    band: str
    batch: str | None
    false: int
    true: int
    kinds: Sequence[Kind]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A number that would have spared false alerts, and no true one."""

    kind: Kind
    key: str  # 'rules.out_of_range.opens_after_s'
    old: int
    new: int
    spares_false: int
    of_false: int
    keeps_true: int
    share: Share  # as it would have been


@dataclass(frozen=True, slots=True)
class Lessons:
    by_rule: Mapping[Kind, Share]
    by_ward: Mapping[str, Share]
    by_batch: Mapping[str, Share]  # of bands
    rules: Sequence[RuleToLookAt]
    bands: Sequence[BandToLookAt]
    suggestions: Sequence[Suggestion]


def learn(
    told: Iterable[Story], policy: Policy, start: datetime, end: datetime, batch_of: Mapping[str, str] | None = None
) -> Lessons:
    """What the alerts opened in [start, end) and resolved since teach; `batch_of` names the batch of a band."""
    batches = batch_of or {}
    known = [
        story for story in told if start <= story.opened_at < end and is_true(story.outcome, story.concern) is not None
    ]
    by_rule = _shares(known, lambda story: [story.kind])
    return Lessons(
        by_rule=by_rule,
        by_ward=_shares(known, lambda story: [story.ward]),
        by_batch=_shares(known, lambda story: sorted({batches[band] for band in story.bands if band in batches})),
        rules=[
            *_rules(by_rule, lambda kind: (kind, None)),
            *_rules(_shares(known, lambda story: [(story.kind, story.ward)]), lambda key: key),
        ],
        bands=_bands(known, batches),
        suggestions=[s for kind in Kind if (s := _suggest(kind, known, policy)) is not None],
    )


def with_number(policy: Policy, suggestion: Suggestion) -> Policy:
    """The policy with the suggested number, under a name that nobody can take for one in force."""
    table = msgspec.to_builtins(policy)
    table["rules"][str(suggestion.kind)]["opens_after_s"] = suggestion.new
    table |= {"name": f"{policy.name}+suggested", "signed_by": "not signed: a suggestion"}
    return msgspec.convert(table, Policy)


def _shares(known: Sequence[Story], keys_of: Callable[[Story], Sequence[K]]) -> dict[K, Share]:
    said: dict[K, list[bool | None]] = {}
    for story in known:
        for key in keys_of(story):
            said.setdefault(key, []).append(is_true(story.outcome, story.concern))
    return {key: share(truths.count(True), truths.count(False)) for key, truths in sorted(said.items(), key=_first)}


def _first(item: tuple[K, object]) -> str:
    return str(item[0])


def _rules(shares: Mapping[K, Share], named: Callable[[K], tuple[Kind, str | None]]) -> list[RuleToLookAt]:
    found = []
    for key, each in shares.items():
        kind, ward = named(key)
        if each.share is not None and each.high is not None and each.true + each.false >= _FEW and each.share < GOAL:
            found.append(RuleToLookAt(kind, ward, each, each.high < GOAL))
    return sorted(found, key=lambda rule: (rule.share.share or 0.0, rule.kind, rule.ward or ""))


def _bands(known: Sequence[Story], batches: Mapping[str, str]) -> list[BandToLookAt]:
    by_band: dict[str, list[Story]] = {}
    for story in known:
        for band in story.bands:
            by_band.setdefault(band, []).append(story)
    found = []
    for band, told in by_band.items():
        wrong = [story for story in told if not is_true(story.outcome, story.concern)]
        if len(wrong) >= _BAND_FALSE:
            kinds = sorted({story.kind for story in wrong})
            found.append(BandToLookAt(band, batches.get(band), len(wrong), len(told) - len(wrong), kinds))
    return sorted(found, key=lambda each: (-each.false, each.band))


def _suggest(kind: Kind, known: Sequence[Story], policy: Policy) -> Suggestion | None:
    """The shortest longer wait that spares the most false alerts without losing one that was true."""
    old = policy.rules.of(kind).opens_after_s
    mine = [story for story in known if story.kind is kind and not story.late]
    lasted = {True: _durations(mine, truth=True), False: _durations(mine, truth=False)}
    false, true = lasted[False], lasted[True]
    now = share(len(true), len(false))
    if not old or now.true + now.false < _FEW or now.share is None or now.share >= GOAL:
        return None
    most = min([old * _LONGER, *true, *([_EXIT_S] if kind is Kind.OUT_OF_RANGE else [])])
    new = max((_above(s) for s in false if old < _above(s) <= most), default=None)
    spared = sum(s < new for s in false) if new is not None else 0
    if new is None or spared < _WORTH * len(false):
        return None
    return Suggestion(
        kind=kind,
        key=f"rules.{kind}.opens_after_s",
        old=old,
        new=new,
        spares_false=spared,
        of_false=len(false),
        keeps_true=len(true),
        share=share(len(true), len(false) - spared),
    )


def _durations(told: Iterable[Story], *, truth: bool) -> list[float]:
    """How long each breach lasted, in seconds; one that has not ended lasts for ever."""
    return [
        (story.first_ended_at - story.since).total_seconds() if story.first_ended_at is not None else float("inf")
        for story in told
        if is_true(story.outcome, story.concern) is truth
    ]


def _above(seconds: float) -> int:
    """The next step above a duration."""
    return (ceil(seconds / _STEP_S) + 1) * _STEP_S if seconds != float("inf") else 2**31

"""What is wrong with a policy: one clear line a problem, all of them at once. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, get_type_hints

import msgspec

from ancu.models.config import Settings
from ancu.server.cases.codes import Kind
from ancu.server.cases.policy import Clinical, Held, Policy, Rules, Symptoms, rank
from ancu.server.exchange.checkins import fitting
from ancu.server.ports import Severity

__all__ = ["SECTIONS", "UNSIGNED", "notes", "problems", "table_problems"]

UNSIGNED = "not signed"  # how `signed_by` begins while nobody has put a policy in force
_LONGEST_S = 14 * 86_400  # an order lasts two weeks: what opens later never opens
_OPTIONAL = ("not_in_force", "checkins")  # a file from before they were has neither
_LATER_RULES = ("challenge_missed", "symptom_change")  # nor these: then they are not in force
SECTIONS = tuple(  # tables of a policy, but its rules
    name
    for name, hint in get_type_hints(Policy).items()
    if isinstance(hint, type) and issubclass(hint, Settings) and hint is not Rules
)


def table_problems(table: Mapping[str, Any]) -> list[str]:
    """What of a parsed file does not fit the policy's keys and types, each place by itself."""
    hints = get_type_hints(Policy)
    found: list[str] = []
    rest = {key: value for key, value in table.items() if key not in (*SECTIONS, "rules")}
    unknown = [key for key in rest if key not in hints]
    found += [f"{key}: no such key" for key in unknown]
    for key in hints:
        if key not in table and key not in _OPTIONAL:
            found.append(f"{key}: missing")
        elif key in rest:
            found += _fits(key, table[key], hints[key])
    for key in SECTIONS:
        if key in table:
            found += _fits(key, table[key], hints[key])
    rules = table.get("rules")
    if isinstance(rules, Mapping):
        kinds = get_type_hints(Rules)
        found += [f"rules.{name}: no such rule" for name in rules if name not in kinds]
        for name, kind in kinds.items():
            if name not in rules and name in _LATER_RULES:
                continue
            wrong = _fits(f"rules.{name}", rules[name], kind) if name in rules else [f"rules.{name}: missing"]
            found += wrong or _rule(name, rules[name])
    elif rules is not None:
        found.append("rules: expected a table")
    return found


def problems(policy: Policy) -> list[str]:
    """What makes a policy unfit to be put in force though each of its keys is well formed by itself."""
    return [*_head(policy), *_numbers(policy), *_people(policy), *_wear(policy), *_boxes(policy), *_health(policy)]


def notes(policy: Policy) -> list[str]:
    """What whoever signs should know; nothing that stops it."""
    found = [f"signed_by: {policy.signed_by}"] if policy.signed_by.startswith(UNSIGNED) else []
    found += [
        f"rules.{kind}: {rule.sign_off}"
        for kind in Kind
        if isinstance(rule := policy.rules.of(kind), Clinical | Symptoms) and rule.sign_off
    ]
    found += [
        f"not_in_force.{name}: {row.sign_off}" for name, row in sorted(policy.not_in_force.items()) if row.sign_off
    ]
    return found


def _fits(place: str, value: object, kind: Any) -> list[str]:
    try:
        msgspec.convert(value, kind)
    except (msgspec.ValidationError, ValueError) as error:
        says = str(error)
        text, _, path = says.partition(" - at `$")
        where = place + path.rstrip("`")
        return [text if text.startswith(f"{place}:") else f"{where}: {text[:1].lower()}{text[1:]}"]
    return []


def _head(policy: Policy) -> Iterator[str]:
    for key in ("name", "version", "title", "signed_by"):
        if not getattr(policy, key).strip():
            yield f"{key}: empty"
    if "@" in policy.label.replace("@", "", 1) or any(part.isspace() for part in policy.label):
        yield f"name, version: {policy.label!r} is written into every alert; use neither spaces nor '@'"


def _rule(kind: str, rule: Mapping[str, Any]) -> Iterator[str]:
    for name, value in rule.items():
        where = f"rules.{kind}.{name}"
        if name.endswith("_s") and not 0 <= value <= _LONGEST_S:
            yield f"{where}: {value} is not within 0..{_LONGEST_S} s"
        if name.endswith("_percent") and not 0 <= value <= 100:
            yield f"{where}: {value} is not within 0..100"
        if name.endswith("next_level_min") and any(a >= b for a, b in pairwise([0, *value])):
            yield f"{where}: {list(value)} does not rise from step to step"


def _numbers(policy: Policy) -> Iterator[str]:
    for name in ("reopen_s", "agree_s", "deaf_s"):
        value = getattr(policy.episodes, name)
        if not 0 < value <= 86_400:
            yield f"episodes.{name}: {value} is not within 1..86400 s"
    if policy.paging.repage_s < 0:
        yield f"paging.repage_s: {policy.paging.repage_s} is negative"
    if fitting(policy) < policy.checkins.per_day:
        yield f"checkins.per_day: the waking hours have room for {fitting(policy)} that are apart_s from each other"


def _people(policy: Policy) -> Iterator[str]:
    """Numbers of rows that accuse which only make sense beside each other."""
    rules = policy.rules
    for kind in (Kind.SOS, Kind.STRAP_CUT):
        if rules.of(kind).severity is not Severity.CRITICAL:
            yield f"rules.{kind}.severity: a call for help and a cut strap are C"
    away = rules.out_of_range
    if rank(away.agreed_severity) > rank(away.severity):
        yield "rules.out_of_range.agreed_severity: a second signal must not make it milder"
    if away.agreed_opens_after_s > away.opens_after_s:
        yield "rules.out_of_range.agreed_opens_after_s: a second signal must not make it slower"
    if away.far_opens_after_s and away.far_opens_after_s < away.agreed_opens_after_s:
        yield "rules.out_of_range.far_opens_after_s: one weak signal must not be faster than two"
    if rank(away.doubt_severity) < rank(away.severity):
        yield "rules.out_of_range.doubt_severity: a doubt must not be worse than what it may come to"


def _wear(policy: Policy) -> Iterator[str]:
    """Numbers of a band on and off the wrist, and of its battery."""
    rules = policy.rules
    if rank(rules.band_removed.later_severity) > rank(rules.band_removed.severity):
        yield "rules.band_removed.later_severity: time must not make it milder"
    if rules.band_removed.later_after_s < rules.band_removed.opens_after_s:
        yield "rules.band_removed.later_after_s: earlier than opens_after_s"
    if rules.band_removed.warm_later_after_s < rules.band_removed.warm_opens_after_s:
        yield "rules.band_removed.warm_later_after_s: earlier than warm_opens_after_s"
    if rules.battery_dead.at_most_percent > rules.battery_low.at_most_percent:
        yield "rules.battery_dead.at_most_percent: above battery_low, so it is dead before it is low"
    if rules.battery_low.clear_percent < rules.battery_low.at_most_percent:
        yield "rules.battery_low.clear_percent: below at_most_percent, so it flaps"


def _boxes(policy: Policy) -> Iterator[str]:
    """Numbers of boxes and cameras that only make sense beside each other."""
    rules = policy.rules
    if rules.area_outage.at_least < 2:
        yield "rules.area_outage.at_least: one box is no area"
    for kind in (Kind.EDGE_SILENT, Kind.GATEWAY_SILENT, Kind.AREA_OUTAGE):
        if rules.of(kind).opens_after_s < policy.presence.edge_fresh_s:
            yield f"rules.{kind}.opens_after_s: shorter than presence.edge_fresh_s, while it still counts as alive"
    if rules.edge_silent.unplugged_opens_after_s < policy.presence.edge_fresh_s:
        yield "rules.edge_silent.unplugged_opens_after_s: shorter than presence.edge_fresh_s"
    for kind in Kind:
        rule = rules.of(kind)
        if isinstance(rule, Held) and rule.hold_s < 1:
            yield f"rules.{kind}.hold_s: it would be over before anyone read it"
    if rules.checkin_missed.reminder_after_s > rules.checkin_missed.opens_after_s:
        yield "rules.checkin_missed.reminder_after_s: after it was missed"


def _health(policy: Policy) -> Iterator[str]:
    """Numbers of the clinical rows that only make sense beside each other."""
    rules = policy.rules
    if rules.spo2_low.critical_at_most_percent > rules.spo2_low.at_most_percent:
        yield "rules.spo2_low.critical_at_most_percent: above at_most_percent"
    if rules.heart_rate.under_bpm >= rules.heart_rate.over_bpm:
        yield "rules.heart_rate.under_bpm: not below over_bpm, so every heart is odd"
    if rank(rules.symptom_change.alarming_severity) > rank(rules.symptom_change.severity):
        yield "rules.symptom_change.alarming_severity: what alarms must not be milder"
    for kind in (Kind.FEVER, Kind.SPO2_LOW):
        if msgspec.to_builtins(rules.of(kind))["readings"] < 1:
            yield f"rules.{kind}.readings: at least 1"

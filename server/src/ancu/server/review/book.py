"""The policies of one server: a base, and small overrides of wards and provinces over it, each with its own signer.

An override names the base that it was written for, and only what differs:

    base = "default@1"
    name = "thu-duc"
    version = "2"
    title = "Thủ Đức: concrete houses, weak radio"
    signed_by = "..."
    signed_on = 2026-12-01
    provinces = []
    wards = ["26734", "26737"]

    [rules.out_of_range]
    opens_after_s = 120
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from ancu.models.config import Settings
from ancu.models.errors import ConfigError
from ancu.server.cases.policy import Policy
from ancu.server.review.lint import SECTIONS, problems, table_problems

__all__ = ["Book", "Change", "Overlay", "differences", "fingerprint", "flat", "inspect", "load_book", "load_one"]

_BUILT_IN = ("default", "table", "demo")


class Overlay(Settings, frozen=True, kw_only=True):
    """An override file."""

    base: str  # name@version that it was written for: over another base it would mean something else
    name: str
    version: str
    title: str
    signed_by: str
    signed_on: date
    provinces: tuple[str, ...] = ()
    wards: tuple[str, ...] = ()
    presence: dict[str, Any] = msgspec.field(default_factory=dict)
    paging: dict[str, Any] = msgspec.field(default_factory=dict)
    episodes: dict[str, Any] = msgspec.field(default_factory=dict)
    testing: dict[str, Any] = msgspec.field(default_factory=dict)
    checkins: dict[str, Any] = msgspec.field(default_factory=dict)
    rules: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Book:
    """Which policy holds where: a ward's override before its province's, and that before the base."""

    base: Policy
    of_wards: Mapping[str, Policy]
    of_provinces: Mapping[str, Policy]

    @classmethod
    def plain(cls, policy: Policy) -> Book:
        """One policy for everyone."""
        return cls(policy, {}, {})

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Every policy once, the base first."""
        by_label = {policy.label: policy for policy in (*self.of_wards.values(), *self.of_provinces.values())}
        return (self.base, *(by_label[label] for label in sorted(by_label)))

    def policy(self, ward: str, province: str | None) -> Policy:
        return self.of_wards.get(ward) or self.of_provinces.get(province or "") or self.base


@dataclass(frozen=True, slots=True)
class Change:
    """A number that differs. None: not there."""

    key: str
    old: Any
    new: Any


def load_one(name_or_path: str | Path, base: str | Path | None = None) -> Policy:
    """One policy as it would judge: 'default', 'demo', a file, or an override over its base. Raises ConfigError."""
    policy, _, found = inspect(name_or_path, base)
    if policy is None or found:
        raise ConfigError(f"{name_or_path}: {found[0]}" + (f" (and {len(found) - 1} more)" if found[1:] else ""))
    return policy


def load_book(base: str | Path, overrides: Iterable[Path] = ()) -> Book:
    """A base and its overrides; raises ConfigError, also where two overrides claim one place."""
    policy = load_one(base)
    claims: dict[str, dict[str, Policy]] = {"ward": {}, "province": {}}
    for path in overrides:
        merged, overlay, found = inspect(path, base)
        if overlay is None or merged is None or found:
            raise ConfigError(f"{path}: {found[0] if found else 'no override: it names no base'}")
        for what, places in (("ward", overlay.wards), ("province", overlay.provinces)):
            for place in places:
                if place in claims[what]:
                    raise ConfigError(f"{path}: {what} {place!r} has the override {claims[what][place].label} already")
                claims[what][place] = merged
    return Book(policy, claims["ward"], claims["province"])


def inspect(
    name_or_path: str | Path, base: str | Path | None = None
) -> tuple[Policy | None, Overlay | None, list[str]]:
    """A file's policy, the override that it is (if it is one), and everything that is wrong with it."""
    table = _table(name_or_path)
    if "base" not in table:
        found = table_problems(table)
        if found:
            return None, None, found
        policy = msgspec.convert(table, Policy)
        return policy, None, problems(policy)
    try:
        overlay = msgspec.convert(table, Overlay)
    except msgspec.ValidationError as error:
        return None, None, [_says(error)]
    found = [] if overlay.wards or overlay.provinces else ["wards, provinces: name at least one place that it is for"]
    under = _base_of(overlay, base)
    if under is None:
        return None, overlay, [*found, f"base: {overlay.base!r} is not the policy that it is laid over"]
    merged = _laid_over(under, overlay)
    found += table_problems(merged)
    if found:
        return None, overlay, found
    policy = msgspec.convert(merged, Policy)
    return policy, overlay, problems(policy)


def differences(old: Policy, new: Policy) -> list[Change]:
    """What differs, in the order of the file; the signatures too."""
    was, now = flat(msgspec.to_builtins(old)), flat(msgspec.to_builtins(new))
    keys = [*was, *(key for key in now if key not in was)]
    return [Change(key, was.get(key), now.get(key)) for key in keys if was.get(key) != now.get(key)]


def flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested table as dotted keys."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return found


def fingerprint(policy: Policy) -> str:
    """What a signer writes beside his name: it follows from every number. 16 characters."""
    return hashlib.sha256(msgspec.json.encode(policy, order="deterministic")).hexdigest()[:16]


def _table(name_or_path: str | Path) -> dict[str, Any]:
    text = str(name_or_path)
    if text in _BUILT_IN:
        return tomllib.loads(files("ancu.server.cases").joinpath(f"policies/{text}.toml").read_text("utf-8"))
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and "/" not in text and path.suffix != ".toml":
        raise ConfigError(f"no policy {text!r}: use default, table, demo or the path of a .toml file")
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error.__class__.__name__})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None


def _base_of(overlay: Overlay, base: str | Path | None) -> Policy | None:
    for candidate in (base,) if base is not None else _BUILT_IN:
        policy = load_one(candidate)
        if policy.label == overlay.base:
            return policy
    return None


def _laid_over(base: Policy, overlay: Overlay) -> dict[str, Any]:
    table: dict[str, Any] = msgspec.to_builtins(base)
    table |= {
        "name": f"{base.name}+{overlay.name}",
        "version": f"{base.version}.{overlay.version}",
        "title": overlay.title,
        "signed_by": overlay.signed_by,
        "signed_on": overlay.signed_on.isoformat(),
    }
    for section in SECTIONS:
        table[section] = {**table[section], **msgspec.to_builtins(getattr(overlay, section))}
    rules = {name: {**table["rules"].get(name, {}), **changes} for name, changes in overlay.rules.items()}
    table["rules"] = {**table["rules"], **rules}
    return table


def _says(error: Exception) -> str:
    text, _, path = str(error).partition(" - at `$.")
    return f"{path.rstrip('`')}: {text[:1].lower()}{text[1:]}" if path else text

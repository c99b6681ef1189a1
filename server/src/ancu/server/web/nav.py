"""The main entries of the pages: where they lead, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass

from ancu.server.ports import Role

__all__ = ["ENTRIES", "Entry", "home"]

_DESKS = frozenset(Role) - {Role.CITIZEN}
_PROVINCE = frozenset({Role.PROVINCE, Role.HEALTH, Role.OPERATOR})
_DECIDE = frozenset({Role.OFFICER, Role.HEALTH, Role.PROVINCE})


@dataclass(frozen=True, slots=True)
class Entry:
    """`key` names the words; `roles` are those who see it. What a role may read is decided in the query layer."""

    path: str
    key: str
    roles: frozenset[Role] = _DESKS


ENTRIES = (
    Entry("/alerts", "nav.alerts"),
    Entry("/province", "nav.province", _PROVINCE),
    Entry("/people", "nav.people"),
    Entry("/map", "nav.map"),
    Entry("/shift", "nav.shift"),
    Entry("/asks", "nav.asks", _DECIDE),
    Entry("/orders", "nav.orders", _DECIDE),
    Entry("/sites", "site.nav"),
    Entry("/devices", "nav.devices"),
    Entry("/search", "nav.search"),
)
_HOMES = {Role.CITIZEN: "/me", Role.SITE: "/sites"}


def home(role: Role) -> str:
    """Where somebody begins who asked for no page: what his day is about."""
    return _HOMES.get(role, "/alerts")

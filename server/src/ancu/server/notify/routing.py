"""Routing: who is told of an event of an alert. Pure.

    level   a ward's alert                     a health alert                  a technical alert
    0       least busy on shift; C: all        the same, health workers        the same, operators
            on shift; nobody: those on call
    1       all of the ward                    all health workers of the ward  all operators
    2       the province desk                  the province desk               the province desk
    3       province desk and operators        the same                        the same

A level at which nobody can be told is skipped at once. The last step of a ladder tells the province desk too, so that
a short ladder also ends there. An absent officer is told only when there is nobody else in the whole province.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import assert_never

from ancu.server.cases.codes import CONCERN_OF, Concern, Desk, Kind
from ancu.server.notify.duty import Officer, Roster, Watch
from ancu.server.ports import Role, Severity

__all__ = ["PAUSE", "Call", "Delivery", "Level", "RoutingPolicy", "due_at", "route"]

_SEEN_BY_CAMERA = (Kind.CAMERA_EXIT, Kind.FORBIDDEN_ZONE, Kind.GATHERING)
PAUSE = timedelta(minutes=10)  # an officer who is paged more often stops reading pages


class Level(IntEnum):
    DUTY = 0
    WARD = 1
    PROVINCE = 2
    EVERYBODY = 3


@dataclass(frozen=True, slots=True)
class Call:
    """An event that pages, and the alert as that event left it."""

    position: int  # of the event in the journal
    alert: str
    kind: Kind
    severity: Severity
    desk: Desk
    ward: str
    level: int = 0  # of the ladder's step; 0 is the first page
    last: bool = False  # no step of the ladder comes after this one
    owner: str | None = None  # who has it already, where it calls again


@dataclass(frozen=True, slots=True)
class Delivery:
    """An officer is told, not before `due`."""

    officer: str
    level: int
    due: datetime
    urgent: bool


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """`severities`: what a channel carries; one that is not named carries everything."""

    pause: timedelta = PAUSE
    severities: Mapping[str, frozenset[Severity]] = field(default_factory=dict)

    def reaches(self, officer: Officer, severity: Severity) -> bool:
        return any(severity in self.severities.get(channel, (severity,)) for channel in officer.channels)


def route(call: Call, roster: Roster, policy: RoutingPolicy, at: datetime) -> list[Delivery]:
    """Whom a call reaches: at its level, or at the first level above with someone who can be told. Empty: nobody."""
    level = max(0, min(call.level, Level.EVERYBODY))
    told = _at_level(call, level, roster, policy, at)
    while not told and level < Level.EVERYBODY:
        level += 1
        told = _at_level(call, level, roster, policy, at)
    if not told:
        told = _reachable(call, roster.of((Role.PROVINCE, Role.OPERATOR)), policy)  # absent, but better than nobody
    if call.last:
        told = told + _at_level(call, Level.PROVINCE, roster, policy, at)
    if call.owner is not None:
        told = [o for o in _reachable(call, roster.officers, policy) if o.id == call.owner] + told
    urgent = call.severity is Severity.CRITICAL
    return [
        Delivery(officer.id, level, at if urgent else due_at(officer.paged_at, policy.pause, at), urgent)
        for officer in {officer.id: officer for officer in told}.values()
    ]


def due_at(paged_at: datetime | None, pause: timedelta, at: datetime) -> datetime:
    """When an officer may be paged under C again. A last page in the future means that the clock was put back."""
    return at if paged_at is None or paged_at > at else max(at, paged_at + pause)


def _at_level(call: Call, level: int, roster: Roster, policy: RoutingPolicy, at: datetime) -> list[Officer]:
    match Level(level):
        case Level.DUTY:
            return _on_duty(call, roster, policy, at)
        case Level.WARD:
            return _present(call, _own(call, roster), roster, policy, at)
        case Level.PROVINCE:
            desk = _present(call, roster.of((Role.PROVINCE,)), roster, policy, at)
            return roster.on_watch(desk, Watch.SHIFT, at) or desk
        case Level.EVERYBODY:
            return _present(call, roster.of((Role.PROVINCE, Role.OPERATOR)), roster, policy, at)
        case never:
            assert_never(never)


def _on_duty(call: Call, roster: Roster, policy: RoutingPolicy, at: datetime) -> list[Officer]:
    own = _own(call, roster)  # of all, so that a calendar counts also while its only officer is absent
    standing = _present(call, roster.on_watch(own, Watch.SHIFT, at), roster, policy, at)
    if not standing:
        return _present(call, roster.on_watch(own, Watch.ON_CALL, at), roster, policy, at)
    if call.severity is Severity.CRITICAL:
        return sorted(standing, key=lambda officer: (officer.load, officer.id))
    return [min(standing, key=lambda o: (due_at(o.paged_at, policy.pause, at), o.load, o.id))]


def _own(call: Call, roster: Roster) -> list[Officer]:
    """Whose business it is."""
    match call.desk:
        case Desk.WARD:
            camera = call.kind in _SEEN_BY_CAMERA or CONCERN_OF[call.kind] is Concern.CAMERA
            return roster.of((Role.OFFICER, Role.SITE) if camera else (Role.OFFICER,), call.ward)
        case Desk.HEALTH:
            return roster.of((Role.HEALTH,), call.ward)
        case Desk.TECHNICAL:
            return roster.of((Role.OPERATOR,))
        case never:
            assert_never(never)


def _present(call: Call, officers: list[Officer], roster: Roster, policy: RoutingPolicy, at: datetime) -> list[Officer]:
    return [o for o in _reachable(call, officers, policy) if not roster.is_absent(o.id, at)]


def _reachable(call: Call, officers: list[Officer] | tuple[Officer, ...], policy: RoutingPolicy) -> list[Officer]:
    return [officer for officer in officers if policy.reaches(officer, call.severity)]

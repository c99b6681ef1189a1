"""The desk's province side: wards side by side, load to come, policies in force and what another would have done."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ancu.models.clock import Clock, from_ms
from ancu.models.errors import AncuError
from ancu.server.cases.codes import Kind
from ancu.server.cases.policy import Policy
from ancu.server.desk.people import Directory
from ancu.server.desk.rows import label_of
from ancu.server.memory import Memory
from ancu.server.people.errors import Absent
from ancu.server.people.private import Private
from ancu.server.people.records import OrderRecord
from ancu.server.ports import NotFound, Role, Severity, Viewer
from ancu.server.ports.console import LoadDay, PolicyRow, WardRow, Who
from ancu.server.ports.exchange import Refused
from ancu.server.review.book import Book
from ancu.server.review.stored import at_one_moment, rehearse
from ancu.server.review.texts import rehearsal_json
from ancu.server.scope import Scope

__all__ = ["ProvinceDesk"]

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_REPLAYS = (Role.PROVINCE, Role.OPERATOR)
_LONGEST_DAYS = 31
_NUMBERS = 86_400  # of a rule, at most: a day in seconds


class ProvinceDesk:
    """Mixed into the desk, which brings what is named here."""

    _database: Path
    _memory: Memory
    _clock: Clock
    _directory: Callable[[], Directory]
    _read: Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]
    _rehearsing: bool = False

    async def wards(self, viewer: Viewer) -> Sequence[WardRow]:
        if viewer.role is Role.CITIZEN:
            return ()
        directory, now = self._directory(), self._clock.now()
        scope = Scope.of(viewer)
        people = _under_order(directory, viewer, now)
        silent = Counter(
            row.ward
            for row in directory.devices(viewer, self._memory.latest, now, "edge")
            if row.state in {"silent", "fault"}
        )

        def read(db: sqlite3.Connection) -> list[sqlite3.Row]:
            return db.execute(
                "SELECT ward, severity, count(*) AS n, sum(acknowledged_by IS NULL) AS waiting,"  # noqa: S608 - our own words; values are bound
                " sum(acknowledged_by IS NULL AND level > 0) AS escalated,"
                " min(CASE WHEN acknowledged_by IS NULL THEN opened_ms END) AS oldest"
                f" FROM {scope.view('alerts')} WHERE state <> 'resolved' GROUP BY ward, severity",
                scope.values,
            ).fetchall()

        rows = await self._read(read)
        found = []
        for ward in sorted(directory.register.wards.values(), key=lambda ward: (ward.province, ward.name)):
            if not scope.has(ward.code):
                continue
            mine = [row for row in rows if row["ward"] == ward.code]
            oldest = [row["oldest"] for row in mine if row["oldest"] is not None]
            inside = [order.person for order in people if order.ward == ward.code]
            found.append(
                WardRow(
                    ward=ward.code,
                    name=ward.name,
                    people=len(inside),
                    presence=Counter(self._memory.judging.presence(person, now)[0] for person in inside),
                    alerts={Severity(row["severity"]): row["n"] for row in mine},
                    waiting=sum(row["waiting"] for row in mine),
                    escalated=sum(row["escalated"] for row in mine),
                    oldest_at=from_ms(min(oldest)) if oldest else None,
                    edges_silent=silent[ward.code],
                    policy=self._memory.judging.policy(ward.code).label,
                )
            )
        return found

    async def whereabouts(self, viewer: Viewer, ward: str) -> Sequence[Who]:
        directory, now, scope = self._directory(), self._clock.now(), Scope.of(viewer)
        if viewer.role is Role.CITIZEN or ward not in directory.register.wards or not scope.has(ward):
            raise NotFound(f"no ward {ward!r}")
        orders = [order for order in _under_order(directory, viewer, now) if order.ward == ward]

        def read(db: sqlite3.Connection) -> list[Who]:
            presence = self._memory.judging.presence
            return [
                Who(who, label_of(db, scope, who), o.ward, presence(who, now)[0], o.edge, _place(db, scope, who))
                for who, o in ((order.person, order) for order in orders)
            ]

        found: list[Who] = await self._read(read)
        return sorted(found, key=lambda who: who.label)

    async def load(self, viewer: Viewer, days: int) -> Sequence[LoadDay]:
        directory, now = self._directory(), self._clock.now()
        orders = _under_order(directory, viewer, now, coming=True)
        today = now.astimezone(_ZONE).date()
        found = []
        for ahead in range(days):
            day = today + timedelta(days=ahead)
            begin = max(now, datetime(day.year, day.month, day.day, tzinfo=_ZONE).astimezone(UTC))
            end = datetime(day.year, day.month, day.day, tzinfo=_ZONE) + timedelta(days=1)
            over = [min(order.until, order.ended_at or order.until) for order in orders if order.starts_at < end]
            found.append(LoadDay(day, sum(at > begin for at in over), sum(begin <= at < end for at in over)))
        return found

    async def policies(self, viewer: Viewer) -> Sequence[PolicyRow]:
        if viewer.role is Role.CITIZEN:
            return ()
        found: dict[str, tuple[Policy, list[str]]] = {}
        for ward in self._directory().register.wards.values():
            if Scope.of(viewer).has(ward.code):
                policy = self._memory.judging.policy(ward.code)
                found.setdefault(policy.label, (policy, []))[1].append(ward.name)
        return [
            PolicyRow(
                label=label,
                title=policy.title,
                signed_by=policy.signed_by,
                signed_on=policy.signed_on,
                wards=sorted(names),
                rules={str(kind): _numbers(policy, kind) for kind in Kind},
            )
            for label, (policy, names) in sorted(found.items())
        ]

    async def rehearse(
        self, viewer: Viewer, policy: str, kind: str, changes: Mapping[str, int], days: int
    ) -> Mapping[str, Any]:
        if viewer.role not in _REPLAYS:
            raise NotFound("no rehearsals here")
        base = self._book()
        new = _changed(base, policy, kind, changes)
        if not 1 <= days <= _LONGEST_DAYS:
            raise Refused("days", f"between 1 and {_LONGEST_DAYS} days")
        if self._rehearsing:
            raise Refused("busy", "another rehearsal is running")
        self._rehearsing = True
        since = self._clock.now() - timedelta(days=days)
        try:
            return await asyncio.to_thread(_rehearse, self._database, base, new, since)
        except AncuError as error:
            raise Refused("past", str(error)) from None
        finally:
            self._rehearsing = False

    def _book(self) -> Book:
        """What holds in every ward now."""
        of_wards = {str(code): self._memory.judging.policy(code) for code in self._directory().register.wards}
        if not of_wards:
            raise Refused("past", "there is no ward")
        return Book(next(iter(of_wards.values())), of_wards, {})


def _place(db: sqlite3.Connection, scope: Scope, person: str) -> tuple[float, float] | None:
    try:
        return Private(db, scope).place(person)
    except Absent:  # erased since
        return None


def _under_order(directory: Directory, viewer: Viewer, now: datetime, *, coming: bool = False) -> list[OrderRecord]:
    found = [directory.order_of[person] for person in directory.persons(viewer)]
    return [order for order in found if order.in_force(now) or (coming and order.starts_at > now)]


def _numbers(policy: Policy, kind: Kind) -> dict[str, Any]:
    rule = policy.thresholds(kind)
    return {name: value for name, value in rule.items() if isinstance(value, int) and not isinstance(value, bool)}


def _changed(base: Book, label: str, kind: str, changes: Mapping[str, int]) -> Book:
    held = next((policy for policy in base.policies if policy.label == label), None)
    if held is None or kind not in {str(known) for known in Kind}:
        raise Refused("policy", "no such policy or rule")
    known = _numbers(held, Kind(kind))
    if not changes or not changes.keys() <= known.keys() or any(not 0 <= n <= _NUMBERS for n in changes.values()):
        raise Refused("policy", "no such number, or one that is out of bounds")
    rule = msgspec.structs.replace(held.rules.of(Kind(kind)), **changes)
    rules = msgspec.structs.replace(held.rules, **{kind: rule})
    new = msgspec.structs.replace(held, version=f"{held.version}-draft", rules=rules)
    return Book(
        new if base.base.label == label else base.base,
        {ward: new if policy.label == label else policy for ward, policy in base.of_wards.items()},
        {},
    )


def _rehearse(database: Path, base: Book, new: Book, since: datetime) -> Mapping[str, Any]:
    began = time.perf_counter()
    with at_one_moment(database) as connection:
        (found,) = rehearse(connection, base, [new], since=since, begin=since - timedelta(hours=2))
    return rehearsal_json(found, base, new, time.perf_counter() - began)

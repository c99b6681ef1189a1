"""The desk's other half: scans, absences, check-ins, declarations and test results, over the store and the core."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from ancu.models.clock import Clock, from_ms, to_ms
from ancu.models.errors import UsageError
from ancu.server.cases.absence import Absence, running
from ancu.server.cases.checkin import Checkin, checkin_state
from ancu.server.cases.inputs import (
    AbsenceEnded,
    AbsenceGranted,
    CheckinAnswered,
    CheckinAsked,
    CheckpointScanned,
    SelfReported,
)
from ancu.server.cases.paging import is_quiet
from ancu.server.cases.policy import Policy
from ancu.server.core import Transaction
from ancu.server.desk_people import Directory
from ancu.server.memory import Memory
from ancu.server.people.ledger import Ledger
from ancu.server.people.orders import Orders, new_id
from ancu.server.people.proposals import Action, TestResult, propose
from ancu.server.people.records import OrderRecord
from ancu.server.ports import NotFound, Page, Role, Viewer
from ancu.server.ports_exchange import (
    AbsenceReason,
    AbsenceRow,
    CheckinRow,
    DeclarationRow,
    Exchange,
    Refused,
    ResultRow,
    ScanRow,
    Symptom,
)

__all__ = ["DECIDES", "ExchangeDesk", "grant_absence", "row_seen"]

T = TypeVar("T")
_AHEAD = timedelta(minutes=1)  # a scanner's clock may be so far ahead of ours
_OLDEST = timedelta(days=30)  # of anything that is told now: before that, a clock is wrong
_LONGEST = timedelta(days=30)  # of an absence
_ASKS = (Role.OFFICER, Role.SITE, Role.HEALTH, Role.PROVINCE)
_READS_HEALTH = (Role.HEALTH, Role.PROVINCE, Role.CITIZEN)
DECIDES = (Role.OFFICER, Role.HEALTH, Role.PROVINCE)


class ExchangeDesk(Exchange):
    """Mixed into the desk, which brings what is named here."""

    _memory: Memory
    _clock: Clock
    _directory: Callable[[], Directory]
    _read: Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]
    _once: Callable[[Viewer, str, str, Callable[[Transaction], str]], Awaitable[str]]

    # --- checkpoints -------------------------------------------------------------------------------------------------

    async def scanned(self, viewer: Viewer, person: str, checkpoint: str, at: datetime, *, key: str) -> str:
        self._must(viewer, *_ASKS, Role.OPERATOR)
        now = self._clock.now()
        _must_be_plausible(at, now)
        order = self._directory().order_of.get(person)
        at = min(at, now)

        def take(tx: Transaction) -> str:
            scan = new_id("s")
            if order is not None and order.in_force(at):
                tx.store.connection.execute(
                    "INSERT INTO checkpoint_scans VALUES (?, ?, ?, ?, ?, ?)",
                    (scan, person, checkpoint, to_ms(at), tx.now_ms, viewer.id),
                )
                tx.tell(CheckpointScanned(min(at, from_ms(tx.now_ms)), person, scan, checkpoint), order.ward)
            return scan

        return await self._once(viewer, key, f"scan {person} {checkpoint} {to_ms(at)}", take)

    async def scans(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[ScanRow]:
        return await self._page("checkpoint_scans", _scan, viewer, person=person, limit=limit, cursor=cursor)

    # --- absences ----------------------------------------------------------------------------------------------------

    async def grant_absence(
        self,
        viewer: Viewer,
        person: str,
        *,
        starts_at: datetime,
        until: datetime,
        reason: AbsenceReason,
        checkpoints: Sequence[str] = (),
        key: str,
    ) -> AbsenceRow:
        self._must(viewer, *DECIDES)
        order = self._under_order(viewer, person)
        self.check_window(starts_at, until)

        def grant(tx: Transaction) -> str:
            return grant_absence(tx, order, viewer, starts_at, until, str(reason), checkpoints)

        asked = f"absence {person} {to_ms(starts_at)} {to_ms(until)} {reason} {sorted(checkpoints)}"
        return await self._one("absences", self._absence, viewer, await self._once(viewer, key, asked, grant))

    async def end_absence(self, viewer: Viewer, absence: str, *, key: str) -> AbsenceRow:
        self._must(viewer, *DECIDES)

        def end(tx: Transaction) -> str:
            row = row_seen(tx.store.connection, viewer, "absences", absence)
            if row["ended_ms"] is not None or row["until_ms"] <= tx.now_ms:
                raise Refused("over", f"absence {absence} is over already")
            tx.store.connection.execute(
                "UPDATE absences SET ended_ms = ?, ended_by = ? WHERE id = ?", (tx.now_ms, viewer.id, absence)
            )
            tx.tell(AbsenceEnded(from_ms(tx.now_ms), row["person"], absence), row["ward"])
            return absence

        return await self._one(
            "absences", self._absence, viewer, await self._once(viewer, key, f"end absence {absence}", end)
        )

    async def absences(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[AbsenceRow]:
        return await self._page("absences", self._absence, viewer, person=person, limit=limit, cursor=cursor)

    # --- check-ins ---------------------------------------------------------------------------------------------------

    async def ask_checkin(self, viewer: Viewer, person: str, *, key: str) -> CheckinRow:
        self._must(viewer, *_ASKS)
        order = self._under_order(viewer, person)

        def ask(tx: Transaction) -> str:
            policy, db = self._memory.judging.policy(order.ward), tx.store.connection
            if is_quiet(policy.paging, from_ms(tx.now_ms)):
                raise Refused("quiet_hours", "nobody is asked to check in during the quiet hours")
            if running(_absences_of(db, person), tx.now_ms, policy) is not None:
                raise Refused("absent", "this person may be away now")
            last = db.execute(
                "SELECT * FROM checkins WHERE person = ? ORDER BY at_ms DESC LIMIT 1", (person,)
            ).fetchone()
            if last is not None and _state(db, last, tx.now_ms, policy) in {"asked", "reminded", "again"}:
                raise Refused("pending", f"check-in {last['id']} waits for its answer")
            checkin = new_id("c")
            db.execute("INSERT INTO checkins VALUES (?, ?, ?, ?)", (checkin, person, tx.now_ms, viewer.id))
            tx.tell(CheckinAsked(from_ms(tx.now_ms), person, checkin), order.ward)
            return checkin

        return await self._one(
            "checkins", self._checkin, viewer, await self._once(viewer, key, f"check-in of {person}", ask)
        )

    async def answer_checkin(
        self, viewer: Viewer, checkin: str, *, face: bool | None = None, place: bool | None = None, key: str
    ) -> CheckinRow:
        """A person's own tap says nothing of face and place: only who checked them does."""
        if viewer.role is Role.CITIZEN:
            face = place = None
        else:
            self._must(viewer, *_ASKS, Role.OPERATOR)

        def answer(tx: Transaction) -> str:
            db = tx.store.connection
            row = row_seen(db, viewer, "checkins", checkin)
            newest = db.execute("SELECT max(at_ms) FROM checkins WHERE person = ?", (row["person"],)).fetchone()[0]
            if row["at_ms"] < newest:
                raise Refused("superseded", "a later check-in was asked")
            db.execute(
                "INSERT INTO checkin_answers VALUES (?, ?, ?, ?, ?)", (checkin, tx.now_ms, face, place, viewer.id)
            )
            tx.tell(CheckinAnswered(from_ms(tx.now_ms), row["person"], checkin, face, place), row["ward"])
            return checkin

        asked = f"answer {checkin} {face} {place}"
        return await self._one("checkins", self._checkin, viewer, await self._once(viewer, key, asked, answer))

    async def checkins(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[CheckinRow]:
        return await self._page("checkins", self._checkin, viewer, person=person, limit=limit, cursor=cursor)

    # --- declarations ------------------------------------------------------------------------------------------------

    async def declare(
        self, viewer: Viewer, person: str, symptoms: Sequence[Symptom], body_deci_c: int | None, *, key: str
    ) -> DeclarationRow:
        """By the person, or by whoever has him on the telephone."""
        self._must(viewer, Role.CITIZEN, Role.OFFICER, Role.HEALTH)
        order = self._under_order(viewer, person)
        said = sorted({str(symptom) for symptom in symptoms})

        def declare(tx: Transaction) -> str:
            declaration = new_id("d")
            tx.store.connection.execute(
                "INSERT INTO declarations VALUES (?, ?, ?, ?, ?, ?)",
                (declaration, person, tx.now_ms, json.dumps(said), body_deci_c, viewer.id),
            )
            hot = (body_deci_c or 0) >= self._memory.judging.policy(order.ward).rules.fever.at_least_deci_c
            tx.tell(SelfReported(from_ms(tx.now_ms), person, hot or Symptom.FEVER in said), order.ward)
            return declaration

        id_ = await self._once(viewer, key, f"declare {person} {said} {body_deci_c}", declare)
        return await self._one("declarations", _declaration, viewer, id_)

    async def declarations(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[DeclarationRow]:
        self._must(viewer, *_READS_HEALTH)
        return await self._page("declarations", _declaration, viewer, person=person, limit=limit, cursor=cursor)

    # --- test results ------------------------------------------------------------------------------------------------

    async def add_result(self, viewer: Viewer, person: str, result: str, taken_at: datetime, *, key: str) -> ResultRow:
        self._must(viewer, *DECIDES)
        order = self._under_order(viewer, person)
        _must_be_plausible(taken_at, self._clock.now())
        found = TestResult(result)

        def add(tx: Transaction) -> str:
            policy = self._memory.judging.policy(order.ward)
            proposal = propose(order.starts_at, order.until, found, taken_at, policy)
            id_ = new_id("t")
            tx.store.connection.execute(
                "INSERT INTO test_results (id, person, quarantine_order, at_ms, taken_ms, result, action, why,"
                " until_ms, policy, told_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    id_,
                    person,
                    order.id,
                    tx.now_ms,
                    to_ms(taken_at),
                    found,
                    proposal.action,
                    proposal.why,
                    None if proposal.until is None else to_ms(proposal.until),
                    policy.label,
                    viewer.id,
                ),
            )
            return id_

        id_ = await self._once(viewer, key, f"result {person} {found} {to_ms(taken_at)}", add)
        return await self._one("test_results", _result, viewer, id_)

    async def decide_result(self, viewer: Viewer, result: str, *, accept: bool, key: str) -> ResultRow:
        """Carry a proposal out, or turn it down; the order changes in the same transaction."""
        self._must(viewer, *DECIDES)

        def decide(tx: Transaction) -> str:
            db = tx.store.connection
            row = row_seen(db, viewer, "test_results", result)
            if row["accepted"] is not None:
                raise Refused("decided", f"result {result} was decided by {row['decided_by']}")
            if row["action"] not in {Action.RELEASE, Action.EXTEND}:
                raise Refused("no_proposal", "this result proposes no change of the order")
            if accept:
                orders = Orders(Ledger(db, viewer.id, self._clock))
                if row["action"] == Action.RELEASE:
                    orders.end(row["quarantine_order"], "test_negative")
                else:
                    orders.extend(row["quarantine_order"], from_ms(row["until_ms"]))
            db.execute(
                "UPDATE test_results SET accepted = ?, decided_ms = ?, decided_by = ? WHERE id = ?",
                (accept, tx.now_ms, viewer.id, result),
            )
            return result

        id_ = await self._once(viewer, key, f"decide {result} {accept}", decide)
        return await self._one("test_results", _result, viewer, id_)

    async def results(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[ResultRow]:
        self._must(viewer, *DECIDES, Role.CITIZEN)
        return await self._page("test_results", _result, viewer, person=person, limit=limit, cursor=cursor)

    # --- inside ------------------------------------------------------------------------------------------------------

    def check_window(self, starts_at: datetime, until: datetime) -> None:
        """Raises Refused for a window that no absence may have."""
        if not timedelta(0) < until - starts_at <= _LONGEST:
            raise Refused("window", "an absence ends after it starts, within 30 days")
        if until <= self._clock.now():
            raise Refused("window", "this window is over already")

    def _must(self, viewer: Viewer, *roles: Role) -> None:
        if viewer.role not in roles:
            raise NotFound("nothing here for this role")

    def _under_order(self, viewer: Viewer, person: str) -> OrderRecord:
        order = self._directory().person(viewer, person)
        if not order.in_force(self._clock.now()) and order.starts_at <= self._clock.now():
            raise Refused("no_order", f"person {person} is under no order now")
        return order

    async def _one(
        self, table: str, shown: Callable[[sqlite3.Connection, sqlite3.Row], T], viewer: Viewer, id_: str
    ) -> T:
        found: T = await self._read(lambda db: shown(db, row_seen(db, viewer, table, id_)))
        return found

    async def _page(
        self,
        table: str,
        shown: Callable[[sqlite3.Connection, sqlite3.Row], T],
        viewer: Viewer,
        *,
        person: str | None,
        limit: int,
        cursor: str | None,
        also: Sequence[str] = (),
    ) -> Page[T]:
        """Newest first; `also` are conditions in our own words."""
        where, values = _scope(viewer)
        where += also
        if person is not None:
            where.append("t.person = ?")
            values.append(person)
        if cursor is not None:
            at, _, id_ = cursor.partition("-")
            if not at.isdigit():
                raise UsageError("not a cursor of this list")
            where.append("(t.at_ms, t.id) < (?, ?)")
            values += [int(at), id_]
        query = (
            f"SELECT t.*, p.ward FROM {table} t JOIN persons p ON p.id = t.person"  # noqa: S608 - our own words
            f" WHERE {' AND '.join(where)} ORDER BY t.at_ms DESC, t.id DESC LIMIT ?"
        )

        def read(db: sqlite3.Connection) -> Page[T]:
            rows = db.execute(query, (*values, limit + 1)).fetchall()
            last = rows[limit - 1] if len(rows) > limit else None
            items = [shown(db, row) for row in rows[:limit]]
            return Page(items, None if last is None else f"{last['at_ms']}-{last['id']}")

        found: Page[T] = await self._read(read)
        return found

    def _absence(self, _: sqlite3.Connection, row: sqlite3.Row) -> AbsenceRow:
        window, now_ms = _window(row), to_ms(self._clock.now())
        state = "coming" if now_ms < window.from_ms else "running" if now_ms < window.over_ms else "over"
        return AbsenceRow(
            id=row["id"],
            person=row["person"],
            starts_at=from_ms(row["from_ms"]),
            until=from_ms(row["until_ms"]),
            reason=row["reason"],
            checkpoints=json.loads(row["checkpoints"]),
            granted_by=row["granted_by"],
            granted_at=from_ms(row["at_ms"]),
            ended_at=_at(row["ended_ms"]),
            state="over" if row["ended_ms"] is not None else state,
        )

    def _checkin(self, db: sqlite3.Connection, row: sqlite3.Row) -> CheckinRow:
        policy = self._memory.judging.policy(row["ward"])
        checkin = _folded(db, row)
        state = checkin_state(checkin, _absences_of(db, row["person"]), to_ms(self._clock.now()), policy)
        return CheckinRow(row["id"], row["person"], from_ms(row["at_ms"]), state, _at(checkin.answered_ms or None))


def _scope(viewer: Viewer) -> tuple[list[str], list[Any]]:
    if viewer.role is Role.CITIZEN:
        return ["t.person = ?"], [viewer.person]
    if viewer.wards is None:
        return ["1"], []
    return [f"p.ward IN ({', '.join('?' * len(viewer.wards))})"], sorted(viewer.wards)


def grant_absence(  # noqa: PLR0917 - an absence has so many parts
    tx: Transaction,
    order: OrderRecord,
    viewer: Viewer,
    starts_at: datetime,
    until: datetime,
    reason: str,
    checkpoints: Sequence[str] = (),
) -> str:
    """Write an absence and tell the judge, inside a transaction; returns its id."""
    absence = new_id("a")
    tx.store.connection.execute(
        "INSERT INTO absences (id, person, at_ms, from_ms, until_ms, reason, checkpoints, granted_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            absence,
            order.person,
            tx.now_ms,
            to_ms(starts_at),
            to_ms(until),
            reason,
            json.dumps(list(checkpoints)),
            viewer.id,
        ),
    )
    told = AbsenceGranted(from_ms(tx.now_ms), order.person, absence, starts_at, until, tuple(checkpoints))
    tx.tell(told, order.ward)
    return absence


def row_seen(db: sqlite3.Connection, viewer: Viewer, table: str, id_: str) -> sqlite3.Row:
    where, values = _scope(viewer)
    row: sqlite3.Row | None = db.execute(
        f"SELECT t.*, p.ward FROM {table} t JOIN persons p ON p.id = t.person"  # noqa: S608 - our own words
        f" WHERE t.id = ? AND {' AND '.join(where)}",
        (id_, *values),
    ).fetchone()
    if row is None:
        raise NotFound(f"no {id_!r}")
    return row


def _must_be_plausible(at: datetime, now: datetime) -> None:
    if not now - _OLDEST <= at <= now + _AHEAD:
        raise Refused("time", "this time is in the future or more than 30 days ago: look at the clock that said it")


def _window(row: sqlite3.Row) -> Absence:
    checkpoints = tuple(json.loads(row["checkpoints"]))
    return Absence(row["id"], row["from_ms"], row["until_ms"], checkpoints, row["ended_ms"] or 0)


def _absences_of(db: sqlite3.Connection, person: str) -> dict[str, Absence]:
    rows = db.execute("SELECT * FROM absences WHERE person = ?", (person,))
    return {row["id"]: _window(row) for row in rows}


def _folded(db: sqlite3.Connection, row: sqlite3.Row) -> Checkin:
    """The check-in as its answers left it, as the judge has it."""
    checkin = Checkin(row["id"], row["at_ms"])
    for a in db.execute("SELECT * FROM checkin_answers WHERE checkin = ? ORDER BY at_ms, rowid", (row["id"],)):
        checkin = checkin.answered(a["at_ms"], face=_bool(a["face"]), place=_bool(a["place"]))
    return checkin


def _state(db: sqlite3.Connection, row: sqlite3.Row, at_ms: int, policy: Policy) -> str:
    return checkin_state(_folded(db, row), _absences_of(db, row["person"]), at_ms, policy)


def _scan(_: sqlite3.Connection, row: sqlite3.Row) -> ScanRow:
    return ScanRow(row["id"], row["person"], row["checkpoint"], from_ms(row["at_ms"]), from_ms(row["received_ms"]))


def _declaration(_: sqlite3.Connection, row: sqlite3.Row) -> DeclarationRow:
    return DeclarationRow(
        row["id"], row["person"], from_ms(row["at_ms"]), json.loads(row["symptoms"]), row["body_deci_c"]
    )


def _result(_: sqlite3.Connection, row: sqlite3.Row) -> ResultRow:
    return ResultRow(
        id=row["id"],
        person=row["person"],
        order=row["quarantine_order"],
        received_at=from_ms(row["at_ms"]),
        taken_at=from_ms(row["taken_ms"]),
        result=row["result"],
        action=row["action"],
        why=row["why"],
        until=_at(row["until_ms"]),
        policy=row["policy"],
        accepted=_bool(row["accepted"]),
        decided_by=row["decided_by"],
        decided_at=_at(row["decided_ms"]),
    )


def _at(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)


def _bool(value: int | None) -> bool | None:
    return None if value is None else bool(value)

"""The desk of orders: written from a form or a file, extended, ended, transferred, printed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from ancu.models.clock import Clock, from_ms, to_ms
from ancu.models.errors import UsageError
from ancu.models.ids import EdgeId, OrderId, WardCode, band_name
from ancu.server.core import Transaction
from ancu.server.desk.people import Directory
from ancu.server.optional import moment
from ancu.server.people.errors import Absent, OrderRefused
from ancu.server.people.imports import ReadFile, ReadRow, fold, read_orders
from ancu.server.people.ledger import Ledger
from ancu.server.people.orders import Contact, NewPerson
from ancu.server.people.orders import Orders as Register
from ancu.server.ports import NotFound, Page, Role, Viewer
from ancu.server.ports.exchange import Refused
from ancu.server.ports.orders import ImportReport, NewOrder, OrderRow, Orders, Paper, RowFault, WardChoice
from ancu.server.scope import EVERYTHING, Scope

__all__ = ["OrdersDesk"]

T = TypeVar("T")
_WRITES = (Role.OFFICER, Role.HEALTH, Role.PROVINCE)
_LONGEST = timedelta(days=365)
_OLDEST = timedelta(days=60)  # of a beginning: an order that began earlier is over


class OrdersDesk(Orders):
    """Mixed into the desk, which brings what is named here."""

    _clock: Clock
    _directory: Callable[[], Directory]
    _read: Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]
    _once: Callable[[Viewer, str, str, Callable[[Transaction], str]], Awaitable[str]]
    looked: Callable[[Viewer, str | None, str], Awaitable[None]]

    async def order_wards(self, viewer: Viewer, *, everywhere: bool = False) -> Sequence[WardChoice]:
        _must_write(viewer)
        wards = self._directory().register.wards.values()
        scope = Scope.of(viewer)
        chosen = [w for w in wards if everywhere or scope.has(w.code)]
        return [WardChoice(w.code, w.name) for w in sorted(chosen, key=lambda w: w.name)]

    async def orders(
        self, viewer: Viewer, *, still_open: bool = False, limit: int = 100, cursor: str | None = None
    ) -> Page[OrderRow]:
        _must_write(viewer)
        scope = Scope.of(viewer)
        where, values = ["1"], scope.values | {"limit": limit + 1}
        if still_open:
            where.append("ended_ms IS NULL")
        if cursor is not None:
            at, _, id_ = cursor.partition("-")
            if not at.isdigit():
                raise UsageError("not a cursor of this list")
            where.append("(from_ms, id) < (:after_ms, :after)")
            values |= {"after_ms": int(at), "after": id_}
        query = (
            f"SELECT * FROM {scope.view('orders')} WHERE {' AND '.join(where)}"  # noqa: S608 - our own words; values are bound
            " ORDER BY from_ms DESC, id DESC LIMIT :limit"
        )
        rows: list[sqlite3.Row] = await self._read(lambda db: db.execute(query, values).fetchall())
        last = rows[limit - 1] if len(rows) > limit else None
        now = self._clock.now()
        shown = [_order(row, now) for row in rows[:limit]]
        return Page(shown, None if last is None else f"{last['from_ms']}-{last['id']}")

    async def order(self, viewer: Viewer, order: str) -> OrderRow:
        _must_write(viewer)
        row: sqlite3.Row = await self._read(lambda db: _seen(db, viewer, order))
        return _order(row, self._clock.now())

    async def create_order(self, viewer: Viewer, new: NewOrder, *, key: str) -> OrderRow:
        _must_write(viewer)
        self._check_ward(viewer, new.ward)

        def create(tx: Transaction) -> str:
            with _known_edge():
                return _write(self._register(tx, viewer), new, from_ms(tx.now_ms))

        asked = f"order {new!r}"
        return await self.order(viewer, await self._once(viewer, key, asked, create))

    async def import_orders(self, viewer: Viewer, raw: bytes, *, key: str) -> ImportReport:
        """One transaction for all good rows: a server that dies in the middle leaves none, and the file comes again."""
        choices = await self.order_wards(viewer)
        read = read_orders(raw, choices)

        def take(tx: Transaction) -> str:
            register, kept, faults = self._register(tx, viewer), list[str](), list(read.faults)
            known = _under_order(tx.store.connection, Scope.of(viewer))
            for row in read.rows:
                fault = _keep(tx, register, row, known, kept)
                if fault is not None:
                    faults.append(fault)
            told = [(f.line, f.field, f.fault) for f in sorted(faults, key=lambda f: f.line)]
            return json.dumps({"orders": kept, "faults": told})

        asked = f"import {hashlib.sha256(raw).hexdigest()}"
        return _report(await self._once(viewer, key, asked, take), read)

    async def extend_order(self, viewer: Viewer, order: str, until: datetime, *, key: str) -> OrderRow:
        def extend(tx: Transaction) -> str:
            row = self._open_order(tx, viewer, order)
            if not tx.now_ms < to_ms(until) <= row["from_ms"] + _LONGEST // timedelta(milliseconds=1):
                raise OrderRefused("the new end is in the future, within a year of the beginning")
            self._register(tx, viewer).extend(OrderId(order), until)
            return order

        return await self.order(viewer, await self._once(viewer, key, f"extend {order} {to_ms(until)}", extend))

    async def end_order(self, viewer: Viewer, order: str, reason: str, *, key: str) -> OrderRow:
        def end(tx: Transaction) -> str:
            self._open_order(tx, viewer, order)
            self._register(tx, viewer).end(OrderId(order), reason)
            return order

        return await self.order(viewer, await self._once(viewer, key, f"end {order} {reason}", end))

    async def transfer_order(
        self, viewer: Viewer, order: str, *, ward: str, edge: str | None, address: str | None, key: str
    ) -> OrderRow:
        """To a ward that is not the viewer's too: then it is no longer his to see, and the answer is how he left it."""
        wards = self._directory().register.wards

        def transfer(tx: Transaction) -> str:
            self._open_order(tx, viewer, order)
            moved = WardCode(ward)
            if moved not in wards:
                raise Refused("ward", "there is no such ward")
            with _known_edge():
                self._register(tx, viewer).transfer(OrderId(order), moved, EdgeId(edge) if edge else None, address)
            return order

        id_ = await self._once(viewer, key, f"transfer {order} {ward} {edge} {address}", transfer)
        row: sqlite3.Row = await self._read(lambda db: _one(db, EVERYTHING, id_))
        return _order(row, self._clock.now())

    async def papers(self, viewer: Viewer, orders: Sequence[str]) -> Sequence[Paper]:
        _must_write(viewer)
        bands = {order: band_name(band.number) for order, band in self._directory().band_of.items()}

        def read(db: sqlite3.Connection) -> list[Paper]:
            officer = db.execute("SELECT name, phone FROM officers WHERE id = ?", (viewer.id,)).fetchone()
            return [
                _paper(db, Scope.of(viewer), _seen(db, viewer, order), officer, bands.get(order)) for order in orders
            ]

        found: list[Paper] = await self._read(read)
        for paper in found:
            await self.looked(viewer, paper.person, "paper")
        return found

    # --- inside ------------------------------------------------------------------------------------------------------

    def _register(self, tx: Transaction, viewer: Viewer) -> Register:
        return Register(Ledger(tx.store.connection, viewer.id, self._clock))

    def _check_ward(self, viewer: Viewer, ward: str) -> None:
        if ward not in self._directory().register.wards or not Scope.of(viewer).has(ward):
            raise NotFound(f"no ward {ward!r}")

    def _open_order(self, tx: Transaction, viewer: Viewer, order: str) -> sqlite3.Row:
        _must_write(viewer)
        row = _seen(tx.store.connection, viewer, order)
        if row["ended_ms"] is not None or row["until_ms"] <= tx.now_ms:
            raise Refused("over", f"order {order} is over")
        return row


@contextlib.contextmanager
def _known_edge() -> Iterator[None]:
    """A box that is none is refused; whoever names one may know that much."""
    try:
        yield
    except Absent:
        raise Refused("edge", "there is no such box") from None


def _must_write(viewer: Viewer) -> None:
    if viewer.role not in _WRITES:
        raise NotFound("nothing here for this role")


def _one(db: sqlite3.Connection, scope: Scope, order: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        f"SELECT * FROM {scope.view('orders')} WHERE id = :id",  # noqa: S608 - our own words; values are bound
        scope.values | {"id": order},
    ).fetchone()
    return row


def _seen(db: sqlite3.Connection, viewer: Viewer, order: str) -> sqlite3.Row:
    row = _one(db, Scope.of(viewer), order)
    if row is None:
        raise NotFound(f"no order {order!r}")
    return row


def _write(register: Register, new: NewOrder, now: datetime) -> str:
    """Person and order; raises OrderRefused, Absent."""
    if new.starts_at < now - _OLDEST:
        raise OrderRefused("an order that began so long ago is over")
    if new.until <= now:
        raise OrderRefused("this order would be over already")
    if new.until - new.starts_at > _LONGEST:
        raise OrderRefused("an order lasts a year at most")
    guardian = new.guardian
    contacts = [] if guardian is None else [Contact(guardian.name, guardian.phone, guardian.relation)]
    person = register.add_person(
        NewPerson(WardCode(new.ward), new.name.strip(), new.phone, new.address, contacts, new.place)
    )
    edge = EdgeId(new.edge) if new.edge else None
    return register.add(person, new.starts_at, new.until, edge=edge, reason=str(new.reason))


def _keep(
    tx: Transaction, register: Register, row: ReadRow, known: set[tuple[str, str, str]], kept: list[str]
) -> RowFault | None:
    """Write one row or undo it alone."""
    who = (row.order.ward, fold(row.order.name), row.order.phone or "")
    if who in known:
        return RowFault(row.line, "name", "under_order")
    db = tx.store.connection
    db.execute("SAVEPOINT import_row")
    try:
        kept.append(_write(register, row.order, from_ms(tx.now_ms)))
    except Absent:
        fault = RowFault(row.line, "edge", "unknown_edge")
    except OrderRefused:
        over = row.order.until <= from_ms(tx.now_ms)
        edge = row.order.edge is not None and not over
        fault = RowFault(row.line, "edge" if edge else "until", "other_ward" if edge else "over")
    except UsageError:
        fault = RowFault(row.line, "edge", "unknown_edge")
    else:
        db.execute("RELEASE import_row")
        known.add(who)
        return None
    db.execute("ROLLBACK TO import_row")
    db.execute("RELEASE import_row")
    return fault


def _under_order(db: sqlite3.Connection, scope: Scope) -> set[tuple[str, str, str]]:
    query = f"SELECT ward, name, phone FROM {scope.view('orders')} WHERE ended_ms IS NULL AND name IS NOT NULL"  # noqa: S608 - our own words; values are bound
    return {(row["ward"], fold(row["name"]), row["phone"] or "") for row in db.execute(query, scope.values)}


def _report(answer: str, read: ReadFile) -> ImportReport:
    told: Mapping[str, Any] = json.loads(answer)
    faults = [RowFault(line, field, fault) for line, field, fault in told["faults"]]
    bad = {fault.line for fault in faults}
    return ImportReport(told["orders"], faults, read.csv_of(bad) if bad else "")


def _order(row: sqlite3.Row, now: datetime) -> OrderRow:
    starts_at, until = from_ms(row["from_ms"]), from_ms(row["until_ms"])
    ended_at = moment(row["ended_ms"])
    over = now >= min(until, ended_at or until)
    return OrderRow(
        id=row["id"],
        person=row["person"],
        label=f"{row['name']} · {row['ward_name']}" if row["name"] else row["person"],
        ward=row["ward"],
        edge=row["edge"],
        starts_at=starts_at,
        until=until,
        ended_at=ended_at,
        reason=row["reason"],
        state="over" if over else "coming" if now < starts_at else "running",
    )


def _paper(
    db: sqlite3.Connection, scope: Scope, row: sqlite3.Row, officer: sqlite3.Row | None, band: str | None
) -> Paper:
    guardians = db.execute(
        f"SELECT name FROM {scope.view('guardians')} WHERE person = :person ORDER BY position",  # noqa: S608 - our own words; values are bound
        scope.values | {"person": row["person"]},
    )
    return Paper(
        order=row["id"],
        person=row["person"],
        name=row["name"] or row["person"],
        ward=row["ward_name"],
        province=row["province"],
        address=row["address"] or "",
        starts_at=from_ms(row["from_ms"]),
        until=from_ms(row["until_ms"]),
        reason=row["reason"],
        band=band,
        edge=row["edge"],
        officer_name="" if officer is None else officer["name"],
        officer_phone=None if officer is None else officer["phone"],
        guardian=", ".join(guardian["name"] for guardian in guardians),
    )

"""The desk of the person under order: what he asks for, what he may know, what he takes away and what is erased."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ancu.models.clock import from_ms, to_ms
from ancu.server.core import Core, CoreStopped, Transaction
from ancu.server.desk.absences import grant_absence
from ancu.server.desk.exchange import ExchangeDesk
from ancu.server.desk.exchange_room import DECIDES, row_seen
from ancu.server.desk.rows import label_of
from ancu.server.exchange.store import answer_ask, open_asks
from ancu.server.optional import moment, moment_ms, truth
from ancu.server.people.erasure import erase, receipt_of
from ancu.server.people.errors import Absent
from ancu.server.people.ledger import Ledger
from ancu.server.people.orders import Orders, new_id
from ancu.server.people.take_away import rows_of
from ancu.server.ports import NotFound, Page, PersonDetail, Point, Role, Viewer
from ancu.server.ports.citizen import (
    AccessRow,
    AskKind,
    AskRow,
    Citizens,
    DisputeAbout,
    ErasureRow,
    Standing,
    VaccinationRow,
)
from ancu.server.ports.exchange import AbsenceReason, Refused
from ancu.server.scope import Scope

__all__ = ["CitizenDesk"]

_REPLY = {  # until then somebody replies
    AskKind.MEDICINE: timedelta(hours=2),
    AskKind.HELP: timedelta(hours=2),
    AskKind.FOOD: timedelta(hours=6),
    AskKind.ABSENCE: timedelta(hours=12),
    AskKind.DISPUTE: timedelta(hours=72),  # Decree 13/2023: what a person asks about his data is answered in 72 hours
}
_SHOWN = 20  # asks on a person's own page
_NOTE_CHARS = 2000
_OPEN_ASKS = 20  # of one person: a jammed button fills no list
_LOOK = timedelta(minutes=15)  # a page that refreshes itself is one look
_LOOKS = 10_000  # remembered at once
_EVERY_S = 300  # of the series in what is taken away
_WAITING = ("asked", "reminded", "again")
_EARLIEST = timedelta(days=-365 * 30)  # of a vaccination


class CitizenDesk(ExchangeDesk, Citizens):
    """Mixed into the desk, which brings what is named here."""

    _core: Core
    person: Callable[[Viewer, str], Any]
    readings: Callable[..., Any]

    # --- asks --------------------------------------------------------------------------------------------------------

    async def ask(
        self,
        viewer: Viewer,
        person: str,
        kind: AskKind,
        *,
        about: str = "",
        note: str = "",
        starts_at: datetime | None = None,
        until: datetime | None = None,
        key: str,
    ) -> AskRow:
        self._must(viewer, Role.CITIZEN, *DECIDES)
        # A wrong order may be disputed after its end too: what it left behind can still be wrong.
        order = (
            self._directory().person(viewer, person) if kind is AskKind.DISPUTE else self._under_order(viewer, person)
        )
        about, note = _checked(kind, about), note.strip()[:_NOTE_CHARS]
        now = self._clock.now()
        due = now + _REPLY[kind]
        if kind is AskKind.ABSENCE:
            if starts_at is None or until is None:
                raise Refused("window", "an absence has a beginning and an end")
            self.check_window(starts_at, until)
            due = max(now, min(due, starts_at))
        elif kind is AskKind.DISPUTE and not note:
            raise Refused("note", "say what is wrong")
        else:
            starts_at = until = None

        def write(tx: Transaction) -> str:
            db, id_ = tx.store.connection, new_id("y")
            if open_asks(db, person) >= _OPEN_ASKS:
                raise Refused("too_many", "many requests of this person wait already")
            db.execute(
                "INSERT INTO asks (id, person, at_ms, kind, about, note, from_ms, until_ms, due_ms, told_by)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    id_,
                    order.person,
                    tx.now_ms,
                    str(kind),
                    about,
                    note,
                    moment_ms(starts_at),
                    moment_ms(until),
                    to_ms(due),
                    viewer.id,
                ),
            )
            return id_

        asked = f"ask {person} {kind} {about} {note} {moment_ms(starts_at)} {moment_ms(until)}"
        return await self.ask_of(viewer, await self._once(viewer, key, asked, write))

    async def answer_ask(self, viewer: Viewer, ask: str, *, accept: bool, reply: str = "", key: str) -> AskRow:
        self._must(viewer, *DECIDES)
        reply = reply.strip()[:_NOTE_CHARS]
        directory = self._directory()

        def decide(tx: Transaction) -> str:
            db = tx.store.connection
            row = row_seen(db, viewer, "asks", ask)
            if row["decided_ms"] is not None:
                raise Refused("decided", f"ask {ask} was decided by {row['decided_by']}")
            if not accept and not reply and row["kind"] in {AskKind.ABSENCE, AskKind.DISPUTE}:
                raise Refused("reply", "a refusal says why")
            order, absence = directory.person(viewer, row["person"]), None
            if accept and row["kind"] == AskKind.ABSENCE:
                if row["until_ms"] <= tx.now_ms:
                    raise Refused("window", "this window is over already")
                absence = grant_absence(
                    tx, order, viewer, from_ms(row["from_ms"]), from_ms(row["until_ms"]), row["about"]
                )
            if accept and row["kind"] == AskKind.DISPUTE and row["about"] == DisputeAbout.ORDER:
                scope = Scope.of(viewer)
                open_ = f"SELECT id FROM {scope.view('orders')} WHERE person = :person AND ended_ms IS NULL"  # noqa: S608 - our own words; values are bound
                for found in db.execute(open_, scope.values | {"person": row["person"]}).fetchall():
                    Orders(Ledger(db, viewer.id, self._clock)).end(found["id"], "dispute_upheld")
            answer_ask(db, ask, tx.now_ms, viewer.id, reply, absence, accept=accept)
            return ask

        return await self.ask_of(viewer, await self._once(viewer, key, f"answer {ask} {accept} {reply}", decide))

    async def ask_of(self, viewer: Viewer, ask: str) -> AskRow:
        return await self._one("asks", self._ask_shown(viewer), viewer, ask)

    async def asks(
        self,
        viewer: Viewer,
        *,
        kinds: frozenset[AskKind] | None = None,
        still_open: bool = False,
        person: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[AskRow]:
        self._must(viewer, Role.CITIZEN, *DECIDES)
        also = ["decided_ms IS NULL"] if still_open else []
        if kinds is not None:
            also.append(f"kind IN ({', '.join(repr(str(kind)) for kind in sorted(kinds))})")
        shown = self._ask_shown(viewer)
        return await self._page("asks", shown, viewer, person=person, limit=limit, cursor=cursor, also=also)

    # --- vaccinations ------------------------------------------------------------------------------------------------

    async def add_vaccination(
        self, viewer: Viewer, person: str, vaccine: str, dose: int, given_at: datetime, *, key: str
    ) -> VaccinationRow:
        self._must(viewer, *DECIDES)
        self._directory().person(viewer, person)
        now = self._clock.now()
        if not now + _EARLIEST <= given_at <= now:
            raise Refused("time", "this day is in the future, or before anybody had such a vaccine")

        def write(tx: Transaction) -> str:
            id_ = new_id("v")
            tx.store.connection.execute(
                "INSERT INTO vaccinations VALUES (?, ?, ?, ?, ?, ?, ?)",
                (id_, person, tx.now_ms, to_ms(given_at), vaccine, dose, viewer.id),
            )
            return id_

        asked = f"vaccination {person} {vaccine} {dose} {to_ms(given_at)}"
        return await self._one("vaccinations", _vaccination, viewer, await self._once(viewer, key, asked, write))

    async def vaccinations(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[VaccinationRow]:
        self._must(viewer, Role.CITIZEN, *DECIDES)
        return await self._page("vaccinations", _vaccination, viewer, person=person, limit=limit, cursor=cursor)

    # --- the person's own page ---------------------------------------------------------------------------------------

    async def standing(self, viewer: Viewer) -> Standing:
        person = self._himself(viewer)
        order = self._directory().person(viewer, person)
        ask, scope = self._ask_shown(viewer), Scope.of(viewer)

        def read(db: sqlite3.Connection) -> tuple[str, str | None, list[AskRow]]:
            one = f"SELECT reason, end_reason FROM {scope.view('orders')} WHERE id = :id"  # noqa: S608 - our own words; values are bound
            row = db.execute(one, scope.values | {"id": order.id}).fetchone()
            query = f"SELECT * FROM {scope.view('asks')} ORDER BY at_ms DESC, id DESC LIMIT {_SHOWN}"  # noqa: S608
            return row["reason"], row["end_reason"], [ask(db, a) for a in db.execute(query, scope.values)]

        reason, end_reason, asks = await self._read(read)
        declared = await self.declarations(viewer, limit=1)
        checkins = await self.checkins(viewer, limit=1)
        return Standing(
            reason=reason,
            end_reason=end_reason,
            declaration=next(iter(declared.items), None),
            checkin=next((row for row in checkins.items if row.state in _WAITING), None),
            absences=[row for row in (await self.absences(viewer, limit=_SHOWN)).items if row.state != "over"],
            asks=asks,
            results=(await self.results(viewer, limit=_SHOWN)).items,
            vaccinations=(await self.vaccinations(viewer, limit=_SHOWN)).items,
        )

    async def accesses(self, viewer: Viewer, *, limit: int = 100) -> Sequence[AccessRow]:
        self._himself(viewer)
        scope = Scope.of(viewer)

        def read(db: sqlite3.Connection) -> list[AccessRow]:
            query = f"SELECT * FROM {scope.view('accesses')} ORDER BY at_ms DESC, id LIMIT :limit"  # noqa: S608 - our own words; values are bound
            rows = db.execute(query, scope.values | {"limit": limit})
            return [AccessRow(from_ms(row["at_ms"]), row["viewer"], row["role"], row["what"]) for row in rows]

        found: list[AccessRow] = await self._read(read)
        return found

    async def take_away(self, viewer: Viewer) -> Mapping[str, Any]:
        person, now = self._himself(viewer), self._clock.now()
        detail: PersonDetail = await self.person(viewer, person)
        points: Sequence[Point] = []
        if detail.band is not None:
            points = await self.readings(viewer, detail.band, detail.order_from, now, _EVERY_S)
        stored: Mapping[str, Any] = await self._read(lambda db: rows_of(db, person))
        return {
            "format": "ancu-person/1",
            "person": person,
            "made_at": now,
            **stored,
            "alerts": [
                {"kind": row.kind, "opened_at": row.opened_at, "ended_at": row.ended_at, "outcome": row.outcome}
                for row in detail.alerts
            ],
            "readings_every_s": _EVERY_S,
            "readings": points,
        }

    async def erase(self, viewer: Viewer, *, key: str) -> ErasureRow:
        person = self._himself(viewer)
        order = self._directory().person(viewer, person)
        if self._clock.now() < min(order.until, order.ended_at or order.until):
            raise Refused("in_force", "an order is in force: its data is needed until it ends")

        def run(tx: Transaction) -> str:
            return erase(Ledger(tx.store.connection, viewer.id, self._clock), person, asker="person")

        return await self.receipt(await self._once(viewer, key, f"erase {person}", run))

    async def receipt(self, erasure: str) -> ErasureRow:
        try:
            found: ErasureRow = await self._read(lambda db: receipt_of(db, erasure))
        except Absent:
            raise NotFound(f"no receipt {erasure!r}") from None
        return found

    # --- who looks ---------------------------------------------------------------------------------------------------

    async def looked(self, viewer: Viewer, person: str | None, what: str) -> None:
        """Note that somebody looks at a person, once for a look that goes on; the person himself leaves no note.

        A server that cannot write still shows what an officer needs now: then the note is lost.
        """
        if viewer.role is Role.CITIZEN or person is None:
            return
        now = self._clock.now()
        looks: dict[tuple[str, str, str], datetime] = self.__dict__.setdefault("_looks", {})
        look = (viewer.id, person, what)
        if now - looks.get(look, now - _LOOK) < _LOOK:
            return
        if len(looks) >= _LOOKS:
            looks.clear()
        looks[look] = now

        def note(tx: Transaction) -> None:
            tx.store.connection.execute(
                "INSERT INTO accesses VALUES (?, ?, ?, ?, ?, ?)",
                (new_id("z"), person, tx.now_ms, viewer.id, viewer.role.value, what),
            )

        with contextlib.suppress(CoreStopped):
            await asyncio.wrap_future(self._core.command(note))

    # --- inside ------------------------------------------------------------------------------------------------------

    def _himself(self, viewer: Viewer) -> str:
        if viewer.role is not Role.CITIZEN or viewer.person is None:
            raise NotFound("nothing here for this role")
        return viewer.person

    def _ask_shown(self, viewer: Viewer) -> Callable[[sqlite3.Connection, sqlite3.Row], AskRow]:
        now = self._clock.now()
        named, scope = viewer.role is not Role.CITIZEN, Scope.of(viewer)

        def shown(db: sqlite3.Connection, row: sqlite3.Row) -> AskRow:
            due = from_ms(row["due_ms"])
            return AskRow(
                id=row["id"],
                person=row["person"],
                label=label_of(db, scope, row["person"]) if named else "",
                at=from_ms(row["at_ms"]),
                kind=AskKind(row["kind"]),
                about=row["about"],
                note=row["note"],
                starts_at=moment(row["from_ms"]),
                until=moment(row["until_ms"]),
                due_at=due,
                overdue=row["decided_ms"] is None and due < now,
                accepted=truth(row["accepted"]),
                reply=row["reply"],
                decided_at=moment(row["decided_ms"]),
                decided_by=row["decided_by"],
            )

        return shown


def _checked(kind: AskKind, about: str) -> str:
    """What an ask is about, as its kind allows it."""
    known = {AskKind.ABSENCE: AbsenceReason, AskKind.DISPUTE: DisputeAbout}.get(kind)
    if known is None:
        return ""
    try:
        return str(known(about))
    except ValueError:
        raise Refused("about", "no such subject") from None


def _vaccination(_: sqlite3.Connection, row: sqlite3.Row) -> VaccinationRow:
    return VaccinationRow(row["id"], row["person"], from_ms(row["given_ms"]), row["vaccine"], row["dose"])

"""The exchange's desk of check-ins: asked by an officer, answered by a tap or by who checked."""

from __future__ import annotations

import sqlite3

from ancu.models.clock import from_ms, to_ms
from ancu.server.cases.absence import running
from ancu.server.cases.checkin import checkin_state
from ancu.server.cases.inputs import CheckinAnswered, CheckinAsked
from ancu.server.cases.paging import is_quiet
from ancu.server.core import Transaction
from ancu.server.desk.exchange_room import ASKS, ExchangeRoom, row_seen
from ancu.server.exchange.store import absences_of, checkin_of, last_checkin, state_of
from ancu.server.optional import moment
from ancu.server.people.orders import new_id
from ancu.server.ports import Page, Role, Viewer
from ancu.server.ports.exchange import CheckinRow, Refused

__all__ = ["CheckinsDesk"]


class CheckinsDesk(ExchangeRoom):
    """Mixed into the desk."""

    async def ask_checkin(self, viewer: Viewer, person: str, *, key: str) -> CheckinRow:
        self._must(viewer, *ASKS)
        order = self._under_order(viewer, person)

        def ask(tx: Transaction) -> str:
            policy, db = self._memory.judging.policy(order.ward), tx.store.connection
            if is_quiet(policy.paging, from_ms(tx.now_ms)):
                raise Refused("quiet_hours", "nobody is asked to check in during the quiet hours")
            if running(absences_of(db, person), tx.now_ms, policy) is not None:
                raise Refused("absent", "this person may be away now")
            last = last_checkin(db, person)
            if last is not None and state_of(db, last, tx.now_ms, policy) in {"asked", "reminded", "again"}:
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
            self._must(viewer, *ASKS, Role.OPERATOR)

        def answer(tx: Transaction) -> str:
            db = tx.store.connection
            row = row_seen(db, viewer, "checkins", checkin)
            newest = last_checkin(db, row["person"])
            if newest is not None and row["at_ms"] < newest["at_ms"]:
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

    def _checkin(self, db: sqlite3.Connection, row: sqlite3.Row) -> CheckinRow:
        policy = self._memory.judging.policy(row["ward"])
        checkin = checkin_of(db, row)
        state = checkin_state(checkin, absences_of(db, row["person"]), to_ms(self._clock.now()), policy)
        return CheckinRow(row["id"], row["person"], from_ms(row["at_ms"]), state, moment(checkin.answered_ms or None))

"""The exchange's desk of absences: windows in which a person may be away, granted and ended."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from ancu.models.clock import from_ms, to_ms
from ancu.server.cases.inputs import AbsenceEnded, AbsenceGranted
from ancu.server.core import Transaction
from ancu.server.desk.exchange_room import DECIDES, ExchangeRoom, row_seen
from ancu.server.exchange.store import end_absence, window_of
from ancu.server.optional import moment
from ancu.server.people.orders import new_id
from ancu.server.people.records import OrderRecord
from ancu.server.ports import Page, Viewer
from ancu.server.ports.exchange import AbsenceReason, AbsenceRow, Refused

__all__ = ["AbsencesDesk", "grant_absence"]

_LONGEST = timedelta(days=30)  # of an absence


class AbsencesDesk(ExchangeRoom):
    """Mixed into the desk."""

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
            end_absence(tx.store.connection, absence, tx.now_ms, viewer.id)
            tx.tell(AbsenceEnded(from_ms(tx.now_ms), row["person"], absence), row["ward"])
            return absence

        return await self._one(
            "absences", self._absence, viewer, await self._once(viewer, key, f"end absence {absence}", end)
        )

    async def absences(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[AbsenceRow]:
        return await self._page("absences", self._absence, viewer, person=person, limit=limit, cursor=cursor)

    def check_window(self, starts_at: datetime, until: datetime) -> None:
        """Raises Refused for a window that no absence may have."""
        if not timedelta(0) < until - starts_at <= _LONGEST:
            raise Refused("window", "an absence ends after it starts, within 30 days")
        if until <= self._clock.now():
            raise Refused("window", "this window is over already")

    def _absence(self, _: sqlite3.Connection, row: sqlite3.Row) -> AbsenceRow:
        window, now_ms = window_of(row), to_ms(self._clock.now())
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
            ended_at=moment(row["ended_ms"]),
            state="over" if row["ended_ms"] is not None else state,
        )


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

"""The desk's other half: what other platforms, officers and persons under order tell, and what is granted to them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime

from ancu.models.clock import from_ms, to_ms
from ancu.server.cases.inputs import CheckpointScanned, SelfReported
from ancu.server.core import Transaction
from ancu.server.desk.absences import AbsencesDesk
from ancu.server.desk.checkins import CheckinsDesk
from ancu.server.desk.exchange_room import ASKS, must_be_plausible
from ancu.server.desk.results import ResultsDesk
from ancu.server.exchange.store import symptoms_before
from ancu.server.people.orders import new_id
from ancu.server.ports import Page, Role, Viewer
from ancu.server.ports.exchange import DeclarationRow, Exchange, ScanRow, Symptom

__all__ = ["ExchangeDesk"]

_READS_HEALTH = (Role.HEALTH, Role.PROVINCE, Role.CITIZEN)


class ExchangeDesk(AbsencesDesk, CheckinsDesk, ResultsDesk, Exchange):
    """Mixed into the desk; scans and declarations here, the rest in rooms of their own."""

    # --- checkpoints -------------------------------------------------------------------------------------------------

    async def scanned(self, viewer: Viewer, person: str, checkpoint: str, at: datetime, *, key: str) -> str:
        self._must(viewer, *ASKS, Role.OPERATOR)
        now = self._clock.now()
        must_be_plausible(at, now)
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
            new = sorted(set(said) - set(symptoms_before(tx.store.connection, order)))
            tx.store.connection.execute(
                "INSERT INTO declarations VALUES (?, ?, ?, ?, ?, ?)",
                (declaration, person, tx.now_ms, json.dumps(said), body_deci_c, viewer.id),
            )
            hot = (body_deci_c or 0) >= self._memory.judging.policy(order.ward).rules.fever.at_least_deci_c
            feverish = hot or Symptom.FEVER in said
            tx.tell(SelfReported(from_ms(tx.now_ms), person, feverish, tuple(said), tuple(new)), order.ward)
            return declaration

        id_ = await self._once(viewer, key, f"declare {person} {said} {body_deci_c}", declare)
        return await self._one("declarations", _declaration, viewer, id_)

    async def declarations(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[DeclarationRow]:
        self._must(viewer, *_READS_HEALTH)
        return await self._page("declarations", _declaration, viewer, person=person, limit=limit, cursor=cursor)


def _scan(_: sqlite3.Connection, row: sqlite3.Row) -> ScanRow:
    return ScanRow(row["id"], row["person"], row["checkpoint"], from_ms(row["at_ms"]), from_ms(row["received_ms"]))


def _declaration(_: sqlite3.Connection, row: sqlite3.Row) -> DeclarationRow:
    return DeclarationRow(
        row["id"], row["person"], from_ms(row["at_ms"]), json.loads(row["symptoms"]), row["body_deci_c"]
    )

"""The exchange's desk of test results: each proposes something for the order, and an officer decides."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from ancu.models.clock import from_ms, to_ms
from ancu.server.core import Transaction
from ancu.server.desk.exchange_room import DECIDES, ExchangeRoom, must_be_plausible, row_seen
from ancu.server.exchange.store import decide_result
from ancu.server.optional import moment, moment_ms, truth
from ancu.server.people.ledger import Ledger
from ancu.server.people.orders import Orders, new_id
from ancu.server.people.proposals import Action, TestResult, propose
from ancu.server.ports import Page, Role, Viewer
from ancu.server.ports.exchange import Refused, ResultRow

__all__ = ["ResultsDesk"]


class ResultsDesk(ExchangeRoom):
    """Mixed into the desk."""

    async def add_result(self, viewer: Viewer, person: str, result: str, taken_at: datetime, *, key: str) -> ResultRow:
        self._must(viewer, *DECIDES)
        order = self._under_order(viewer, person)
        must_be_plausible(taken_at, self._clock.now())
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
                    moment_ms(proposal.until),
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
            decide_result(db, result, tx.now_ms, viewer.id, accept=accept)
            return result

        id_ = await self._once(viewer, key, f"decide {result} {accept}", decide)
        return await self._one("test_results", _result, viewer, id_)

    async def results(
        self, viewer: Viewer, *, person: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[ResultRow]:
        self._must(viewer, *DECIDES, Role.CITIZEN)
        return await self._page("test_results", _result, viewer, person=person, limit=limit, cursor=cursor)


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
        until=moment(row["until_ms"]),
        policy=row["policy"],
        accepted=truth(row["accepted"]),
        decided_by=row["decided_by"],
        decided_at=moment(row["decided_ms"]),
    )

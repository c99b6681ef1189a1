"""Challenges: at moments that nobody can foresee a band is asked whether it is there, and how it is worn.

The answer is the band's, under its own key and for this nonce alone: an edge can carry it or lose it, not make it. What
a challenge cannot show is where the band is: whoever relays its radio live relays this too, only slower.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections import Counter
from enum import StrEnum
from typing import Literal

from ancu.models.band_facts import ChallengeAnswered
from ancu.models.clock import from_ms
from ancu.models.commands import AskBand
from ancu.models.frame import Status
from ancu.models.ids import BandNumber, EdgeId, OrderId, WardCode
from ancu.models.link import NONCE_BYTES, open_answer
from ancu.server.cases.inputs import ChallengeSettled
from ancu.server.ingest.rows import Row, Trouble, note_row, pack_facts
from ancu.server.people.records import Snapshot

__all__ = ["Outcome", "ask", "miss_overdue", "take_answer"]

_SKEW_S = 60  # a band's clock against ours, as for frames


class Outcome(StrEnum):
    """What came of a challenge."""

    WORN = "worn"  # the band answered: closed and on skin (and touched, if that was asked)
    NOT_WORN = "not_worn"  # it answered: open, or on no skin
    FORGED = "forged"  # an answer that the band did not make
    MISSED = "missed"  # none in time


def ask(
    connection: sqlite3.Connection,
    *,
    band: BandNumber,
    order: OrderId,
    edge: EdgeId,
    now_ms: int,
    within_s: float,
    tap: bool,
) -> AskBand:
    """Write a challenge down and give back the command for the edge."""
    name, nonce = secrets.token_hex(8), secrets.token_bytes(NONCE_BYTES)
    deadline_ms = now_ms + round(within_s * 1000)
    connection.execute(
        "INSERT INTO challenges (id, band, quarantine_order, edge, nonce, tap, asked_ms, deadline_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (name, band, order, edge, nonce, tap, now_ms, deadline_ms),
    )
    return AskBand(name, band, nonce, deadline_ms, tap)


def take_answer(
    connection: sqlite3.Connection,
    row: Row,
    fact: ChallengeAnswered,
    register: Snapshot,
    counts: Counter[tuple[str, str]],
) -> Row | None:
    """Settle a challenge by what an edge brought; a row that tells the judge, of trouble if somebody made it up."""
    asked = connection.execute(
        "SELECT band, quarantine_order, edge, nonce, tap, asked_ms, deadline_ms FROM challenges"
        " WHERE id = ? AND edge = ? AND outcome IS NULL",
        (fact.challenge, row.edge),
    ).fetchone()
    if asked is None or asked["band"] != fact.band:
        counts["challenges", "unknown"] += 1
        return None
    band = register.bands.get(BandNumber(fact.band))
    keys = None if band is None or band.order != asked["quarantine_order"] else band.keys
    answer = open_answer(fact.answer, asked["nonce"], keys.history) if keys is not None else None
    if not fact.answer or row.received_ms > asked["deadline_ms"]:
        outcome = Outcome.MISSED
    elif answer is None or (
        not answer.status & Status.UNSYNCED and answer.counter < asked["asked_ms"] // 1000 - _SKEW_S
    ):
        outcome = Outcome.FORGED
    else:
        worn = not answer.status & Status.STRAP_OPEN and bool(answer.status & Status.SKIN)
        outcome = Outcome.WORN if worn and (answer.tapped or not asked["tap"]) else Outcome.NOT_WORN
    connection.execute(
        "UPDATE challenges SET outcome = ?, told_ms = ? WHERE id = ?", (outcome, row.received_ms, fact.challenge)
    )
    counts["challenges", outcome] += 1
    if outcome is not Outcome.FORGED:
        told = settled(register, asked, outcome, row.received_ms)
        return None if told is None else note_row(*told, row.received_ms)
    facts = pack_facts((), (Trouble(fact.band, "challenge_forged", 1),))
    return Row(row.received_ms, row.ward, row.edge, row.gateway, 0, 0, 0, 0, b"", facts)


def miss_overdue(
    connection: sqlite3.Connection, now_ms: int, register: Snapshot | None, counts: Counter[tuple[str, str]]
) -> list[tuple[ChallengeSettled, WardCode]]:
    """Settle what nobody answered in time; what the judge is to be told of it, with the ward."""
    rows = connection.execute(
        "UPDATE challenges SET outcome = ?, told_ms = ?2 WHERE outcome IS NULL AND deadline_ms < ?2"
        " RETURNING band, quarantine_order, edge, asked_ms",
        (Outcome.MISSED, now_ms),
    ).fetchall()
    if rows:
        counts["challenges", Outcome.MISSED] += len(rows)
    told = (settled(register, row, Outcome.MISSED, now_ms) for row in rows if register is not None)
    return [one for one in told if one is not None]


def settled(
    register: Snapshot, asked: sqlite3.Row, outcome: Outcome, at_ms: int
) -> tuple[ChallengeSettled, WardCode] | None:
    """What came of a challenge, as the judge is told; None if its order is not in the register any more."""
    order = register.orders.get(OrderId(asked["quarantine_order"]))
    if order is None or outcome is Outcome.FORGED:
        return None
    said: Literal["worn", "not_worn", "missed"] = "missed"
    if outcome is not Outcome.MISSED:
        said = "worn" if outcome is Outcome.WORN else "not_worn"
    band, edge, at = BandNumber(asked["band"]), EdgeId(asked["edge"]), from_ms(at_ms)
    return ChallengeSettled(at, order.person, band, edge, from_ms(asked["asked_ms"]), said), order.ward

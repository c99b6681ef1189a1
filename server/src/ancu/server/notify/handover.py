"""Handover: a ward's open items, frozen in a list that both officers sign. The journal is the truth of it.

Drawn by either officer; a signature names the hash of the list that was read. When both have signed, what the giver
owned is the taker's.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from ancu.models.clock import from_ms, to_ms
from ancu.models.errors import UsageError
from ancu.server.adapters.store_journal import Record, Stored
from ancu.server.optional import moment
from ancu.server.people.errors import Absent
from ancu.server.ports import Role
from ancu.server.scope import role_sees_kind

__all__ = [
    "STREAM",
    "Drawn",
    "Handover",
    "HandoverRefused",
    "OpenItem",
    "Signed",
    "carried_out",
    "draw",
    "handover_of",
    "handovers",
    "of_row",
    "project",
    "sign",
]

STREAM = "handover"
_LIST = 100


class HandoverRefused(UsageError):
    """Not his to sign, signed already, or another list than the one that was read."""

    code = "handover_refused"


class OpenItem(msgspec.Struct, frozen=True):
    """An alert as it stood. Ids and codes only."""

    alert: str
    kind: str
    severity: str
    state: str
    opened_at: datetime
    owner: str | None


class Drawn(msgspec.Struct, frozen=True, tag="drawn"):
    handover: str
    at: datetime
    ward: str
    giver: str
    taker: str
    items: tuple[OpenItem, ...]


class Signed(msgspec.Struct, frozen=True, tag="signed"):
    handover: str
    at: datetime
    by: str
    hash: str  # of the list that he read


@dataclass(frozen=True, slots=True)
class Handover:
    """A handover as it stands; whole when both have signed."""

    id: str
    ward: str
    giver: str
    taker: str
    drawn_at: datetime
    hash: str
    items: Sequence[OpenItem]
    giver_signed_at: datetime | None
    taker_signed_at: datetime | None

    @property
    def is_whole(self) -> bool:
        return self.giver_signed_at is not None and self.taker_signed_at is not None


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder: msgspec.msgpack.Decoder[Drawn | Signed] = msgspec.msgpack.Decoder(Drawn | Signed)
_items: msgspec.msgpack.Decoder[tuple[OpenItem, ...]] = msgspec.msgpack.Decoder(tuple[OpenItem, ...])


def draw(db: sqlite3.Connection, ward: str, giver: str, taker: str, now_ms: int) -> Record:
    """The list of a ward's open items as a record for the journal: those that both may see, so that health alerts
    pass between health workers only. Raises HandoverRefused, Absent.
    """
    if giver == taker:
        raise HandoverRefused("an officer cannot hand over to himself")
    both = [_role_in(db, officer, ward) for officer in (giver, taker)]
    rows = db.execute(
        "SELECT id, kind, severity, state, opened_ms, acknowledged_by FROM alerts"
        " WHERE ward = ? AND state <> 'resolved' ORDER BY opened_ms, id",
        (ward,),
    )
    items = tuple(
        OpenItem(r["id"], r["kind"], r["severity"], r["state"], from_ms(r["opened_ms"]), r["acknowledged_by"])
        for r in rows
        if all(role_sees_kind(role, r["kind"]) for role in both)
    )
    id_ = f"h-{hashlib.sha256(f'{ward}|{giver}|{taker}|{now_ms}'.encode()).hexdigest()[:16]}"
    return _record(Drawn(id_, from_ms(now_ms), ward, giver, taker, items))


def sign(db: sqlite3.Connection, handover: str, by: str, hash_: str, now_ms: int) -> Record:
    """A signature as a record for the journal; raises Absent, HandoverRefused."""
    held = handover_of(db, handover)
    if by not in (held.giver, held.taker):
        raise Absent("handover", handover)  # not his: the answer is the same as for none
    if hash_ != held.hash:
        raise HandoverRefused("this is not the list that was drawn; read it again")
    if (held.giver_signed_at if by == held.giver else held.taker_signed_at) is not None:
        raise HandoverRefused("signed already")
    return _record(Signed(handover, from_ms(now_ms), by, hash_))


def project(db: sqlite3.Connection, records: Sequence[Record]) -> None:
    """Write what is listed; in the transaction that appends the records."""
    for record in records:
        event = _decoder.decode(record.body)
        if isinstance(event, Drawn):
            db.execute(
                "INSERT OR IGNORE INTO handovers (id, ward, giver, taker, drawn_ms, hash, items)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (event.handover, event.ward, event.giver, event.taker, to_ms(event.at), _hash(event),
                 _encoder.encode(event.items)),
            )  # fmt: skip
            continue
        for role in ("giver", "taker"):
            db.execute(
                f"UPDATE handovers SET {role}_ms = ? WHERE id = ? AND {role} = ? AND {role}_ms IS NULL",  # noqa: S608
                (to_ms(event.at), event.handover, event.by),
            )


def handover_of(db: sqlite3.Connection, handover: str) -> Handover:
    """Raises Absent."""
    row = db.execute("SELECT * FROM handovers WHERE id = ?", (handover,)).fetchone()
    if row is None:
        raise Absent("handover", handover)
    return of_row(row)


def handovers(db: sqlite3.Connection) -> list[Handover]:
    """The newest first."""
    rows = db.execute("SELECT * FROM handovers ORDER BY drawn_ms DESC, id LIMIT ?", (_LIST,))
    return [of_row(row) for row in rows]


def carried_out(db: sqlite3.Connection, stored: Stored) -> list[tuple[str, str]]:
    """(alert, taker) of what changes hands by the signature that made a handover whole."""
    event = _decoder.decode(stored.record.body)
    if isinstance(event, Drawn):
        return []
    held = handover_of(db, event.handover)
    newest = max((at for at in (held.giver_signed_at, held.taker_signed_at) if at is not None), default=None)
    if not held.is_whole or newest != from_ms(stored.record.at_ms):
        return []
    owned = {
        row["id"]
        for row in db.execute(
            "SELECT id FROM alerts WHERE ward = ? AND acknowledged_by = ? AND state <> 'resolved'",
            (held.ward, held.giver),
        )
    }
    return [(item.alert, held.taker) for item in held.items if item.alert in owned]


def _role_in(db: sqlite3.Connection, officer: str, ward: str) -> Role:
    """The role of an account in use that serves a ward; raises Absent."""
    row = db.execute(
        "SELECT o.role FROM officers o JOIN officer_wards w ON w.officer = o.id"
        " WHERE o.id = ? AND w.ward = ? AND o.disabled_ms IS NULL",
        (officer, ward),
    ).fetchone()
    if row is None:
        raise Absent(f"officer of ward {ward}", officer)
    return Role(row["role"])


def _record(event: Drawn | Signed) -> Record:
    return Record(to_ms(event.at), STREAM, event.handover, _encoder.encode(event))


def _hash(event: Drawn) -> str:
    return hashlib.sha256(_encoder.encode(event)).hexdigest()


def of_row(row: sqlite3.Row) -> Handover:
    """Of a row of `handovers`."""
    return Handover(
        id=row["id"],
        ward=row["ward"],
        giver=row["giver"],
        taker=row["taker"],
        drawn_at=from_ms(row["drawn_ms"]),
        hash=row["hash"],
        items=_items.decode(row["items"]),
        giver_signed_at=moment(row["giver_ms"]),
        taker_signed_at=moment(row["taker_ms"]),
    )

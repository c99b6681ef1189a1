"""What notify keeps in the server's file. Functions over the core's connection, inside the core's transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ancu.models.clock import from_ms, to_ms
from ancu.server.notify.duty import Absence, Officer, Roster, Span, Watch
from ancu.server.notify.pacing import Note
from ancu.server.notify.port import State
from ancu.server.notify.receipts import Said
from ancu.server.ports import Role, Severity

__all__ = [
    "STOOD_BACK",
    "DeliveryRow",
    "add_delivery",
    "add_note",
    "add_page",
    "addresses",
    "alerts_of_page",
    "by_reference",
    "change",
    "due",
    "forget_contact",
    "highest_level",
    "is_withdrawn",
    "keep_early",
    "mark",
    "next_try_ms",
    "notes_of",
    "oldest_ms",
    "one_delivery",
    "paged_at",
    "pull_forward",
    "read_roster",
    "set_mark",
    "siblings",
    "still_carried",
    "stood_back",
    "take_early",
    "waiting",
    "waiting_deliveries",
    "ward_names",
    "withdraw_notes",
]

_DELIVERIES = "SELECT d.*, p.officer, p.urgent, p.made_ms FROM notify_deliveries d JOIN notify_pages p ON p.id = d.page"
STOOD_BACK = "another channel got through"
_EARLY = 1_000
_FAR_MS = 3_600_000  # no try is ever planned so far ahead
_LOAD_MS = 3_600_000  # a page that nobody answered weighs on an officer for so long


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    id: str
    page: str
    officer: str
    urgent: bool
    made_at: datetime
    channel: str
    address: str
    state: State
    tries: int


def mark(db: sqlite3.Connection) -> int:
    """How far the journal was carried out."""
    return int(db.execute("SELECT upto FROM notify_mark").fetchone()[0])


def set_mark(db: sqlite3.Connection, upto: int) -> None:
    db.execute("UPDATE notify_mark SET upto = ?", (upto,))


def read_roster(db: sqlite3.Connection, now_ms: int, channels: frozenset[str], pause_ms: int) -> Roster:
    """Everyone with an account in use, and the calendar around now. `channels`: those that are configured."""
    wards: dict[str, set[str]] = {}
    for row in db.execute("SELECT officer, ward FROM officer_wards"):
        wards.setdefault(row["officer"], set()).add(row["ward"])
    reached: dict[str, set[str]] = {}
    for officer, channel, _ in _contacts(db):
        if channel in channels:
            reached.setdefault(officer, set()).add(channel)
    owned = dict(
        db.execute(
            "SELECT acknowledged_by, count(*) FROM alerts WHERE state <> 'resolved' AND acknowledged_by IS NOT NULL"
            " GROUP BY acknowledged_by"
        )
    )
    told = dict(
        db.execute(
            "SELECT officer, count(DISTINCT alert) FROM notify_notes WHERE withdrawn_ms IS NULL AND at_ms > ?"
            " GROUP BY officer",
            (now_ms - _LOAD_MS,),
        )
    )
    paged = paged_at(db, now_ms - pause_ms)
    return Roster(
        officers=tuple(
            Officer(
                id=row["id"],
                role=Role(row["role"]),
                wards=None if row["role"] in ("province", "operator") else frozenset(wards.get(row["id"], ())),
                channels=frozenset(reached.get(row["id"], ())),
                load=owned.get(row["id"], 0) + told.get(row["id"], 0),
                paged_at=paged.get(row["id"]),
            )
            for row in db.execute("SELECT id, role FROM officers WHERE disabled_ms IS NULL ORDER BY id")
        ),
        spans=tuple(
            Span(row["officer"], Watch(row["watch"]), from_ms(row["from_ms"]), from_ms(row["until_ms"]))
            for row in db.execute(
                "SELECT * FROM duty_watches WHERE from_ms <= ?1 AND until_ms > ?1 ORDER BY officer, from_ms", (now_ms,)
            )
        ),
        absences=tuple(
            Absence(row["officer"], from_ms(row["from_ms"]), from_ms(row["until_ms"]))
            for row in db.execute("SELECT * FROM duty_absences WHERE from_ms <= ?1 AND until_ms > ?1", (now_ms,))
        ),
        scheduled=frozenset(row[0] for row in db.execute("SELECT DISTINCT officer FROM duty_watches")),
    )


def paged_at(db: sqlite3.Connection, since_ms: int) -> dict[str, datetime]:
    """Each officer's last page under C after a time."""
    rows = db.execute(
        "SELECT officer, max(made_ms) AS at_ms FROM notify_pages WHERE urgent = 0 AND made_ms > ? GROUP BY officer",
        (since_ms,),
    )
    return {row["officer"]: from_ms(row["at_ms"]) for row in rows}


def add_note(db: sqlite3.Connection, note: Note) -> bool:
    """False: this officer was told of this event already."""
    done = db.execute(
        "INSERT OR IGNORE INTO notify_notes (position, officer, alert, kind, severity, ward, level, at_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (note.position, note.officer, note.alert, note.kind, note.severity, note.ward, note.level, to_ms(note.at)),
    )
    return done.rowcount > 0


def waiting(db: sqlite3.Connection) -> list[Note]:
    """Notes without a page, in order."""
    rows = db.execute("SELECT * FROM notify_notes WHERE page IS NULL AND withdrawn_ms IS NULL ORDER BY id")
    return [_note(row) for row in rows]


def notes_of(db: sqlite3.Connection, page: str) -> list[Note]:
    rows = db.execute("SELECT * FROM notify_notes WHERE page = ? ORDER BY id", (page,))
    return [_note(row) for row in rows]


def withdraw_notes(db: sqlite3.Connection, alert: str, before: int, now_ms: int) -> list[str]:
    """What was to be told of an alert before a position is moot; returns the deliveries that nobody needs any more."""
    db.execute(
        "UPDATE notify_notes SET withdrawn_ms = ? WHERE alert = ? AND position < ? AND withdrawn_ms IS NULL"
        " AND officer NOT LIKE 'webhook:%'",
        (now_ms, alert, before),
    )
    rows = db.execute(
        "SELECT d.id FROM notify_deliveries d WHERE d.state IN ('queued', 'failed')"
        " AND d.page IN (SELECT page FROM notify_notes WHERE alert = ?)"
        " AND NOT EXISTS (SELECT 1 FROM notify_notes n WHERE n.page = d.page AND n.withdrawn_ms IS NULL)",
        (alert,),
    )
    return [row["id"] for row in rows]


def still_carried(db: sqlite3.Connection, position: int) -> bool:
    """Whether someone was told of an event, or still may be."""
    row = db.execute(
        "SELECT 1 FROM notify_notes n WHERE n.position = ? AND n.officer NOT LIKE 'webhook:%' AND (n.page IS NULL"
        " OR EXISTS (SELECT 1 FROM notify_deliveries d WHERE d.page = n.page AND d.state NOT IN ('dead', 'withdrawn')))"
        " LIMIT 1",
        (position,),
    ).fetchone()
    return row is not None


def is_withdrawn(db: sqlite3.Connection, note: int) -> bool:
    return db.execute("SELECT withdrawn_ms FROM notify_notes WHERE id = ?", (note,)).fetchone()[0] is not None


def highest_level(db: sqlite3.Connection, position: int) -> int:
    """The highest level that was told of an event."""
    row = db.execute(
        "SELECT coalesce(max(level), 0) FROM notify_notes WHERE position = ? AND officer NOT LIKE 'webhook:%'",
        (position,),
    ).fetchone()
    return int(row[0])


def add_page(
    db: sqlite3.Connection, page: str, officer: str, *, urgent: bool, now_ms: int, notes: Iterable[Note]
) -> None:
    db.execute(
        "INSERT INTO notify_pages (id, officer, urgent, made_ms) VALUES (?, ?, ?, ?)", (page, officer, urgent, now_ms)
    )
    db.executemany("UPDATE notify_notes SET page = ? WHERE id = ?", [(page, note.id) for note in notes])


def add_delivery(db: sqlite3.Connection, row: DeliveryRow, next_ms: int, now_ms: int) -> None:
    db.execute(
        "INSERT INTO notify_deliveries (id, page, channel, address, state, next_ms) VALUES (?, ?, ?, ?, ?, ?)",
        (row.id, row.page, row.channel, row.address, row.state, next_ms),
    )
    _history(db, row.id, State.QUEUED, now_ms, "")


def due(db: sqlite3.Connection, channel: str, now_ms: int, limit: int) -> list[DeliveryRow]:
    """Deliveries of a channel whose time came, urgent ones first. A time too far ahead: the clock was put back."""
    where = "d.channel = ?1 AND (d.next_ms <= ?2 OR d.next_ms > ?3) ORDER BY p.urgent DESC, d.next_ms, d.id LIMIT ?4"
    return _rows(db, where, (channel, now_ms, now_ms + _FAR_MS, limit))


def siblings(db: sqlite3.Connection, page: str) -> list[DeliveryRow]:
    """All deliveries of a page, in the order of their tries."""
    return _rows(db, "d.page = ? ORDER BY d.next_ms IS NULL, d.next_ms, d.id", (page,))


def one_delivery(db: sqlite3.Connection, delivery: str) -> DeliveryRow | None:
    """A delivery by its id."""
    rows = _rows(db, "d.id = ?", (delivery,))
    return rows[0] if rows else None


def by_reference(db: sqlite3.Connection, channel: str, reference: str) -> DeliveryRow | None:
    """A delivery by what the provider of its channel calls it."""
    rows = _rows(db, "d.channel = ? AND d.reference = ?", (channel, reference))
    return rows[0] if rows else None


def stood_back(db: sqlite3.Connection, page: str) -> list[str]:
    """Deliveries of a page that were withdrawn only because another channel had got through, by their ids."""
    rows = db.execute(
        "SELECT d.id FROM notify_deliveries d WHERE d.page = ?1 AND d.state = 'withdrawn' AND ?2 ="
        " (SELECT h.why FROM notify_history h WHERE h.delivery = d.id ORDER BY h.position DESC LIMIT 1)"
        " AND EXISTS (SELECT 1 FROM notify_notes n WHERE n.page = ?1 AND n.withdrawn_ms IS NULL) ORDER BY d.rowid",
        (page, STOOD_BACK),
    )
    return [row["id"] for row in rows]


def keep_early(db: sqlite3.Connection, channel: str, said: Said, now_ms: int) -> None:
    """A receipt that came before we knew how the provider calls the message: kept for a while, the newest thousand."""
    db.execute(
        "INSERT OR REPLACE INTO notify_early (channel, reference, delivered, why, at_ms) VALUES (?, ?, ?, ?, ?)",
        (channel, said.reference, said.delivered, said.why, now_ms),
    )
    db.execute("DELETE FROM notify_early WHERE rowid <= (SELECT max(rowid) FROM notify_early) - ?", (_EARLY,))


def take_early(db: sqlite3.Connection, channel: str, reference: str | None) -> Said | None:
    row = db.execute(
        "DELETE FROM notify_early WHERE channel = ? AND reference = ? RETURNING delivered, why", (channel, reference)
    ).fetchone()
    return None if row is None or reference is None else Said(reference, bool(row["delivered"]), row["why"])


def change(
    db: sqlite3.Connection,
    delivery: str,
    state: State,
    now_ms: int,
    *,
    why: str = "",
    tries: int | None = None,
    next_ms: int | None = None,
    reference: str | None = None,
) -> None:
    """A delivery's new state, and a line of its history."""
    db.execute(
        "UPDATE notify_deliveries SET state = ?2, next_ms = ?3, tries = coalesce(?4, tries),"
        " reference = coalesce(?5, reference) WHERE id = ?1",
        (delivery, state, next_ms, tries, reference),
    )
    _history(db, delivery, state, now_ms, why)


def pull_forward(db: sqlite3.Connection, page: str, now_ms: int) -> None:
    """The next channel of a page need not wait any longer."""
    db.execute(
        "UPDATE notify_deliveries SET next_ms = ?2"
        " WHERE state = 'queued' AND next_ms > ?2 AND page = ?1 AND channel = ("
        "SELECT channel FROM notify_deliveries WHERE page = ?1 AND state = 'queued' AND next_ms > ?2"
        " ORDER BY next_ms, id LIMIT 1)",
        (page, now_ms),
    )


def next_try_ms(db: sqlite3.Connection, after_ms: int) -> int | None:
    """When the next try falls due that is not due yet."""
    row = db.execute("SELECT min(next_ms) FROM notify_deliveries WHERE next_ms > ?", (after_ms,)).fetchone()
    return None if row[0] is None else int(row[0])


def addresses(db: sqlite3.Connection, officer: str) -> list[tuple[str, str]]:
    """(channel, address) of an officer."""
    return [(channel, address) for _, channel, address in _contacts(db, officer)]


def forget_contact(db: sqlite3.Connection, officer: str, channel: str, address: str) -> None:
    """An address that is no more."""
    db.execute(
        "DELETE FROM contact_points WHERE officer = ? AND channel = ? AND address = ?", (officer, channel, address)
    )


def alerts_of_page(db: sqlite3.Connection, page: str) -> list[str]:
    found = db.execute("SELECT alert, min(id) FROM notify_notes WHERE page = ? GROUP BY alert ORDER BY 2", (page,))
    return [row["alert"] for row in found]


def ward_names(db: sqlite3.Connection) -> Mapping[str, str]:
    return {row["code"]: row["name"] for row in db.execute("SELECT code, name FROM wards")}


def waiting_deliveries(db: sqlite3.Connection) -> dict[str, int]:
    """Deliveries that will be tried, by channel."""
    rows = db.execute("SELECT channel, count(*) AS n FROM notify_deliveries WHERE next_ms IS NOT NULL GROUP BY channel")
    return {row["channel"]: row["n"] for row in rows}


def oldest_ms(db: sqlite3.Connection, now_ms: int) -> int | None:
    """Since when the oldest delivery that is due has waited."""
    row = db.execute(
        "SELECT min(p.made_ms) FROM notify_deliveries d JOIN notify_pages p ON p.id = d.page"
        " WHERE d.state IN ('queued', 'failed') AND d.next_ms <= ?",
        (now_ms,),
    ).fetchone()
    return None if row[0] is None else int(row[0])


def _contacts(db: sqlite3.Connection, officer: str | None = None) -> Sequence[tuple[str, str, str]]:
    """(officer, channel, address): what was entered, and the account's phone for SMS and voice where nothing was."""
    rows = db.execute(
        "SELECT officer, channel, address FROM contact_points WHERE ?1 IS NULL OR officer = ?1"
        " UNION SELECT o.id, c.channel, o.phone FROM officers o, (SELECT 'sms' AS channel UNION SELECT 'voice') c"
        " WHERE o.phone <> '' AND (?1 IS NULL OR o.id = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM contact_points p WHERE p.officer = o.id AND p.channel = c.channel)"
        " ORDER BY 1, 2, 3",
        (officer,),
    )
    return [(row[0], row[1], row[2]) for row in rows]


def _rows(db: sqlite3.Connection, where: str, values: tuple[object, ...]) -> list[DeliveryRow]:
    rows = db.execute(f"{_DELIVERIES} WHERE {where}", values)
    return [
        DeliveryRow(
            id=row["id"],
            page=row["page"],
            officer=row["officer"],
            urgent=bool(row["urgent"]),
            made_at=from_ms(row["made_ms"]),
            channel=row["channel"],
            address=row["address"],
            state=State(row["state"]),
            tries=row["tries"],
        )
        for row in rows
    ]


def _note(row: sqlite3.Row) -> Note:
    return Note(
        id=row["id"],
        position=row["position"],
        officer=row["officer"],
        alert=row["alert"],
        kind=row["kind"],
        severity=Severity(row["severity"]),
        ward=row["ward"],
        level=row["level"],
        at=from_ms(row["at_ms"]),
    )


def _history(db: sqlite3.Connection, delivery: str, state: State, now_ms: int, why: str) -> None:
    db.execute(
        "INSERT INTO notify_history (delivery, at_ms, state, why) VALUES (?, ?, ?, ?)", (delivery, now_ms, state, why)
    )

"""An alert's evidence out of the server's file: records, proofs, policy, readings. Reads only."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from ancu.models.clock import from_ms, to_ms
from ancu.models.errors import UsageError
from ancu.models.ids import BandNumber, band_name, band_number
from ancu.server.adapters.store_journal import Record
from ancu.server.alerts.alert import fold
from ancu.server.alerts.events import AlertEvent, Attached, Raised, Reopened, SeverityRaised, Sign, unpack
from ancu.server.cases.codes import SubjectKind
from ancu.server.desk.people import status_names
from ancu.server.ingest.columns import Flag, reading_tuples
from ancu.server.ports import AlertDetail, AlertRow
from ancu.server.projection import STREAM, leading_sign, signal_of, steps_of
from ancu.server.review import in_force
from ancu.server.review.bundle import Proven, make_bundle
from ancu.server.review.excuses import excuses
from ancu.server.review.explain import Reader, explain
from ancu.server.review.merkle import prove
from ancu.server.review.past import position_at
from ancu.server.review.words import as_text, load_words, tell

__all__ = ["detail_of", "export"]

_AROUND = timedelta(minutes=30)
_LATE = timedelta(hours=6)  # stored data of that time may have come so much later


def export(connection: sqlite3.Connection, alert: str, *, seed: bytes, now: datetime) -> bytes:
    """The bundle of an alert; raises UsageError where there is none of that id."""
    found = _records(connection, STREAM, alert)
    if not found:
        raise UsageError(f"no alert {alert!r}")
    events = [unpack(row["body"]) for row in found]
    first = events[0]
    policies = [
        row
        for row in _records(connection, in_force.STREAM, first.policy if isinstance(first, Raised) else "")
        if row["position"] <= found[0]["position"]
    ]
    wanted = [*found, *policies[-1:]]
    hashes = [row["hash"] for row in connection.execute("SELECT hash FROM journal ORDER BY position")]
    root, paths = prove(hashes, [row["position"] - 1 for row in wanted])
    proven = [_proven(row, path) for row, path in zip(wanted, paths, strict=True)]
    detail = detail_of([(row["position"], event) for row, event in zip(found, events, strict=True)], connection)
    return make_bundle(
        seed=seed,
        made_at=now.isoformat(timespec="seconds"),
        events=proven[: len(found)],
        policy=proven[-1] if policies else None,
        journal={"size": len(hashes), "head": hashes[-1].hex(), "root": root.hex()},
        readings=_readings(connection, events),
        explanations={lang: _explained(detail, lang) for lang in ("vi", "en")},
    )


def detail_of(events: Sequence[tuple[int, AlertEvent]], connection: sqlite3.Connection | None = None) -> AlertDetail:
    """An alert as its events tell it, by ids alone: nobody's name, no numbers to call; absences out of a file."""
    alert = fold(event for _, event in events)
    assert alert is not None  # noqa: S101 - a journal's alert begins with its Raised
    said = [event for _, event in events]
    row = AlertRow(
        id=alert.id,
        kind=str(alert.kind),
        severity=alert.severity,
        state=alert.state,
        ward=alert.subject.ward,
        subject=alert.subject.id,
        subject_label=alert.subject.id,
        person=alert.subject.person,
        opened_at=alert.opened_at,
        updated_at=alert.updated_at,
        ended_at=alert.ended_at,
        acknowledged_by=alert.owner,
        outcome=alert.outcome,
        policy=alert.policy,
        why=signal_of(leading_sign(events)),
        position=events[-1][0],
    )
    thresholds = [e.thresholds for e in said if isinstance(e, Raised | SeverityRaised) and e.thresholds]
    return AlertDetail(
        row=row,
        evidence=[signal_of(sign) for event in said for sign in _signs(event)],
        timeline=steps_of(events),
        ruled_out=[signal_of(sign) for event in said if isinstance(event, Raised) for sign in event.ruled_out],
        calls=(),
        last_known={},
        thresholds=thresholds[-1] if thresholds else {},
        excuses=None if connection is None else excuses(connection, said),
    )


def _explained(detail: AlertDetail, lang: str) -> str:
    words = load_words(lang)
    return as_text(words, tell(words, explain(detail, Reader.OFFICER)))


def _signs(event: AlertEvent) -> Sequence[Sign]:
    match event:
        case Raised() | Attached() | Reopened():
            return event.signs
        case SeverityRaised():
            return (event.sign,)
    return ()


def _records(connection: sqlite3.Connection, stream: str, subject: str) -> list[sqlite3.Row]:
    query = "SELECT * FROM journal WHERE stream = ? AND subject = ? ORDER BY position"
    return connection.execute(query, (stream, subject)).fetchall()


def _proven(row: sqlite3.Row, path: Sequence[bytes]) -> Proven:
    record = Record(row["at_ms"], row["stream"], row["subject"], row["body"])
    return Proven(row["position"], record, row["prev_hash"], row["hash"], path)


def _readings(connection: sqlite3.Connection, events: Sequence[AlertEvent]) -> str:
    """What came of the bands that the signs name, and of a silent box that it came at all; without vital signs."""
    alert = fold(events)
    assert alert is not None  # noqa: S101 - as above
    begin = to_ms(alert.since - _AROUND)
    end = to_ms((alert.ended_at or alert.updated_at) + _AROUND)
    bands = {number for event in events for sign in _signs(event) if (number := _band(sign)) is not None}
    edge = alert.subject.id if alert.subject.kind is SubjectKind.EDGE else None
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(
        [
            "told_at",
            "heard_at",
            "received_at",
            "edge",
            "band",
            "rssi_dbm",
            "battery_percent",
            "status",
            "tamper",
            "late",
        ]
    )
    after = position_at(connection, "inbox", "received_ms", begin)
    rows = connection.execute(
        "SELECT received_ms, edge, readings FROM inbox WHERE position > ? AND received_ms <= ? ORDER BY position",
        (after, end + round(_LATE.total_seconds() * 1000)),
    )
    for row in rows:
        if edge == row["edge"] and row["received_ms"] <= end and not bands:
            table.writerow(["", "", _at(row["received_ms"]), row["edge"], "", "", "", "", "", ""])
        if not bands:
            continue
        for reading in reading_tuples(row["readings"]):
            heard_ms, band, counter, _, _, _, _, rssi, _, battery, _, _, status, flags = reading
            if band in bands and begin <= heard_ms <= end:
                table.writerow(
                    [
                        _at(counter * 1000),
                        _at(heard_ms),
                        _at(row["received_ms"]),
                        row["edge"],
                        band_name(BandNumber(band)),
                        rssi,
                        battery,
                        " ".join(status_names(status)),
                        int(bool(flags & Flag.TAMPER)),
                        int(bool(flags & Flag.LATE)),
                    ]
                )
    return out.getvalue()


def _band(sign: Sign) -> int | None:
    name: Any = sign.values.get("band")
    try:
        return None if not isinstance(name, str) else band_number(name)
    except UsageError:
        return None


def _at(ms: int) -> str:
    return from_ms(ms).isoformat(timespec="milliseconds")

"""What cameras told of a site that its board shows: crossings, and a picture that was asked for."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ancu.models.topics import Lane
from ancu.models.wire import CameraCrossing, CameraStill
from ancu.server.adapters.store import Store
from ancu.server.ingest.pipeline import Taken
from ancu.server.ingest.rows import Row, facts_of, sane_ms

__all__ = ["STILL_MS", "keep_still", "note_taken", "sweep"]

STILL_MS = 24 * 3_600_000  # a picture is kept so long: long enough to draw on, short enough to be no record
_CROSSINGS_MS = 14 * 86_400_000


def note_taken(store: Store, taken: Taken) -> None:
    """Keep what a relay brought for the board; inside the transaction that writes its rows."""
    _note_rows(store.connection, taken.rows)
    for edge, still in taken.stills:
        keep_still(store.connection, edge, still, taken.now_ms)


def _note_rows(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    for row in rows:
        if row.lane != Lane.ALARM or not row.facts:
            continue
        found = [fact for _, fact in facts_of(row)[0] if isinstance(fact, CameraCrossing)]
        connection.executemany(
            "INSERT INTO crossings (edge, camera, door, direction, at_ms, received_ms, confidence)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (row.edge, c.camera, c.door, c.direction, sane_ms(c.at_ms, row.received_ms), row.received_ms,
                 c.confidence)
                for c in found
            ],
        )  # fmt: skip


def keep_still(connection: sqlite3.Connection, edge: str, still: CameraStill, now_ms: int) -> None:
    """Keep a picture only if it is the one that was asked for last, and not long ago."""
    connection.execute(
        "UPDATE camera_stills SET taken_ms = ?, refused = ?, picture = ?"
        " WHERE edge = ? AND camera = ? AND ask = ? AND asked_ms > ?",
        (
            sane_ms(still.at_ms, now_ms),
            still.refused or None,
            still.jpeg or None,
            edge,
            still.camera,
            still.ask,
            now_ms - STILL_MS,
        ),
    )


def sweep(connection: sqlite3.Connection, now_ms: int) -> None:
    """Forget pictures after a day, crossings after two weeks."""
    connection.execute("DELETE FROM camera_stills WHERE asked_ms < ?", (now_ms - STILL_MS,))
    connection.execute("DELETE FROM crossings WHERE at_ms < ?", (now_ms - _CROSSINGS_MS,))

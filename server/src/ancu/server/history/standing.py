"""What the desk shows of a band's own log: records without a time, the drift of its clock, and what was not right."""

from __future__ import annotations

import sqlite3

from ancu.models.clock import from_ms
from ancu.models.ids import BandNumber
from ancu.server.history.clocks import drift_of
from ancu.server.history.store import faults
from ancu.server.ports.site import BandLog

__all__ = ["log_of"]

_SHOWN = 10


def log_of(connection: sqlite3.Connection, band: BandNumber) -> BandLog:
    """Of a band, whomever it serves."""
    undated = connection.execute("SELECT count(*) FROM history_undated WHERE band = ?", (band,)).fetchone()[0]
    wrong = [(from_ms(named.at_ms), named.sequence, named.kind) for named in faults(connection, band)]
    return BandLog(undated, drift_of(connection, band), wrong[: -_SHOWN - 1 : -1])

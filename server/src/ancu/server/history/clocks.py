"""Bands' clocks as edges read them."""

from __future__ import annotations

import sqlite3

from ancu.models.band_facts import BandClock
from ancu.models.ids import BandNumber
from ancu.server.history.drift import Sample, drift_ppm

__all__ = ["drift_of", "note_clock"]

_KEPT = 256  # samples a band


def note_clock(connection: sqlite3.Connection, clock: BandClock) -> None:
    """Keep a reading of a band's clock, inside the core's transaction."""
    connection.execute(
        "INSERT OR REPLACE INTO band_clocks (band, boot, ticks_ms, unix_ms, error_ms) VALUES (?, ?, ?, ?, ?)",
        (clock.band, clock.boot, clock.ticks_ms, clock.at_ms, clock.round_ms // 2),
    )
    connection.execute(
        "DELETE FROM band_clocks WHERE band = ?1 AND unix_ms <"
        " (SELECT min(unix_ms) FROM (SELECT unix_ms FROM band_clocks WHERE band = ?1 ORDER BY unix_ms DESC LIMIT ?2))",
        (clock.band, _KEPT),
    )


def drift_of(connection: sqlite3.Connection, band: BandNumber) -> float | None:
    """The band's drift in parts per million, over its newest boot that was long enough; None while unknown."""
    boots: dict[int, list[Sample]] = {}
    for boot, ticks, unix, error in connection.execute(
        "SELECT boot, ticks_ms, unix_ms, error_ms FROM band_clocks WHERE band = ? ORDER BY unix_ms", (band,)
    ):
        if boot in boots and boots[boot][-1].ticks_ms > ticks:  # the number of an older boot, come again
            del boots[boot]
        boots.setdefault(boot, []).append(Sample(ticks, unix, error))
    told = (drift_ppm(samples) for samples in sorted(boots.values(), key=lambda each: -each[-1].unix_ms))
    return next((ppm for ppm in told if ppm is not None), None)

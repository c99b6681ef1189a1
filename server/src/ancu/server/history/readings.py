"""Records of a band's log as the inbox and the series keep readings: late, with their own time. Pure."""

from __future__ import annotations

import struct

from ancu.models.history import Vitals
from ancu.models.ids import BandNumber
from ancu.server.history.chain import Recorded
from ancu.server.ingest.columns import Flag, pack_reading

__all__ = ["at_time", "reading_of"]

_COOL_DECI_C = 200  # a record says no more of what is colder: the band lies on a table
_TIME = struct.Struct("<Q")
_COUNTER = struct.Struct("<I")
_COUNTER_AT = 12


def reading_of(recorded: Recorded, band: BandNumber) -> bytes:
    """A vitals record as a packed reading that has no time yet; nobody heard it, so it has no signal strength."""
    entry, vitals = recorded.entry, recorded.entry.body
    assert isinstance(vitals, Vitals)  # noqa: S101 - the caller looked
    flags = Flag.LATE | Flag.HISTORY | (Flag.TAMPER if vitals.tamper else 0)
    return pack_reading(
        0,
        band,
        0,
        entry.sequence,
        int.from_bytes(recorded.tag, "little"),
        0,
        _COOL_DECI_C if vitals.skin_deci_c is None else vitals.skin_deci_c,
        0,
        0,
        vitals.battery_percent,
        vitals.heart_bpm,
        vitals.spo2_percent,
        int(vitals.status),
        int(flags),
    )


def at_time(packed: bytes, at_ms: int) -> bytes:
    """Date a packed reading."""
    dated = bytearray(packed)
    _TIME.pack_into(dated, 0, at_ms)
    _COUNTER.pack_into(dated, _COUNTER_AT, at_ms // 1000)
    return bytes(dated)

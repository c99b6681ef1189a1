"""Believed readings as packed rows, and packed rows as numpy columns. Pure.

The inbox keeps these 36 bytes a reading: what a band said, opened, with the edge's time and signal strength. They need
no key to be read again, so a restart and the series never depend on keys that were erased with an order.
"""

from __future__ import annotations

import struct
from enum import IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ancu.models.wire import HEARD_FIELDS

__all__ = ["HEARD", "READING", "READING_BYTES", "Flag", "heard_rows", "pack_reading", "reading_rows", "reading_tuples"]

HEARD = np.dtype(list(HEARD_FIELDS))

_READING_FIELDS = (
    ("heard_ms", "<u8"),
    ("band", "<u4"),
    ("counter", "<u4"),
    ("head", "<u4"),  # newest history record of the band, modulo 2**24
    ("tag", "<u4"),  # the frame's authentication tag: tells a repeat from a clone
    ("offset", "<u2"),  # place in its batch
    ("skin_deci_c", "<i2"),
    ("rssi_dbm", "i1"),
    ("adverts", "u1"),
    ("battery_percent", "u1"),
    ("heart_bpm", "u1"),
    ("spo2_percent", "u1"),
    ("status", "u1"),
    ("flags", "u1"),
    ("zero", "u1"),
)
READING = np.dtype(list(_READING_FIELDS))
_READING = struct.Struct("<QIIIIHhbBBBBBBx")
READING_BYTES = _READING.size


class Flag(IntFlag):
    """Of a packed reading."""

    LATE = 1  # arrived after the fact: kept and shown, never pages
    URGENT = 2
    TAMPER = 4
    HISTORY = 8  # of a band's log: what was, with its own time; the present does not follow from it


pack_reading = _READING.pack  # the fields in the order of READING, without `zero`


def heard_rows(heard: memoryview) -> list[tuple[Any, ...]]:
    """The heard records of an opened batch as tuples in the order of HEARD_FIELDS."""
    rows: list[tuple[Any, ...]] = np.frombuffer(heard, HEARD).tolist()
    return rows


def reading_rows(readings: bytes) -> NDArray[np.void]:
    """Packed readings as a structured array, without copying."""
    return np.frombuffer(readings, READING)


def reading_tuples(readings: bytes) -> list[tuple[int, ...]]:
    """Packed readings as tuples in the order of READING, without `zero`."""
    return list(_READING.iter_unpack(readings))

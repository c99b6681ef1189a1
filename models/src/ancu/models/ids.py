"""Identifiers: what they look like and how a band's number and name relate."""

from __future__ import annotations

import re
import zlib
from typing import NewType

from ancu.models.errors import UsageError

__all__ = [
    "PARTITIONS",
    "BandNumber",
    "EdgeId",
    "GatewayId",
    "OrderId",
    "WardCode",
    "band_name",
    "band_number",
    "check_id",
    "partition_of",
]

WardCode = NewType("WardCode", str)
EdgeId = NewType("EdgeId", str)
GatewayId = NewType("GatewayId", str)
OrderId = NewType("OrderId", str)
BandNumber = NewType("BandNumber", int)  # 1 .. 2**32 - 1, on the wire
PARTITIONS = 64  # of upstream topics; a worker owns some of them

_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
_BAND = re.compile(r"wb-([0-9]{8,10})")


def check_id(what: str, text: str) -> str:
    """Give `text` back if it can be a part of a topic and a certificate's name.

    Raises UsageError otherwise. Two to forty of a-z, 0-9 and '-': nothing that MQTT, a shell or a URL reads specially.
    """
    if not _ID.fullmatch(text):
        raise UsageError(f"{what} {text!r}: use 2 to 40 of a-z, 0-9 and '-', starting with a letter or digit")
    return text


def band_name(number: BandNumber) -> str:
    """The printed name of a band: 42 -> 'wb-00000042'."""
    return f"wb-{number:08d}"


def band_number(name: str) -> BandNumber:
    """The number of a printed name; raises UsageError for anything else."""
    match = _BAND.fullmatch(name)
    if match is None or not 1 <= int(match[1]) < 2**32:
        raise UsageError(f"band {name!r}: expected a name like wb-00000042")
    return BandNumber(int(match[1]))


def partition_of(edge: EdgeId) -> int:
    """The upstream partition, 0..63, that keeps one edge's facts in order."""
    return zlib.crc32(edge.encode()) % PARTITIONS

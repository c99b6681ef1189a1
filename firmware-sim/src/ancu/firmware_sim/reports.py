"""Advertising reports as HCI events: the bytes between a controller and its host (Core 5.3, Vol 4 Part E 7.7.65).

Bumble builds and reads these as objects, which costs some 200 us an advert on either side; adverts are nearly all of
the traffic, so both ends of the virtual radio share this codec and leave everything else to Bumble.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

__all__ = ["CONNECTABLE", "LEGACY", "SCANNABLE", "SCAN_RESPONSE", "Report", "decode_reports", "encode_report"]

CONNECTABLE = 0x01
SCANNABLE = 0x02
SCAN_RESPONSE = 0x08
LEGACY = 0x10

_EVENT, _LE_META, _LEGACY_REPORT, _EXTENDED_REPORT = 0x04, 0x3E, 0x02, 0x0D
_EXTENDED = struct.Struct("<HB6sBBBbbHB6sB")
_HEAD = struct.Struct("<BBBBB")  # packet type, event, length, subevent, number of reports
_INCOMPLETE = 0x60  # data status bits of a fragment
_LEGACY_TYPES = {0x13: 0, 0x15: 1, 0x12: 2, 0x10: 3, 0x1A: 4, 0x1B: 4}
_LEGACY_PROPERTIES = {0: 0x13, 1: 0x15, 2: 0x12, 3: 0x10, 4: 0x1B}
_UNKNOWN_POWER = 127


class Report(NamedTuple):
    """One advert, or one scan response, as a controller heard it."""

    properties: int  # of CONNECTABLE, SCANNABLE, SCAN_RESPONSE, LEGACY
    random: bool  # the address is not a public one
    address: bytes  # 6 B, most significant first
    data: bytes
    rssi_dbm: int


def encode_report(report: Report, *, extended: bool) -> bytes:
    """The event for a host that scans with extended commands, or with the older ones."""
    address, kind = report.address[::-1], int(report.random)
    if extended:
        body = _EXTENDED.pack(
            report.properties,
            kind,
            address,
            1,  # primary PHY: LE 1M
            0,  # no secondary PHY: a legacy PDU
            0xFF,  # no advertising set
            _UNKNOWN_POWER,
            report.rssi_dbm,
            0,
            0,
            bytes(6),
            len(report.data),
        )
        return _HEAD.pack(_EVENT, _LE_META, 2 + len(body) + len(report.data), _EXTENDED_REPORT, 1) + body + report.data
    body = bytes((_LEGACY_TYPES[report.properties], kind)) + address + bytes((len(report.data),)) + report.data
    body += struct.pack("b", report.rssi_dbm)
    return _HEAD.pack(_EVENT, _LE_META, 2 + len(body), _LEGACY_REPORT, 1) + body


def decode_reports(packet: bytes) -> list[Report] | None:
    """The reports of one HCI packet; None if it is anything else. Fragments of long adverts are left out."""
    if len(packet) < _HEAD.size or packet[0] != _EVENT or packet[1] != _LE_META:
        return None
    if packet[3] == _EXTENDED_REPORT:
        return _read_extended(packet)
    if packet[3] == _LEGACY_REPORT:
        return _read_legacy(packet)
    return None


def _read_extended(packet: bytes) -> list[Report]:
    reports: list[Report] = []
    at = _HEAD.size
    for _ in range(packet[4]):
        if at + _EXTENDED.size > len(packet):
            break
        properties, kind, address, _, _, _, _, rssi, _, _, _, size = _EXTENDED.unpack_from(packet, at)
        at += _EXTENDED.size
        if not properties & _INCOMPLETE:
            reports.append(Report(properties, bool(kind & 1), address[::-1], packet[at : at + size], rssi))
        at += size
    return reports


def _read_legacy(packet: bytes) -> list[Report]:
    reports: list[Report] = []
    at = _HEAD.size
    for _ in range(packet[4]):
        if at + 10 > len(packet):
            break
        properties, kind, size = _LEGACY_PROPERTIES.get(packet[at], LEGACY), packet[at + 1], packet[at + 8]
        end = at + 9 + size
        if end >= len(packet):
            break
        rssi = packet[end] - 256 if packet[end] > 127 else packet[end]
        reports.append(Report(properties, bool(kind & 1), packet[at + 2 : at + 8][::-1], packet[at + 9 : end], rssi))
        at = end + 1
    return reports

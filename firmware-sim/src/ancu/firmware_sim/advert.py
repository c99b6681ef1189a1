"""Advertising data: the length-type-value structures of an advert, as bleak names them."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Advert", "read_advert", "uuid_text"]

_SHORT_NAME, _NAME, _TX_POWER, _MANUFACTURER = 0x08, 0x09, 0x0A, 0xFF
_UUID_LISTS = {0x02: 2, 0x03: 2, 0x04: 4, 0x05: 4, 0x06: 16, 0x07: 16}  # type -> bytes of one UUID
_SERVICE_DATA = {0x16: 2, 0x20: 4, 0x21: 16}
_BASE = bytes.fromhex("0000000000001000800000805f9b34fb")


class Advert(NamedTuple):
    """What an advert says."""

    name: str | None
    manufacturer_data: dict[int, bytes]
    service_data: dict[str, bytes]
    service_uuids: list[str]
    tx_power: int | None


def read_advert(data: bytes) -> Advert:
    """Read the structures; what is cut short ends the reading, as the standard has it."""
    name: str | None = None
    manufacturer: dict[int, bytes] = {}
    services: dict[str, bytes] = {}
    uuids: list[str] = []
    power: int | None = None
    at = 0
    while at + 1 < len(data):
        size = data[at]
        if size == 0 or at + 1 + size > len(data):
            break
        kind, value = data[at + 1], data[at + 2 : at + 1 + size]
        at += 1 + size
        if (width := _SERVICE_DATA.get(kind)) is not None:
            if len(value) >= width:
                services[uuid_text(value[:width])] = value[width:]
        elif (width := _UUID_LISTS.get(kind)) is not None:
            uuids += [uuid_text(value[i : i + width]) for i in range(0, len(value) - width + 1, width)]
        elif kind in {_NAME, _SHORT_NAME}:
            name = value.decode("utf-8", "replace")
        elif kind == _MANUFACTURER and len(value) >= 2:
            manufacturer[value[0] | value[1] << 8] = value[2:]
        elif kind == _TX_POWER and len(value) == 1:
            power = int.from_bytes(value, "little", signed=True)
    return Advert(name, manufacturer, services, uuids, power)


@lru_cache(maxsize=256)
def uuid_text(raw: bytes) -> str:
    """A 2, 4 or 16 byte UUID, least significant byte first, as bleak writes it."""
    full = raw[::-1]
    if len(full) < 16:
        full = full.rjust(4, b"\0") + _BASE[4:]
    return str(uuid.UUID(bytes=full))

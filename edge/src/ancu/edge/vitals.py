"""An ordinary heart-rate band: what the Bluetooth standard lets anybody read of it, over a connection.

No bond, no key, no tamper, no history: a reduced profile. Whoever copies its address speaks for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ancu.edge.link_ports import BandLink, LinkFailed
from ancu.models.band_facts import ReducedVitals
from ancu.models.clock import Clock, to_ms
from ancu.models.ids import BandNumber

__all__ = ["HEART_SERVICE", "read_heart", "read_oxygen", "read_temperature", "read_vitals"]


def _uuid(short: int) -> str:
    return f"0000{short:04x}-0000-1000-8000-00805f9b34fb"


HEART_SERVICE = _uuid(0x180D)
_HEART, _TEMPERATURE, _OXYGEN, _BATTERY = map(_uuid, (0x2A37, 0x2A1C, 0x2A5F, 0x2A19))
_TOLD_S = 10.0  # such a band tells its heart rate about once a second
_MORE_S = 3.0  # and what it has beside in the same moment, if it has it
_NOT_A_NUMBER = 0x07FF  # of an IEEE 11073 short float
T = TypeVar("T")


async def read_vitals(link: BandLink, band: BandNumber, clock: Clock, rssi_dbm: int | None) -> ReducedVitals:
    """Listen to it for a moment; raises LinkFailed for a device that tells no heart rate."""
    heart = await _told(link, _HEART, read_heart, _TOLD_S)
    if heart is None:
        raise LinkFailed("no heart rate was told", refused=True)
    return ReducedVitals(
        at_ms=to_ms(clock.now()),
        band=band,
        heart_bpm=heart[0],
        contact=heart[1],
        skin_deci_c=await _unless_missing(_told(link, _TEMPERATURE, read_temperature, _MORE_S)),
        spo2_percent=await _unless_missing(_told(link, _OXYGEN, read_oxygen, _MORE_S)),
        battery_percent=await _unless_missing(_battery(link)),
        rssi_dbm=rssi_dbm,
    )


def read_heart(value: bytes) -> tuple[int | None, bool | None] | None:
    """Heart Rate Measurement: beats a minute, skin contact; each None where it is not known, all None for noise."""
    if len(value) < 2 or (value[0] & 1 and len(value) < 3):
        return None
    bpm = int.from_bytes(value[1:3], "little") if value[0] & 1 else value[1]
    contact = bool(value[0] & 2) if value[0] & 4 else None
    return bpm or None, contact


def read_temperature(value: bytes) -> int | None:
    """Temperature Measurement, an IEEE 11073 float: tenths of a degree Celsius."""
    if len(value) < 5:
        return None
    mantissa, exponent = int.from_bytes(value[1:4], "little", signed=True), value[4] - (value[4] & 0x80) * 2
    if abs(mantissa) > 0x7FFFFD or not -6 <= exponent <= 2:
        return None
    celsius = mantissa * 10.0**exponent
    return round(10 * ((celsius - 32) / 1.8 if value[0] & 1 else celsius))


def read_oxygen(value: bytes) -> int | None:
    """PLX Continuous Measurement: percent."""
    if len(value) < 3:
        return None
    raw = int.from_bytes(value[1:3], "little")
    percent = raw & 0x0FFF
    return percent if raw != _NOT_A_NUMBER and raw >> 12 == 0 and percent <= 100 else None


async def _told(link: BandLink, uuid: str, read: Callable[[bytes], T | None], within_s: float) -> T | None:
    """The first value that can be read, or None when none comes."""
    values: asyncio.Queue[bytes] = asyncio.Queue()
    await link.subscribe(uuid, values.put_nowait)
    try:
        async with asyncio.timeout(within_s):
            while (value := read(await values.get())) is None:
                pass
    except TimeoutError:
        return None
    return value


async def _battery(link: BandLink) -> int | None:
    value = await link.read(_BATTERY)
    return value[0] if value and value[0] <= 100 else None


async def _unless_missing(work: Awaitable[T | None]) -> T | None:
    try:
        return await work
    except LinkFailed:
        return None  # it has no such characteristic; or it went, and its heart rate still counts

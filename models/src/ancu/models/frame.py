"""Band bytes <-> Reading: BTHome v2 service data (0xFCD2), encrypted, 24 bytes, in a legacy advert of 31.

    device info 1 | ciphertext 15 | counter 4 LE | tag 4
    plaintext: 01 battery | 2B tamper | 45 temperature (0.1 C, LE) | 54 06 heart SpO2 status head24

AES-CCM; nonce, 13 bytes = address (most significant byte first) | D2 FC | device info | counter. Source: BTHome v2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntFlag

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from ancu.models.errors import FrameReason, FrameRefused

__all__ = [
    "BODY_BYTES",
    "OBJECTS_BYTES",
    "SERVICE_UUID16",
    "Opened",
    "Reading",
    "Status",
    "advert_data",
    "counter_of",
    "frame_cipher",
    "is_urgent",
    "open_frame",
    "open_objects",
    "pack_objects",
    "read_objects",
    "seal_frame",
    "seal_objects",
]

SERVICE_UUID16 = 0xFCD2
BODY_BYTES = 24
_UUID = SERVICE_UUID16.to_bytes(2, "little")
_INFO = 0x41  # encrypted, version 2
_INFO_URGENT = 0x45  # the same with the "trigger" bit: anyone may read that this frame is urgent, none what it says
_PLAIN = struct.Struct("<BBBBBhBBBBBHB")
OBJECTS_BYTES = _PLAIN.size
_HEAD_MAX = 2**24 - 1


class Status(IntFlag):
    """Status bits inside the raw object."""

    STRAP_OPEN = 1
    SKIN = 2  # skin contact
    MOTION = 4
    SOS = 8
    CHARGING = 16
    UNSYNCED = 32  # the counter does not come from synchronised time


@dataclass(frozen=True, slots=True)
class Reading:
    """What a band says in one advert."""

    battery_percent: int  # 0..100
    tamper: bool  # case opened or strap loop broken, as the tamper circuit latched it
    skin_deci_c: int  # 0.1 degree Celsius
    heart_bpm: int  # 0 is unknown
    spo2_percent: int  # 0 is unknown
    status: Status
    history_head: int  # sequence of the newest history record, modulo 2**24


@dataclass(frozen=True, slots=True)
class Opened:
    """A frame that carried a valid tag."""

    reading: Reading
    counter: int  # synchronised seconds since 1970, never reused with a key
    urgent: bool


def frame_cipher(frame_key: bytes) -> AESCCM:
    """The cipher of one band under one order; build once, use for every frame."""
    return AESCCM(frame_key, tag_length=4)


def seal_frame(reading: Reading, cipher: AESCCM, address: bytes, counter: int, *, urgent: bool = False) -> bytes:
    """Seal a reading into the 24 bytes that follow the service UUID."""
    return seal_objects(pack_objects(reading), cipher, address, counter, urgent=urgent)


def pack_objects(reading: Reading) -> bytes:
    """A reading as BTHome objects, 15 bytes."""
    head = reading.history_head & _HEAD_MAX
    return _PLAIN.pack(
        0x01,
        reading.battery_percent,
        0x2B,
        reading.tamper,
        0x45,
        reading.skin_deci_c,
        0x54,
        6,
        reading.heart_bpm,
        reading.spo2_percent,
        reading.status,
        head & 0xFFFF,
        head >> 16,
    )


def seal_objects(objects: bytes, cipher: AESCCM, address: bytes, counter: int, *, urgent: bool) -> bytes:
    """Seal BTHome objects of any length into service data: device info, ciphertext, counter, tag."""
    info = bytes((_INFO_URGENT if urgent else _INFO,))
    count = counter.to_bytes(4, "little")
    sealed = cipher.encrypt(address + _UUID + info + count, objects, None)
    return info + sealed[:-4] + count + sealed[-4:]


def open_frame(body: bytes, cipher: AESCCM, address: bytes) -> Opened:
    """Open 24 bytes of service data heard from `address`; raises FrameRefused.

    Says nothing about replay: that is the receiver's business, who keeps the last counter.
    """
    if len(body) != BODY_BYTES:
        raise FrameRefused(FrameReason.LENGTH)
    return Opened(read_objects(open_objects(body, cipher, address)), counter_of(body), body[0] == _INFO_URGENT)


def open_objects(body: bytes, cipher: AESCCM, address: bytes) -> bytes:
    """Open service data of at least 9 bytes into BTHome objects; raises FrameRefused."""
    if body[0] not in (_INFO, _INFO_URGENT):
        raise FrameRefused(FrameReason.VERSION if body[0] & 1 else FrameReason.CLEAR)
    try:
        return cipher.decrypt(address + _UUID + body[:1] + body[-8:-4], body[1:-8] + body[-4:], None)
    except InvalidTag:
        raise FrameRefused(FrameReason.SEAL) from None


def read_objects(plain: bytes) -> Reading:
    """Read the 15 bytes of our profile; raises FrameRefused."""
    o1, battery, o2, tamper, o3, skin, o4, size, heart, spo2, status, head_low, head_high = _PLAIN.unpack(plain)
    if (o1, o2, o3, o4, size) != (0x01, 0x2B, 0x45, 0x54, 6) or tamper > 1 or battery > 100:
        raise FrameRefused(FrameReason.OBJECTS)
    return Reading(battery, bool(tamper), skin, heart, spo2, Status(status), head_low | head_high << 16)


def is_urgent(body: bytes) -> bool:
    """Whether the clear trigger bit is set; needs no key."""
    return len(body) == BODY_BYTES and body[0] == _INFO_URGENT


def counter_of(body: bytes) -> int:
    """The clear counter of a 24-byte body; believed only after the tag."""
    return int.from_bytes(body[16:20], "little")


def advert_data(body: bytes) -> bytes:
    """The 31 bytes of a legacy advert: flags, then service data."""
    return b"\x02\x01\x06" + bytes((3 + len(body), 0x16)) + _UUID + body

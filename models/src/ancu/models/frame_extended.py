"""The extended profile: a frame and the newest records of the band's log in one extended advert of at most 229 bytes.

    service data   device info 1 | ciphertext 15 + 2 + 16 n | counter 4 LE | tag 4        n: 1 to 12 records
    plaintext      the 15 bytes of a frame | 54 length | records of 16 bytes, oldest first

For receivers that hear extended adverts (BlueZ 5.76 and newer): a short absence heals without a connection. The records
are sealed and chained as in the log, so a receiver that missed some asks for them as ever.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from ancu.models.errors import FrameReason, FrameRefused
from ancu.models.frame import (
    OBJECTS_BYTES,
    Opened,
    Reading,
    open_objects,
    pack_objects,
    read_objects,
    seal_objects,
)
from ancu.models.history import RECORD_BYTES

__all__ = ["EXTENDED_BYTES", "MAX_RECORDS", "extended_advert_data", "is_extended", "open_extended", "seal_extended"]

EXTENDED_BYTES = 229  # of advertising data: one PDU, unfragmented
MAX_RECORDS = 12
_RAW = 0x54
_AROUND = 1 + OBJECTS_BYTES + 2 + 8  # device info, frame, object header, counter and tag


def seal_extended(
    reading: Reading, records: bytes, cipher: AESCCM, address: bytes, counter: int, *, urgent: bool = False
) -> bytes:
    """Seal a reading and 1 to 12 records into the service data that follows the UUID."""
    count, rest = divmod(len(records), RECORD_BYTES)
    if rest or not 1 <= count <= MAX_RECORDS:
        raise ValueError(f"an extended frame carries 1 to {MAX_RECORDS} whole records")
    objects = pack_objects(reading) + bytes((_RAW, len(records))) + records
    return seal_objects(objects, cipher, address, counter, urgent=urgent)


def is_extended(body: bytes) -> bool:
    """Whether service data is as long as an extended frame's; needs no key."""
    count, rest = divmod(len(body) - _AROUND, RECORD_BYTES)
    return not rest and 1 <= count <= MAX_RECORDS


def open_extended(body: bytes, cipher: AESCCM, address: bytes) -> tuple[Opened, bytes]:
    """Open an extended frame into what a frame says, and records; raises FrameRefused."""
    if not is_extended(body):
        raise FrameRefused(FrameReason.LENGTH)
    plain = open_objects(body, cipher, address)
    if plain[OBJECTS_BYTES] != _RAW or plain[OBJECTS_BYTES + 1] != len(plain) - OBJECTS_BYTES - 2:
        raise FrameRefused(FrameReason.OBJECTS)
    urgent = bool(body[0] & 0x04)
    opened = Opened(read_objects(plain[:OBJECTS_BYTES]), int.from_bytes(body[-8:-4], "little"), urgent)
    return opened, plain[OBJECTS_BYTES + 2 :]


def extended_advert_data(body: bytes) -> bytes:
    """The advertising data: flags, then service data; at most 229 bytes."""
    return b"\x02\x01\x06" + bytes((3 + len(body), 0x16)) + b"\xd2\xfc" + body

"""The Simple Management Protocol, as far as an update needs it: the messages of both ends. Pure.

header   op 1 | flags 1 | length 2 BE | group 2 BE | sequence 1 | id 1, then a CBOR map
"""

from __future__ import annotations

import struct
from typing import Any

from ancu.models.cbor import dump, load

__all__ = [
    "HEADER_BYTES",
    "READ",
    "SMP_CHARACTERISTIC",
    "SMP_SERVICE",
    "WRITE",
    "Group",
    "image_hash",
    "pack",
    "size_of",
    "unpack",
]

SMP_SERVICE = "8d53dc1d-1db7-4cd3-868b-8a527460aa84"
SMP_CHARACTERISTIC = "da2e7828-fbce-4e01-ae9e-261174997c48"  # write without response, notify
READ, WRITE = 0, 2
_HEADER = struct.Struct(">BBHHBB")
HEADER_BYTES = _HEADER.size
_IMAGE = struct.Struct(
    "<IIHHI"
)  # the beginning of an MCUboot image: magic, address, sizes of header, protected TLVs, body
_INFO = struct.Struct("<HH")
_MAGIC, _TLVS, _SHA256 = 0x96F3B83D, 0x6907, 0x10


class Group:
    """Groups and their commands."""

    OS, IMAGE = 0, 1
    ECHO, RESET = 0, 5
    STATE, UPLOAD = 0, 1


def pack(op: int, group: int, command: int, sequence: int, body: dict[str, Any]) -> bytes:
    raw = dump(body)
    return _HEADER.pack(op, 0, len(raw), group, sequence, command) + raw


def size_of(begun: bytes) -> int | None:
    """How long the message will be that begins so; None while its header is cut short."""
    return HEADER_BYTES + int(_HEADER.unpack_from(begun)[2]) if len(begun) >= HEADER_BYTES else None


def unpack(message: bytes) -> tuple[int, int, int, int, dict[str, Any]]:
    """(op, group, command, sequence, body); raises ValueError."""
    if len(message) < HEADER_BYTES:
        raise ValueError("cut short")
    op, _, size, group, sequence, command = _HEADER.unpack_from(message)
    body = load(message[HEADER_BYTES : HEADER_BYTES + size])
    if not isinstance(body, dict) or len(message) != HEADER_BYTES + size:
        raise ValueError("not a message")
    return op, group, command, sequence, body


def image_hash(raw: bytes) -> bytes:
    """By which both ends name an MCUboot image, as its own TLV says; raises ValueError. Proves nothing."""
    try:
        magic, _, head, protected, size = _IMAGE.unpack_from(raw)
        at = head + size + protected
        kind, length = _INFO.unpack_from(raw, at)
        if magic != _MAGIC or kind != _TLVS:
            raise ValueError("not an MCUboot image")
        end, at = at + length, at + _INFO.size
        while at < end:
            kind, length = _INFO.unpack_from(raw, at)
            at += _INFO.size + length
            if kind == _SHA256:
                return raw[at - length : at]
    except struct.error:
        pass
    raise ValueError("not an MCUboot image")

"""Commands: what the server tells an edge to do or to be. Sealed with the edge's key: nobody between reads them.

    header (clear, authenticated)   'AC' | version | flags | counter | edge id
    nonce 12 | AES-256-GCM ciphertext of msgpack {type, ...}

The counter of one edge only grows (`next_counter`), whatever the command; an edge takes a command once and none that is
not newer than the last one it took, and keeps that counter over restarts. A command may be lost on the way: one that
sets something says what is to be, not what to change, and is sent again until the edge's heartbeat shows it
(`EdgeHeartbeat.applied`). A new kind of command is a new tag in `Command`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ancu.models.errors import WireReason, WireRefused
from ancu.models.ids import BandNumber, EdgeId

__all__ = [
    "BANDS",
    "AskBand",
    "Command",
    "Door",
    "HistoryHeld",
    "Opened",
    "Point",
    "SetBands",
    "SetZones",
    "TakeStill",
    "Zone",
    "bands_mark",
    "next_counter",
    "open_command",
    "peek_edge",
    "seal_command",
    "zones_of",
]

Point = tuple[float, float]  # 0..1 of a picture's width and height, from the upper left
BANDS = "bands"  # in a heartbeat's `applied`: the mark of the bands that the edge knows


class Door(msgspec.Struct, frozen=True):
    """A door in a camera's picture: two points are a line, with a place on its inner side; three or more an area."""

    name: str
    area: tuple[Point, ...]
    camera_side: Literal["inside", "outside"] = "inside"
    inside: Point | None = None


class Zone(msgspec.Struct, frozen=True):
    """A part of the picture where nobody may be, or not many for long."""

    name: str
    watch: Literal["forbidden", "gathering"]
    area: tuple[Point, ...]


class SetBands(msgspec.Struct, frozen=True, tag="bands"):
    """These are the bands of the home or site, with the identity keys to know them by; all others are foreign."""

    bands: Mapping[int, bytes]


class SetZones(msgspec.Struct, frozen=True, tag="zones"):
    """These are the doors and zones in the picture of a camera, in this version of the drawing."""

    camera: str
    version: int
    doors: tuple[Door, ...] = ()
    zones: tuple[Zone, ...] = ()


class TakeStill(msgspec.Struct, frozen=True, tag="still"):
    """Send one picture of a camera, if the site's own settings allow that any leaves it; `ask` comes back with it."""

    camera: str
    ask: str


class HistoryHeld(msgspec.Struct, frozen=True, tag="held"):
    """The server holds a band's records up to and with `upto`; the receipt is for the band alone."""

    band: int
    upto: int
    receipt: bytes  # history.make_receipt
    again: bool = False  # what followed was not right: bring it once more


class AskBand(msgspec.Struct, frozen=True, tag="ask"):
    """Let a band answer a challenge over its bonded link, until the deadline."""

    challenge: str
    band: int
    nonce: bytes
    deadline_ms: int
    tap: bool = False  # the wearer has to touch the band


Command = SetBands | SetZones | TakeStill | HistoryHeld | AskBand
_VERSION = 1
_HEADER = struct.Struct("<2sBBQB")
_NONCE_BYTES = 12
_TAG_BYTES = 16
_MAX_BYTES = 64 * 1024  # a site's hundreds of bands, or many drawn points; a larger body is refused unopened
_pack = msgspec.msgpack.Encoder()
_read = msgspec.msgpack.Decoder(Command)


@dataclass(frozen=True, slots=True)
class Opened:
    """A command that is the server's word to this edge, and newer than the last."""

    counter: int
    command: Command


def next_counter(last: int, now_ms: int) -> int:
    """The counter of an edge's next command. Taken from the clock, so that a restored backup does not fall behind."""
    return max(last + 1, now_ms)


def seal_command(edge: EdgeId, counter: int, command: Command, down_key: bytes) -> bytes:
    name = edge.encode("ascii")
    clear = _HEADER.pack(b"AC", _VERSION, 0, counter, len(name)) + name
    nonce = os.urandom(_NONCE_BYTES)
    body = clear + nonce + AESGCM(_key(down_key)).encrypt(nonce, _pack.encode(command), clear)
    if len(body) > _MAX_BYTES:
        raise ValueError(f"a command has at most {_MAX_BYTES} bytes")
    return body


def open_command(body: bytes, edge: EdgeId, down_key: bytes, *, after: int) -> Opened:
    """Open a command to this edge, newer than the counter `after`. Raises WireRefused."""
    name, counter, end = _peek(body)
    if name != edge:
        raise WireRefused(WireReason.TOPIC, "another edge's")
    nonce = body[end : end + _NONCE_BYTES]
    try:
        plain = AESGCM(_key(down_key)).decrypt(nonce, body[end + _NONCE_BYTES :], body[:end])
    except InvalidTag:
        raise WireRefused(WireReason.SEAL) from None
    if counter <= after:
        raise WireRefused(WireReason.REPLAY, f"counter {counter}")
    try:
        return Opened(counter, _read.decode(plain))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireRefused(WireReason.LAYOUT, "no command that this version knows") from error


def peek_edge(body: bytes) -> EdgeId:
    """Whose command this says it is; nothing of it is proven. Raises WireRefused."""
    return _peek(body)[0]


def bands_mark(bands: Mapping[BandNumber, bytes]) -> int:
    """A mark by which both sides see whether an edge knows the right bands: differs where any number or key does."""
    rows = b"".join(number.to_bytes(4, "big") + bands[number] for number in sorted(bands))
    return int.from_bytes(hashlib.sha256(b"ancu/v1/bands" + rows).digest()[:6], "big")


def zones_of(camera: str) -> str:
    """The name of a camera's drawing in a heartbeat's `applied`; its value there is the version."""
    return f"zones/{camera}"


def _peek(body: bytes) -> tuple[EdgeId, int, int]:
    if len(body) > _MAX_BYTES:
        raise WireRefused(WireReason.TOO_LARGE, f"{len(body)} bytes")
    if len(body) < _HEADER.size + _NONCE_BYTES + _TAG_BYTES:
        raise WireRefused(WireReason.SHORT, f"{len(body)} bytes")
    magic, version, flags, counter, size = _HEADER.unpack_from(body)
    if magic != b"AC":
        raise WireRefused(WireReason.MAGIC)
    if version != _VERSION:
        raise WireRefused(WireReason.VERSION, f"version {version}")
    if flags:
        raise WireRefused(WireReason.CRITICAL, f"flags {flags:#04x}")
    end = _HEADER.size + size
    if len(body) < end + _NONCE_BYTES + _TAG_BYTES:
        raise WireRefused(WireReason.LAYOUT, "length")
    try:
        return EdgeId(body[_HEADER.size : end].decode("ascii")), counter, end
    except ValueError as error:
        raise WireRefused(WireReason.LAYOUT, "edge id") from error


def _key(down_key: bytes) -> bytes:
    """A key of its own: the same bytes must not both authenticate confirms and seal commands."""
    return hmac.digest(down_key, b"ancu/v1/command", "sha256")

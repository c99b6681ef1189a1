"""What a band and an edge say over a connection: the GATT profile's UUIDs, addresses and small bodies. Pure.

An edge holds a band's identity key and nothing else of it. From that key both derive what the connection needs:

* the *link address* under which the band can be connected to. It is not the address of the frames: the band gives its
  key for link addresses to a bonded host, whose Bluetooth stack then shows the identity address in its place, while a
  frame can be opened only with the address that it was sent from;
* the *access key*, by which the band knows an edge of its own home from a stranger who merely paired.
"""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ancu.models.address import resolves
from ancu.models.frame import Status

__all__ = [
    "ACCESS",
    "ANSWER_BYTES",
    "CHALLENGE",
    "CONTROL_POINT",
    "ELAPSED_TIME",
    "ELAPSED_TIME_SERVICE",
    "LINK_SERVICE",
    "NONCE_BYTES",
    "RECORDS",
    "TICKS",
    "Answer",
    "ElapsedTime",
    "LinkKeys",
    "Racp",
    "access_proof",
    "encode_answer",
    "encode_elapsed",
    "is_link_address",
    "link_keys",
    "open_answer",
    "read_elapsed",
]


def _uuid(number: int) -> str:
    return f"8c6f{number:04x}-51d2-4b6e-9a0f-3e7d24c1b8a5"


LINK_SERVICE = _uuid(0x0001)
ACCESS = _uuid(0x0002)  # read: 8 B of nonce; write: 16 B of proof
RECORDS = _uuid(0x0003)  # notify: a head of 16 B, then whole records, as many as fit
CHALLENGE = _uuid(0x0004)  # write: 8 B of nonce and a mode; indicate: the answer
TICKS = _uuid(0x0005)  # read: boot 1 | milliseconds since it 6
CONTROL_POINT = "00002a52-0000-1000-8000-00805f9b34fb"  # Record Access Control Point
ELAPSED_TIME_SERVICE = "0000183f-0000-1000-8000-00805f9b34fb"
ELAPSED_TIME = "00002bf2-0000-1000-8000-00805f9b34fb"

NONCE_BYTES = 8
PROOF_BYTES = 16


@dataclass(frozen=True, slots=True)
class LinkKeys:
    """What the identity key gives for connections."""

    resolving: bytes  # 16 B: the IRK that the band distributes to a bonded host
    address: bytes  # 6 B: the static address that the IRK stands for
    access: bytes  # 16 B


def link_keys(identity_key: bytes) -> LinkKeys:
    """Derive the keys of connections from an identity key."""
    address = _hkdf(identity_key, b"ancu/v1/link-address", 6)
    return LinkKeys(
        resolving=_hkdf(identity_key, b"ancu/v1/link", 16),
        address=bytes((address[0] | 0xC0,)) + address[1:],  # the two top bits of a static random address
        access=_hkdf(identity_key, b"ancu/v1/access", 16),
    )


def is_link_address(keys: LinkKeys, address: bytes) -> bool:
    """Whether a band can be connected to there: as it rotates, or as a bonded stack resolved it."""
    return address == keys.address or resolves(keys.resolving, address)


def access_proof(access_key: bytes, nonce: bytes) -> bytes:
    """What an edge writes to be let in, for the nonce of this connection."""
    return hmac.digest(access_key, b"access" + nonce, "sha256")[:PROOF_BYTES]


class Racp:
    """Of the Record Access Control Point: opcodes, operators, filter types and response values (GSS)."""

    REPORT, DELETE, ABORT, COUNT, COUNT_IS, RESPONSE = 1, 2, 3, 4, 5, 6
    NULL, ALL, AT_MOST, AT_LEAST = 0, 1, 2, 3
    BY_SEQUENCE = 1
    SUCCESS, NO_OPCODE, BAD_OPERATOR, NO_OPERATOR, BAD_OPERAND, NO_RECORDS, NOT_ABORTED, NOT_COMPLETED = range(1, 9)


# --- elapsed time ----------------------------------------------------------------------------------------------------

_ELAPSED_2000_MS = 946_684_800_000  # the service counts from 2000-01-01
_TICK_COUNTER, _UTC, _MILLISECONDS, _CURRENT = 0x01, 0x02, 0x08, 0x20
_SOURCE_UNKNOWN, _SOURCE_NTP = 0, 1
_ELAPSED_BYTES = 9


@dataclass(frozen=True, slots=True)
class ElapsedTime:
    """The Elapsed Time characteristic: the time of day, or how long a band that does not know it has run."""

    ms: int  # unix milliseconds; since the boot for ticks
    ticks: bool = False


def encode_elapsed(time: ElapsedTime) -> bytes:
    flags = _MILLISECONDS | _CURRENT | (_TICK_COUNTER if time.ticks else _UTC)
    value = time.ms if time.ticks else time.ms - _ELAPSED_2000_MS
    source = _SOURCE_UNKNOWN if time.ticks else _SOURCE_NTP
    return bytes((flags,)) + value.to_bytes(6, "little") + bytes((source, 0))


def read_elapsed(value: bytes) -> ElapsedTime | None:
    """Read milliseconds of UTC, or of ticks; None for any other form, which nobody here writes."""
    if len(value) != _ELAPSED_BYTES or not value[0] & _MILLISECONDS:
        return None
    ms = int.from_bytes(value[1:7], "little")
    if value[0] & _TICK_COUNTER:
        return ElapsedTime(ms, ticks=True)
    return ElapsedTime(ms + _ELAPSED_2000_MS) if value[0] & _UTC else None


# --- challenge -------------------------------------------------------------------------------------------------------

_ANSWER = struct.Struct("<IBB")  # counter | status | tapped
_ANSWER_MAC = 10
ANSWER_BYTES = _ANSWER.size + _ANSWER_MAC


@dataclass(frozen=True, slots=True)
class Answer:
    """What a band says to a challenge."""

    counter: int  # synchronised seconds
    status: Status
    tapped: bool  # the wearer touched the band after it asked


def encode_answer(answer: Answer, nonce: bytes, history_key: bytes) -> bytes:
    """The band's answer; only the server can tell whether it is true."""
    clear = _ANSWER.pack(answer.counter, int(answer.status), answer.tapped)
    return clear + _answer_mac(clear, nonce, history_key)


def open_answer(body: bytes, nonce: bytes, history_key: bytes) -> Answer | None:
    """Read an answer; None for one that the band did not make to this nonce."""
    if len(body) != ANSWER_BYTES:
        return None
    clear = body[: _ANSWER.size]
    if not hmac.compare_digest(_answer_mac(clear, nonce, history_key), body[_ANSWER.size :]):
        return None
    counter, status, tapped = _ANSWER.unpack(clear)
    return Answer(counter, Status(status), bool(tapped))


def _answer_mac(clear: bytes, nonce: bytes, history_key: bytes) -> bytes:
    return hmac.digest(history_key, b"c" + nonce + clear, "sha256")[:_ANSWER_MAC]


def _hkdf(key: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, b"", info).derive(key)

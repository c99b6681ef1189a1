"""A band's flash log: records of 16 bytes, sealed and chained; and what goes with a transfer of them. Pure.

    record   sequence 3 | sealed 9 | tag 4          all numbers least significant byte first
    sealed   (boot 1 | ticks 3 | flags 1 | body 4) xor HMAC-SHA-256(history key, "e" | sequence), its first 9 bytes
    body     vitals: heart | SpO2 | skin | battery      clock (flag bit 7): the time of day, unix seconds
    tag      HMAC-SHA-256(history key, "r" | tag of the record before | sequence | sealed), its first 4 bytes

Sequences begin at 1 with a history key and are never used twice; the tag before record 1 is four zero bytes. Ticks are
seconds since the boot: a record has no time of day of its own, a *clock* record of the same boot gives it one. So a
band whose clock was lost records on, and what it recorded is dated once it is told the time, never guessed.

A *head* says what the log holds, so that nobody on the way can pretend that the band has less or more:

    head     base 3 | next 3 | anchor 4 | mac 6      anchor: the tag of record base - 1
    receipt  upto 3 | mac 8                          the server's leave to free the records up to and with `upto`
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ancu.models.frame import Status

__all__ = [
    "CAPACITY",
    "FIRST_TAG",
    "HEAD_BYTES",
    "MAX_SEQUENCE",
    "RECEIPT_BYTES",
    "RECORD_BYTES",
    "TAG_BYTES",
    "Clocked",
    "Entry",
    "Head",
    "Vitals",
    "chain_tag",
    "encode_entry",
    "encode_head",
    "make_receipt",
    "open_head",
    "open_receipt",
    "peek_head",
    "read_entry",
    "sequence_of",
    "skin_code",
    "split_records",
]

RECORD_BYTES = 16
TAG_BYTES = 4
HEAD_BYTES = 16
RECEIPT_BYTES = 11
CAPACITY = 20_992  # 82 sectors of 4 KiB: 14 days at one a minute (20,160), and a clock record every 25 minutes
MAX_SEQUENCE = 2**24 - 1  # 31 years at one a minute
FIRST_TAG = bytes(TAG_BYTES)
_CLOCK = 0x80
_TAMPER = 0x40
_STATUS = 0x3F
_SKIN_BASE_DECI_C = 200  # a byte of tenths reaches from 20.0 to 45.4 degrees
_SKIN_UNKNOWN = 255
_PLAIN = struct.Struct("<BHBB4s")  # boot | ticks low, high | flags | body
_HEAD = struct.Struct("<HBHB4s")
_HEAD_MAC = 6
_RECEIPT_MAC = 8


@dataclass(frozen=True, slots=True)
class Vitals:
    """What was measured in a minute."""

    heart_bpm: int  # 0 is unknown
    spo2_percent: int  # 0 is unknown
    skin_deci_c: int | None  # 20.0 to 45.4 degrees; None outside of it
    battery_percent: int
    status: Status
    tamper: bool


@dataclass(frozen=True, slots=True)
class Clocked:
    """The band knew the time of day."""

    unix_s: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One record without its tag."""

    sequence: int
    boot: int  # of the band, modulo 256
    ticks_s: int  # seconds since that boot
    body: Vitals | Clocked


@dataclass(frozen=True, slots=True)
class Head:
    """What a band's log holds: sequences `base` up to, not with, `next`."""

    base: int
    next: int
    anchor: bytes  # 4 B: tag of record base - 1


def skin_code(deci_c: int) -> int:
    """A temperature as a record keeps it."""
    code = deci_c - _SKIN_BASE_DECI_C
    return code if 0 <= code < _SKIN_UNKNOWN else _SKIN_UNKNOWN


def encode_entry(entry: Entry, history_key: bytes, before: bytes) -> bytes:
    """The 16 bytes of a record that follows one whose tag is `before`."""
    body = entry.body
    if isinstance(body, Clocked):
        flags, four = _CLOCK, body.unix_s.to_bytes(4, "little")
    else:
        flags = (int(body.status) & _STATUS) | (_TAMPER if body.tamper else 0)
        skin = _SKIN_UNKNOWN if body.skin_deci_c is None else skin_code(body.skin_deci_c)
        four = bytes((body.heart_bpm, body.spo2_percent, skin, body.battery_percent))
    ticks = min(entry.ticks_s, 2**24 - 1)
    plain = _PLAIN.pack(entry.boot & 0xFF, ticks & 0xFFFF, ticks >> 16, flags, four)
    number = entry.sequence.to_bytes(3, "little")
    record = number + _mask(plain, number, history_key)
    return record + chain_tag(history_key, before, record)


def read_entry(record: bytes, history_key: bytes) -> Entry:
    """Open a record; its tag is not looked at."""
    plain = _mask(record[3:12], record[:3], history_key)
    boot, ticks_low, ticks_high, flags, four = _PLAIN.unpack(plain)
    body: Vitals | Clocked
    if flags & _CLOCK:
        body = Clocked(int.from_bytes(four, "little"))
    else:
        heart, spo2, skin, battery = four
        deci_c = None if skin == _SKIN_UNKNOWN else skin + _SKIN_BASE_DECI_C
        body = Vitals(heart, spo2, deci_c, battery, Status(flags & _STATUS), bool(flags & _TAMPER))
    return Entry(sequence_of(record), boot, ticks_low | ticks_high << 16, body)


def sequence_of(record: bytes) -> int:
    return int.from_bytes(record[:3], "little")


def chain_tag(history_key: bytes, before: bytes, record: bytes) -> bytes:
    """The tag of a record (its first 12 bytes suffice) that follows one with the tag `before`."""
    return hmac.digest(history_key, b"r" + before + record[:12], "sha256")[:TAG_BYTES]


def split_records(records: bytes) -> Iterator[bytes]:
    """Records of 16 bytes; what is left over at the end is none."""
    for at in range(0, len(records) - RECORD_BYTES + 1, RECORD_BYTES):
        yield records[at : at + RECORD_BYTES]


def encode_head(head: Head, history_key: bytes) -> bytes:
    clear = _HEAD.pack(head.base & 0xFFFF, head.base >> 16, head.next & 0xFFFF, head.next >> 16, head.anchor)
    return clear + hmac.digest(history_key, b"h" + clear, "sha256")[:_HEAD_MAC]


def open_head(head: bytes, history_key: bytes) -> Head | None:
    """Read a head; None for one that the band did not make."""
    if len(head) != HEAD_BYTES:
        return None
    clear, mac = head[: _HEAD.size], head[_HEAD.size :]
    if not hmac.compare_digest(hmac.digest(history_key, b"h" + clear, "sha256")[:_HEAD_MAC], mac):
        return None
    base_low, base_high, next_low, next_high, anchor = _HEAD.unpack(clear)
    return Head(base_low | base_high << 16, next_low | next_high << 16, anchor)


def peek_head(head: bytes) -> Head:
    """Read a head without its key, as an edge does; raises ValueError for what is none."""
    if len(head) != HEAD_BYTES:
        raise ValueError("not a head")
    base_low, base_high, next_low, next_high, anchor = _HEAD.unpack(head[: _HEAD.size])
    return Head(base_low | base_high << 16, next_low | next_high << 16, anchor)


def make_receipt(upto: int, history_key: bytes) -> bytes:
    """The server's leave to free records."""
    clear = upto.to_bytes(3, "little")
    return clear + hmac.digest(history_key, b"f" + clear, "sha256")[:_RECEIPT_MAC]


def open_receipt(receipt: bytes, history_key: bytes) -> int | None:
    """Up to which record the server gives leave; None for a receipt that it did not make."""
    if len(receipt) != RECEIPT_BYTES or not hmac.compare_digest(
        make_receipt(int.from_bytes(receipt[:3], "little"), history_key), receipt
    ):
        return None
    return int.from_bytes(receipt[:3], "little")


def _mask(plain: bytes, number: bytes, history_key: bytes) -> bytes:
    """Seal or open the 9 bytes: a sequence is never used twice with a key, so neither is the pad."""
    pad = hmac.digest(history_key, b"e" + number, "sha256")
    return (int.from_bytes(plain, "big") ^ int.from_bytes(pad[:9], "big")).to_bytes(9, "big")

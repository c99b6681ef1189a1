"""MQTT bodies.

A *batch* goes from an edge to the server, sealed: neither gateway nor broker can read, forge, drop or reorder unseen.

    header (clear, authenticated)   'AB' | version | lane | flags | count | epoch | base | first | sent_ms | edge id
    nonce 12 | AES-256-GCM ciphertext

    plaintext   heard count u32 | zero u32 | heard records, 48 bytes each | msgpack [[offset, tag, critical, body], ...]

Record i of a batch has the sequence first + i of its lane and epoch. `base` is the lowest sequence that the edge still
holds: what is missing below it was dropped by the edge's cap and will never come. Heard records are fixed-width so that
numpy reads them without copying (`HEARD_FIELDS`); facts are rare, tagged and versioned by their tag.

A *confirm* goes back: the highest contiguous sequence per lane and epoch, clear but authenticated, so that a gateway
can read it and only the server can write it. A *relay* is what a gateway sends upstream: batches, unedited.
"""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ancu.models.band_facts import BandClock, BandUpdated, ChallengeAnswered, HistoryHeard, HistoryRun, ReducedVitals
from ancu.models.errors import WireReason, WireRefused
from ancu.models.frame import BODY_BYTES
from ancu.models.ids import BandNumber, EdgeId, GatewayId, WardCode
from ancu.models.topics import Lane

__all__ = [
    "HEARD_BYTES",
    "HEARD_FIELDS",
    "MAX_BATCH_BYTES",
    "MAX_BATCH_RECORDS",
    "Batch",
    "BatchHeader",
    "CameraCrossing",
    "CameraHealth",
    "CameraStill",
    "CameraZone",
    "Confirmation",
    "EdgeHeartbeat",
    "EdgeStarted",
    "EdgeStatus",
    "Fact",
    "GatewayHealth",
    "Heard",
    "JournalHealth",
    "LastHeard",
    "MainsChanged",
    "Neighbours",
    "RadioHealth",
    "Refused",
    "Relay",
    "Relayed",
    "Unseen",
    "decode_confirm",
    "decode_relay",
    "decode_status",
    "encode_confirm",
    "encode_relay",
    "encode_status",
    "open_batch",
    "pack_record",
    "peek_batch",
    "peek_confirm",
    "seal_batch",
    "unpack_record",
]

VERSION = 1
MAX_BATCH_RECORDS = 4096  # bounds the memory that one body can claim
MAX_BATCH_BYTES = 512 * 1024  # a broker's default limit is 1 MiB; a larger body is refused before it is opened

# --- what an edge states ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heard:
    """A sealed frame as an edge heard it: packed, 48 bytes."""

    at_ms: int  # the edge's clock, unix milliseconds
    band: BandNumber  # by the identity key that resolved the address
    address: bytes  # 6 B, as advertised: the frame's nonce needs it
    rssi_dbm: int  # of the strongest advert since the last report
    adverts: int  # heard since the last report of this band, at most 255
    body: bytes  # 24 B of service data


class RadioHealth(msgspec.Struct, frozen=True, array_like=True):
    ok: bool  # an adapter is there and scanning
    adverts: int  # of any device, heard in the last period
    rescans: int  # scans restarted since the start


class JournalHealth(msgspec.Struct, frozen=True, array_like=True):
    alarm: int  # records waiting for a confirm
    state: int
    bulk: int
    dropped: int  # bulk records given up since the epoch began


class LastHeard(msgspec.Struct, frozen=True, array_like=True):
    band: int
    at_ms: int | None  # None: never since the edge started
    near: bool | None = None  # by how loud it is, see presence.py; None: this edge cannot tell, or was never walked


class EdgeHeartbeat(msgspec.Struct, frozen=True, tag="heartbeat"):
    """The edge lives, and how well it hears. State lane, every `period_s`."""

    at_ms: int
    period_s: int
    uptime_s: int
    mains: bool
    clock_synced: bool
    radio: RadioHealth
    journal: JournalHealth
    bands: tuple[LastHeard, ...]
    version: str
    applied: Mapping[str, int] = msgspec.field(default_factory=dict)  # what commands set, see commands.py
    walked: bool | None = None  # whether a walk through the rooms proved its radio; None: this edge does not say


class EdgeStarted(msgspec.Struct, frozen=True, tag="started"):
    """The edge's process began; what it knew of presence is gone."""

    at_ms: int
    version: str


class Unseen(msgspec.Struct, frozen=True, tag="unseen"):
    """A band was not heard although the scan was restarted and works. Alarm lane, once an absence."""

    at_ms: int
    band: int
    last_heard_ms: int | None
    rescans: int  # scans restarted since it was last heard


class CameraCrossing(msgspec.Struct, frozen=True, tag="crossing"):
    """A track crossed a door. Alarm lane."""

    at_ms: int
    camera: str
    door: str
    direction: Literal["in", "out"]
    track: int
    confidence: float
    frames: int  # detections that the track rests on


class CameraHealth(msgspec.Struct, frozen=True, tag="camera"):
    """A camera's condition changed. State lane."""

    at_ms: int
    camera: str
    state: Literal["ok", "covered", "moved", "defocused", "frozen", "dead"]
    since_ms: int


class CameraZone(msgspec.Struct, frozen=True, tag="zone"):
    """So many people stand in a marked part of a camera's picture. Alarm lane, when the count changed and stayed."""

    at_ms: int
    camera: str
    zone: str
    watch: Literal["forbidden", "gathering"]
    people: int
    since_ms: int


class CameraStill(msgspec.Struct, frozen=True, tag="still"):
    """One picture that the server asked for, or why none may leave. Bulk lane. Servers keep it out of the inbox."""

    at_ms: int
    camera: str
    ask: str  # of the command
    refused: Literal["", "policy", "camera", "soon"] = ""  # "soon": asked again before the last one's pause was over
    width: int = 0
    height: int = 0
    jpeg: bytes = b""


class Neighbours(msgspec.Struct, frozen=True, tag="neighbours"):
    """The strongest foreign devices that a fixed box hears, each as a keyed hash: they show whether it was moved.

    Bulk lane, every quarter of an hour or so. The key never leaves the box, so nobody can tell whose devices they are.
    """

    at_ms: int
    heard: tuple[tuple[bytes, int], ...]  # (8 B, rssi_dbm), strongest first


class MainsChanged(msgspec.Struct, frozen=True, tag="mains"):
    """Mains power went or came back. State lane."""

    at_ms: int
    on: bool


Fact = (
    EdgeHeartbeat
    | EdgeStarted
    | Unseen
    | CameraCrossing
    | CameraHealth
    | CameraZone
    | CameraStill
    | Neighbours
    | MainsChanged
    | HistoryRun
    | BandClock
    | ChallengeAnswered
    | ReducedVitals
    | BandUpdated
    | HistoryHeard
)
_FACTS: dict[str, type[Fact]] = {
    "heartbeat": EdgeHeartbeat,
    "started": EdgeStarted,
    "unseen": Unseen,
    "crossing": CameraCrossing,
    "camera": CameraHealth,
    "zone": CameraZone,
    "still": CameraStill,
    "neighbours": Neighbours,
    "mains": MainsChanged,
    "history": HistoryRun,
    "band_clock": BandClock,
    "challenge": ChallengeAnswered,
    "reduced": ReducedVitals,
    "band_updated": BandUpdated,
    "history_heard": HistoryHeard,
}

# --- records in a journal --------------------------------------------------------------------------------------------

_HEARD = struct.Struct("<QI6sbBH24sxx")
HEARD_BYTES = _HEARD.size
HEARD_FIELDS = (  # (name, numpy type): the same bytes as a structured array
    ("at_ms", "<u8"),
    ("band", "<u4"),
    ("address", "V6"),
    ("rssi_dbm", "i1"),
    ("adverts", "u1"),
    ("offset", "<u2"),  # the record's place in its batch
    ("body", f"V{BODY_BYTES}"),
    ("zero", "V2"),
)
_OFFSET_AT = 20


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    tag: str
    critical: bool
    body: msgspec.Raw


_stored = msgspec.msgpack.Decoder(_Stored)
_pack = msgspec.msgpack.Encoder()
_fact_decoders: dict[str, Callable[[bytes], Fact]] = {
    tag: msgspec.msgpack.Decoder(kind).decode for tag, kind in _FACTS.items()
}


def pack_record(record: Heard | Fact, *, critical: bool = False) -> bytes:
    """A record as a journal keeps it: 48 bytes for Heard, 'F' and msgpack for a fact (never 48 bytes long by kind)."""
    if isinstance(record, Heard):
        return b"H" + _HEARD.pack(
            record.at_ms,
            record.band,
            record.address,
            max(-128, min(127, record.rssi_dbm)),
            min(record.adverts, 255),
            0,
            record.body,
        )
    tag = str(record.__struct_config__.tag)
    return b"F" + _pack.encode(_Stored(tag, critical, msgspec.Raw(_pack.encode(record))))


def unpack_record(blob: bytes) -> Heard | Fact:
    """Read what `pack_record` wrote; raises WireRefused."""
    if blob[:1] == b"H" and len(blob) == 1 + HEARD_BYTES:
        return _heard(blob[1:])
    if blob[:1] == b"F":
        fact = _fact(blob[1:])
        if not isinstance(fact, WireReason):
            return fact
    raise WireRefused(WireReason.LAYOUT, "journal record")


def _heard(raw: bytes) -> Heard:
    at_ms, band, address, rssi, adverts, _, body = _HEARD.unpack(raw)
    return Heard(at_ms, BandNumber(band), address, rssi, adverts, body)


def _fact(raw: bytes | msgspec.Raw) -> Fact | WireReason:
    try:
        stored = _stored.decode(raw)
        decode = _fact_decoders.get(stored.tag)
        if decode is None:
            return WireReason.CRITICAL if stored.critical else WireReason.VERSION
        return decode(bytes(stored.body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return WireReason.LAYOUT


# --- batches ---------------------------------------------------------------------------------------------------------

_HEADER = struct.Struct("<2sBBHHQQQQB")
_COUNTS = struct.Struct("<II")
_NONCE_BYTES = 12
_TAG_BYTES = 16
_CRITICAL_FLAGS = 0xFF00  # a receiver that does not know one of these must refuse; the low ones may be ignored


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """What anyone on the way can read of a batch."""

    edge: EdgeId
    lane: Lane
    epoch: int  # of the edge's journal: a new one is a new journal
    base: int  # lowest sequence still held
    first: int  # sequence of the first record
    count: int
    sent_ms: int


@dataclass(frozen=True, slots=True)
class Refused:
    """One record of a good batch that cannot be read."""

    offset: int
    reason: WireReason


@dataclass(frozen=True, slots=True)
class Batch:
    """An opened batch. `heard` is the packed array as bytes: `numpy.frombuffer(heard, HEARD_FIELDS)` reads it."""

    header: BatchHeader
    heard: memoryview
    facts: tuple[tuple[int, Fact], ...]  # (offset, fact)
    refused: tuple[Refused, ...]

    def heard_records(self) -> list[tuple[int, Heard]]:
        """The heard records one by one as (offset, record)."""
        raw = bytes(self.heard)
        return [
            (int.from_bytes(raw[i + _OFFSET_AT : i + _OFFSET_AT + 2], "little"), _heard(raw[i : i + HEARD_BYTES]))
            for i in range(0, len(raw), HEARD_BYTES)
        ]


def seal_batch(header: BatchHeader, records: Sequence[bytes], up_key: bytes) -> bytes:
    """Seal packed records (of `pack_record`) into one body."""
    if not 0 < len(records) <= MAX_BATCH_RECORDS or header.count != len(records):
        raise ValueError(f"a batch holds 1 to {MAX_BATCH_RECORDS} records, and says how many")
    heard: list[bytes] = []
    facts: list[tuple[int, msgspec.Raw]] = []
    for offset, blob in enumerate(records):
        if blob[:1] == b"H":
            heard.append(blob[1 : 1 + _OFFSET_AT] + offset.to_bytes(2, "little") + blob[3 + _OFFSET_AT :])
        else:
            facts.append((offset, msgspec.Raw(blob[1:])))
    plain = _COUNTS.pack(len(heard), 0) + b"".join(heard) + _pack.encode(facts)
    clear = _header_bytes(header)
    nonce = os.urandom(_NONCE_BYTES)
    return clear + nonce + AESGCM(up_key).encrypt(nonce, plain, clear)


def peek_batch(body: bytes) -> BatchHeader:
    """Read the clear header of a batch; raises WireRefused. Nothing in it is proven until `open_batch`."""
    return _peek(body)[0]


def open_batch(body: bytes, up_key: bytes) -> Batch:
    """Open a sealed batch; raises WireRefused. Records that cannot be read are listed, the good ones kept."""
    header, end = _peek(body)
    nonce = body[end : end + _NONCE_BYTES]
    try:
        plain = AESGCM(up_key).decrypt(nonce, body[end + _NONCE_BYTES :], body[:end])
    except InvalidTag:
        raise WireRefused(WireReason.SEAL) from None
    return _read_plain(header, plain)


def _peek(body: bytes) -> tuple[BatchHeader, int]:
    if len(body) > MAX_BATCH_BYTES:
        raise WireRefused(WireReason.TOO_LARGE, f"{len(body)} bytes")
    if len(body) < _HEADER.size + _NONCE_BYTES + _TAG_BYTES:
        raise WireRefused(WireReason.SHORT, f"{len(body)} bytes")
    magic, version, lane, flags, count, epoch, base, first, sent_ms, size = _HEADER.unpack_from(body)
    if magic != b"AB":
        raise WireRefused(WireReason.MAGIC)
    if version != VERSION:
        raise WireRefused(WireReason.VERSION, f"version {version}")
    if flags & _CRITICAL_FLAGS:
        raise WireRefused(WireReason.CRITICAL, f"flags {flags:#06x}")
    end = _HEADER.size + size
    try:
        edge = EdgeId(body[_HEADER.size : end].decode("ascii"))
        header = BatchHeader(edge, Lane(lane), epoch, base, first, count, sent_ms)
    except ValueError as error:
        raise WireRefused(WireReason.LAYOUT, "lane or edge id") from error
    if len(body) < end + _NONCE_BYTES + _TAG_BYTES or not 0 < count <= MAX_BATCH_RECORDS or base > first:
        raise WireRefused(WireReason.LAYOUT, "counts")
    return header, end


def _read_plain(header: BatchHeader, plain: bytes) -> Batch:
    if len(plain) < _COUNTS.size:
        raise WireRefused(WireReason.LAYOUT, "no counts")
    n, _ = _COUNTS.unpack_from(plain)
    split = _COUNTS.size + n * HEARD_BYTES
    if n > header.count or split > len(plain):
        raise WireRefused(WireReason.LAYOUT, "heard count")
    heard = memoryview(plain)[_COUNTS.size : split]
    try:
        rows = msgspec.msgpack.decode(plain[split:], type=list[tuple[int, msgspec.Raw]])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireRefused(WireReason.LAYOUT, "facts") from error
    offsets = [int.from_bytes(heard[i : i + 2], "little") for i in range(_OFFSET_AT, len(heard), HEARD_BYTES)]
    if sorted(offsets + [offset for offset, _ in rows]) != list(range(header.count)):
        raise WireRefused(WireReason.LAYOUT, "offsets")
    facts: list[tuple[int, Fact]] = []
    refused: list[Refused] = []
    for offset, raw in rows:
        fact = _fact(raw)
        if isinstance(fact, WireReason):
            refused.append(Refused(offset, fact))
        else:
            facts.append((offset, fact))
    return Batch(header, heard, tuple(facts), tuple(refused))


def _header_bytes(h: BatchHeader) -> bytes:
    name = h.edge.encode("ascii")
    return _HEADER.pack(b"AB", VERSION, h.lane, 0, h.count, h.epoch, h.base, h.first, h.sent_ms, len(name)) + name


# --- confirms --------------------------------------------------------------------------------------------------------

_CONFIRM = struct.Struct("<2sBBQQB")
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The server holds everything of this lane and epoch up to and with `upto`."""

    edge: EdgeId
    lane: Lane
    epoch: int
    upto: int


def encode_confirm(confirmation: Confirmation, down_key: bytes) -> bytes:
    name = confirmation.edge.encode("ascii")
    clear = _CONFIRM.pack(b"AK", VERSION, confirmation.lane, confirmation.epoch, confirmation.upto, len(name)) + name
    return clear + _mac(clear, down_key)


def peek_confirm(body: bytes) -> Confirmation:
    """Read a confirm without its key, as a gateway does; raises WireRefused."""
    if len(body) < _CONFIRM.size + _MAC_BYTES:
        raise WireRefused(WireReason.SHORT)
    magic, version, lane, epoch, upto, size = _CONFIRM.unpack_from(body)
    if magic != b"AK":
        raise WireRefused(WireReason.MAGIC)
    if version != VERSION:
        raise WireRefused(WireReason.VERSION, f"version {version}")
    if len(body) != _CONFIRM.size + size + _MAC_BYTES:
        raise WireRefused(WireReason.LAYOUT, "length")
    try:
        return Confirmation(EdgeId(body[_CONFIRM.size : -_MAC_BYTES].decode("ascii")), Lane(lane), epoch, upto)
    except ValueError as error:
        raise WireRefused(WireReason.LAYOUT, "lane or edge id") from error


def decode_confirm(body: bytes, down_key: bytes) -> Confirmation:
    """Read and authenticate a confirm; raises WireRefused."""
    confirmation = peek_confirm(body)
    if not hmac.compare_digest(_mac(body[:-_MAC_BYTES], down_key), body[-_MAC_BYTES:]):
        raise WireRefused(WireReason.SEAL)
    return confirmation


def _mac(clear: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"confirm" + clear, "sha256")[:_MAC_BYTES]


# --- status and relays -----------------------------------------------------------------------------------------------


class EdgeStatus(msgspec.Struct, frozen=True):
    """Retained under the edge's status topic; `online: false` is its last will. A hint, never evidence."""

    online: bool
    version: str = ""
    v: Literal[1] = 1


class Relayed(msgspec.Struct, frozen=True, array_like=True):
    """One batch as a gateway received it."""

    ward: WardCode
    edge: EdgeId
    lane: Lane
    received_ms: int
    body: bytes


class GatewayHealth(msgspec.Struct, frozen=True):
    uptime_s: int
    spooled: int  # bodies waiting for a confirm
    dropped: int
    refused: Mapping[str, int]  # by reason, since the start
    version: str


class Relay(msgspec.Struct, frozen=True):
    """What a gateway publishes upstream. Without items it is a heartbeat."""

    gateway: GatewayId
    sent_ms: int
    items: tuple[Relayed, ...] = ()
    health: GatewayHealth | None = None
    v: Literal[1] = 1


_relay = msgspec.msgpack.Decoder(Relay)
_status = msgspec.json.Decoder(EdgeStatus)


def encode_relay(relay: Relay) -> bytes:
    return _pack.encode(relay)


def decode_relay(body: bytes) -> Relay:
    """Read a relay; raises WireRefused."""
    try:
        return _relay.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireRefused(WireReason.LAYOUT, "relay") from error


def encode_status(status: EdgeStatus) -> bytes:
    return msgspec.json.encode(status)


def decode_status(body: bytes) -> EdgeStatus:
    """Read a status; raises WireRefused."""
    try:
        return _status.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireRefused(WireReason.LAYOUT, "status") from error

"""A row of the inbox: what one batch brought, believed and packed; and the judge's inputs made of it. Pure.

The same rows give the same inputs, now and after a restart: nothing here looks at a clock or a key.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from ancu.models.band_facts import BandClock, BandUpdated, ChallengeAnswered, HistoryHeard, HistoryRun, ReducedVitals
from ancu.models.clock import from_ms
from ancu.models.errors import WireRefused
from ancu.models.frame import Reading, Status
from ancu.models.ids import BandNumber, EdgeId
from ancu.models.wire import (
    CameraCrossing,
    CameraHealth,
    CameraStill,
    CameraZone,
    EdgeHeartbeat,
    EdgeStarted,
    Fact,
    Heard,
    MainsChanged,
    Neighbours,
    Unseen,
    pack_record,
    unpack_record,
)
from ancu.server.cases.inputs import (
    BandHeard,
    BandUnseen,
    CameraChanged,
    DoorCrossed,
    EdgeAlive,
    EdgeBegan,
    FrameTrouble,
    Input,
    MainsTurned,
    NeighboursScanned,
    PersonInput,
    ZoneCounted,
)
from ancu.server.ingest.columns import Flag, reading_tuples
from ancu.server.ingest.notes import pack_note, unpack_notes
from ancu.server.ingest.verify import FRESH_MS

__all__ = ["Row", "Trouble", "facts_of", "inputs_of", "near_of", "note_row", "pack_facts", "sane_ms"]


class Trouble(msgspec.Struct, frozen=True, array_like=True):
    """Refused frames or bodies that someone has to look at."""

    band: int | None
    reason: str  # a FrameReason, a WireReason, or 'gap'
    count: int


@dataclass(frozen=True, slots=True)
class Row:
    """One batch in the inbox. Lane 0 is the server's own note: of trouble with an edge's bodies, or of a person."""

    received_ms: int
    ward: str
    edge: EdgeId
    gateway: str
    lane: int
    epoch: int
    first: int
    count: int
    readings: bytes  # columns.READING
    facts: bytes  # of pack_facts


class _Facts(msgspec.Struct, array_like=True):
    facts: tuple[tuple[int, bytes], ...] = ()
    troubles: tuple[Trouble, ...] = ()
    notes: tuple[bytes, ...] = ()


_STATUSES = tuple(Status(bits) for bits in range(256))  # making a flag costs more than reading a frame
_UNSYNCED, _LATE, _URGENT, _TAMPER = int(Status.UNSYNCED), int(Flag.LATE), int(Flag.URGENT), int(Flag.TAMPER)
_HISTORY = int(Flag.HISTORY)
_decoder = msgspec.msgpack.Decoder(_Facts)
_encoder = msgspec.msgpack.Encoder()


def pack_facts(facts: Iterable[tuple[int, Fact]], troubles: Iterable[Trouble]) -> bytes:
    """Pack (offset, fact) pairs and troubles; nothing packs to nothing."""
    packed = _Facts(tuple((offset, pack_record(fact)) for offset, fact in facts), tuple(troubles))
    return _encoder.encode(packed) if packed.facts or packed.troubles else b""


def note_row(told: PersonInput, ward: str, received_ms: int) -> Row:
    """What the API told of a person of a ward."""
    facts = _encoder.encode(_Facts(notes=(pack_note(told),)))
    return Row(received_ms, ward, EdgeId(""), "", 0, 0, 0, 0, b"", facts)


def facts_of(row: Row) -> tuple[list[tuple[int, Fact]], tuple[Trouble, ...]]:
    """Read what `pack_facts` wrote; a kind of fact that this version does not know is left out."""
    if not row.facts:
        return [], ()
    packed = _decoder.decode(row.facts)
    facts: list[tuple[int, Fact]] = []
    for offset, blob in packed.facts:
        try:
            fact = unpack_record(blob)
        except WireRefused:
            continue
        if not isinstance(fact, Heard):
            facts.append((offset, fact))
    return facts, packed.troubles


def inputs_of(row: Row) -> list[Input]:
    """What a row tells the judge, in the order in which the edge wrote it; troubles last."""
    if not row.edge:
        return list(unpack_notes(_decoder.decode(row.facts).notes))
    facts, troubles = facts_of(row)
    placed: list[tuple[int, Input]] = [
        _heard(row.edge, reading) for reading in reading_tuples(row.readings) if not reading[-1] & _HISTORY
    ]
    placed.extend((offset, stated) for offset, fact in facts if (stated := _stated(row, fact)) is not None)
    if facts and row.readings:
        placed.sort(key=lambda entry: entry[0])
    inputs = [entry for _, entry in placed]
    at = from_ms(row.received_ms)
    for trouble in troubles:
        band = None if trouble.band is None else BandNumber(trouble.band)
        inputs.append(FrameTrouble(at, row.edge, band, trouble.reason, trouble.count))
    return inputs


def near_of(beat: EdgeHeartbeat) -> tuple[tuple[BandNumber, bool], ...]:
    """The bands that an edge calls near or far."""
    return tuple((BandNumber(one.band), one.near) for one in beat.bands if one.near is not None)


def sane_ms(ms: int, received_ms: int) -> int:
    """An edge's time, but never after it was received: a clock that runs ahead must not make it live in the future."""
    return max(0, min(ms, received_ms))


def _heard(edge: EdgeId, row: tuple[int, ...]) -> tuple[int, Input]:
    heard_ms, band, counter, head, _, offset, skin, rssi, _, battery, heart, spo2, bits, flags = row
    heard_at = from_ms(heard_ms)
    return offset, BandHeard(
        at=heard_at if bits & _UNSYNCED else from_ms(counter * 1000),
        heard_at=heard_at,
        edge=edge,
        band=BandNumber(band),
        rssi_dbm=rssi,
        counter=counter,
        reading=Reading(battery, bool(flags & _TAMPER), skin, heart, spo2, _STATUSES[bits], head),
        urgent=bool(flags & _URGENT),
        late=bool(flags & _LATE),
    )


def _stated(row: Row, fact: Fact) -> Input | None:  # noqa: PLR0911 - one case a fact
    at_ms = sane_ms(fact.at_ms, row.received_ms)
    at = from_ms(at_ms)
    edge = row.edge
    late = row.received_ms - at_ms > FRESH_MS
    match fact:
        case EdgeHeartbeat():
            walked = fact.walked is not False
            return EdgeAlive(at, edge, fact.period_s, fact.mains, fact.radio.ok, late, walked, near_of(fact))
        case EdgeStarted():
            return EdgeBegan(at, edge, late)
        case Unseen():
            last = None if fact.last_heard_ms is None else from_ms(sane_ms(fact.last_heard_ms, at_ms))
            return BandUnseen(at, edge, BandNumber(fact.band), last, late)
        case CameraCrossing():
            return DoorCrossed(at, edge, fact.camera, fact.door, fact.direction, fact.track, fact.confidence, late)
        case CameraHealth():
            return CameraChanged(at, edge, fact.camera, fact.state, late)
        case CameraZone():
            since = from_ms(sane_ms(fact.since_ms, at_ms))
            return ZoneCounted(at, edge, fact.camera, fact.zone, fact.watch, fact.people, since, late)
        case Neighbours():
            return NeighboursScanned(at, edge, frozenset(device for device, _ in fact.heard), late)
        case MainsChanged():
            return MainsTurned(at, edge, fact.on, late)
        case (
            HistoryHeard()
            | HistoryRun()
            | BandClock()
            | BandUpdated()
            | ChallengeAnswered()
            | ReducedVitals()
            | CameraStill()
        ):
            return None  # of a band's own word: verified beside the judge

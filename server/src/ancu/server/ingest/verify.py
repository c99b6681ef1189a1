"""The strict receiver: which frames are believed. No I/O; the time and the keys are arguments.

Held against BTHome's own receivers, which accept equal and small counters:

- the counter of a band grows strictly within one edge's lane; a lane is a journal, in order by itself;
- lanes and edges overtake each other, so an older counter that nobody has brought yet is believed, as late;
- the same counter with the same seal from another edge or lane is an echo: it adds nothing but signal strength;
- the same counter with another seal is a clone;
- an edge that hears a frame long after its counter was true is listening to a replay (stale).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from ancu.models.errors import FrameReason, FrameRefused
from ancu.models.frame import Opened, Status, open_frame
from ancu.models.topics import Lane
from ancu.server.ingest.columns import Flag, heard_rows, pack_reading, reading_tuples

__all__ = ["FRESH_MS", "FUTURE_MS", "PLAYED_MS", "Received", "Receiver"]

FRESH_MS = 90_000  # a frame older than this says nothing about now
FUTURE_MS = 60_000  # two honest clocks are never this far apart
PLAYED_MS = 60_000  # an edge hears a frame as it is sent: one whose counter is older was recorded and is played
_REPEAT_MS = 30_000  # an edge that was restarted may bring the frame of a moment ago once more: refused, but no trouble
_UNSYNCED = int(Status.UNSYNCED)  # plain numbers: making a flag costs more than the rest of a verdict
_LATE, _URGENT, _TAMPER = int(Flag.LATE), int(Flag.URGENT), int(Flag.TAMPER)
_RECENT = 32  # counters a band whose seals are remembered: a minute of adverts


@dataclass(slots=True)
class Received:
    """What became of the heard records of one batch."""

    readings: bytes  # packed, in the order of the batch
    count: int
    refused: Counter[tuple[int, FrameReason]]  # by band
    troubles: Counter[tuple[int, FrameReason]]  # of these, what someone has to look at
    echoes: int


class _Band(msgspec.Struct, array_like=True):
    high: int = 0  # greatest counter believed
    last: dict[str, int] = msgspec.field(default_factory=dict)  # greatest counter by edge and lane
    recent: dict[int, int] = msgspec.field(default_factory=dict)  # counter -> tag


class Receiver:
    """Last counters of every band. Same records in the same order, same state."""

    def __init__(self) -> None:
        self._bands: dict[int, _Band] = {}

    def receive(
        self, heard: memoryview, ciphers: Mapping[int, AESCCM], *, edge: str, lane: Lane, now_ms: int, skip: int = 0
    ) -> Received:
        """Judge the heard records of an opened batch, but for those whose offset is below `skip`."""
        source = _source(edge, lane)
        packed: list[bytes] = []
        refused: Counter[tuple[int, FrameReason]] = Counter()
        troubles: Counter[tuple[int, FrameReason]] = Counter()
        echoes = 0
        for at_ms, band, address, rssi, adverts, offset, body, _ in heard_rows(heard):
            if offset < skip:
                continue
            state = self._bands.get(band) or _Band()
            tag = int.from_bytes(body[-4:], "little")
            try:
                if at_ms > now_ms + FUTURE_MS:
                    raise FrameRefused(FrameReason.FUTURE)  # noqa: TRY301 - the same as any other refusal
                opened = open_frame(body, _cipher_of(band, ciphers), address)
                if not _believe(state, opened, tag, source, at_ms):
                    echoes += 1
                    continue
            except FrameRefused as error:
                refused[band, error.reason] += 1
                if error.reason is not FrameReason.UNKNOWN_BAND and not _is_repeat(error.reason, at_ms, body):
                    troubles[band, error.reason] += 1
                continue
            flags = _flags(state, opened, at_ms, now_ms)
            reading = opened.reading
            packed.append(
                pack_reading(
                    at_ms,
                    band,
                    opened.counter,
                    reading.history_head,
                    tag,
                    offset,
                    reading.skin_deci_c,
                    rssi,
                    adverts,
                    reading.battery_percent,
                    reading.heart_bpm,
                    reading.spo2_percent,
                    reading.status,
                    flags,
                )
            )
            self._note(band, opened.counter, tag, source)
        return Received(b"".join(packed), len(packed), refused, troubles, echoes)

    def remember(self, readings: bytes, *, edge: str, lane: Lane) -> None:
        """Take readings that were believed before a restart."""
        source = _source(edge, lane)
        for row in reading_tuples(readings):
            self._note(row[1], row[2], row[4], source)

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(self._bands)

    def restore(self, snapshot: bytes) -> None:
        """Raises msgspec.DecodeError for what `snapshot` did not write."""
        self._bands = msgspec.msgpack.decode(snapshot, type=dict[int, _Band])

    def _note(self, band: int, counter: int, tag: int, source: str) -> None:
        state = self._bands.get(band)
        if state is None:
            state = self._bands[band] = _Band()
        state.high = max(state.high, counter)
        state.last[source] = counter
        state.recent[counter] = tag
        if len(state.recent) > _RECENT:
            del state.recent[min(state.recent)]


def _source(edge: str, lane: Lane) -> str:
    return f"{edge}/{lane:d}"


def _is_repeat(reason: FrameReason, at_ms: int, body: bytes) -> bool:
    return reason is FrameReason.REPLAY and at_ms - int.from_bytes(body[16:20], "little") * 1000 <= _REPEAT_MS


def _cipher_of(band: int, ciphers: Mapping[int, AESCCM]) -> AESCCM:
    cipher = ciphers.get(band)
    if cipher is None:
        raise FrameRefused(FrameReason.UNKNOWN_BAND)
    return cipher


def _believe(state: _Band, opened: Opened, tag: int, source: str, at_ms: int) -> bool:
    """Whether a frame is news (True) or an echo (False); raises FrameRefused."""
    counter = opened.counter
    known = state.recent.get(counter)
    if known is not None and known != tag:
        raise FrameRefused(FrameReason.CLONE)
    if counter <= state.last.get(source, 0):
        raise FrameRefused(FrameReason.REPLAY)
    if not int(opened.reading.status) & _UNSYNCED:
        if counter * 1000 > at_ms + FUTURE_MS:
            raise FrameRefused(FrameReason.FUTURE)
        if at_ms - counter * 1000 > PLAYED_MS:
            raise FrameRefused(FrameReason.STALE)
    return known is None


def _flags(state: _Band, opened: Opened, at_ms: int, now_ms: int) -> int:
    reading = opened.reading
    told_ms = at_ms if int(reading.status) & _UNSYNCED else opened.counter * 1000
    flags = _LATE if now_ms - told_ms > FRESH_MS or opened.counter < state.high else 0
    if opened.urgent:
        flags |= _URGENT
    return flags | _TAMPER if reading.tamper else flags

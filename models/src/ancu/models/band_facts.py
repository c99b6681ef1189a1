"""What an edge states after a visit to a band: a connection for history, time, and challenges."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["BandClock", "BandUpdated", "ChallengeAnswered", "HistoryHeard", "HistoryRun", "ReducedVitals"]


class HistoryRun(msgspec.Struct, frozen=True, tag="history"):
    """Records of a band's flash log, as it gave them. Bulk lane. The edge can neither read nor make them."""

    at_ms: int
    band: int
    head: bytes  # 16 B, by the band
    records: bytes  # 16 B each, in order


class HistoryHeard(msgspec.Struct, frozen=True, tag="history_heard"):
    """A frame of the extended profile: newest records, without a connection. Bulk lane. Proves no presence."""

    at_ms: int
    band: int
    address: bytes  # 6 B, as advertised
    body: bytes  # service data of 57 to 219 B, for the server alone


class BandClock(msgspec.Struct, frozen=True, tag="band_clock"):
    """A band's clock against the edge's, read in one visit. State lane."""

    at_ms: int  # the edge's clock, at the middle of the exchange
    band: int
    boot: int  # modulo 256
    ticks_ms: int  # since that boot
    offset_ms: int | None  # the band's time of day less the edge's, before it was set; None: it knew none
    round_ms: int  # the exchange took so long: the error is at most half of it
    set: bool  # the edge told the band the time


class ChallengeAnswered(msgspec.Struct, frozen=True, tag="challenge"):
    """What came of a challenge. Alarm lane."""

    at_ms: int
    band: int
    challenge: str
    answer: bytes  # by the band, for the server alone; empty: it was not reached, or did not answer
    why: str = ""  # of no answer: 'unreachable', 'refused', 'deadline'


class BandUpdated(msgspec.Struct, frozen=True, tag="band_updated"):
    """What became of new firmware for a band. State lane."""

    at_ms: int
    band: int
    image: bytes  # SHA-256, as the image says it
    outcome: Literal["sent", "running", "refused", "reverted"]  # 'sent': to be tried at the band's next reset
    why: str = ""  # of a refusal, in the band's word: 'hash', 'key', 'signature', 'floor', 'format'


class ReducedVitals(msgspec.Struct, frozen=True, tag="reduced"):
    """An ordinary heart-rate band as an edge read it: its own word, unsigned, without tamper. State lane."""

    at_ms: int
    band: int
    heart_bpm: int | None
    contact: bool | None  # skin contact, where the band tells
    skin_deci_c: int | None
    spo2_percent: int | None
    battery_percent: int | None
    rssi_dbm: int | None

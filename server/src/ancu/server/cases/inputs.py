"""Inputs: everything that a decision may know, each with the time at which it became true.

`at` is always UTC-aware. `late` marks stored data that arrives after the fact: it is kept and shown, never pages, and
never moves the current state backwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ancu.models.frame import Reading
from ancu.models.ids import BandNumber, EdgeId, GatewayId

__all__ = [
    "AbsenceEnded",
    "AbsenceGranted",
    "BandHeard",
    "BandUnseen",
    "CameraChanged",
    "ChallengeSettled",
    "CheckinAnswered",
    "CheckinAsked",
    "CheckpointScanned",
    "DoorCrossed",
    "EdgeAlive",
    "EdgeBegan",
    "FrameTrouble",
    "GatewayAlive",
    "Input",
    "MainsTurned",
    "NeighboursScanned",
    "PersonInput",
    "SelfReported",
    "SosTapped",
    "Tick",
    "ZoneCounted",
]


@dataclass(frozen=True, slots=True)
class BandHeard:
    """A verified reading. `at` is the band's own counter time; `heard_at` the edge's clock."""

    at: datetime
    heard_at: datetime
    edge: EdgeId
    band: BandNumber
    rssi_dbm: int
    counter: int
    reading: Reading
    urgent: bool
    late: bool


@dataclass(frozen=True, slots=True)
class BandUnseen:
    """An edge restarted its scan and still does not hear a band."""

    at: datetime
    edge: EdgeId
    band: BandNumber
    last_heard_at: datetime | None
    late: bool = False


@dataclass(frozen=True, slots=True)
class EdgeAlive:
    """A heartbeat: the edge lives, and says whether its radio can be believed."""

    at: datetime
    edge: EdgeId
    period_s: int
    mains: bool
    radio_ok: bool
    late: bool = False
    walked: bool = True  # False: no walk through the rooms has proven that its radio reaches them all
    near: tuple[tuple[BandNumber, bool], ...] = ()  # of bands whose loudness it can tell near or far by


@dataclass(frozen=True, slots=True)
class EdgeBegan:
    at: datetime
    edge: EdgeId
    late: bool = False


@dataclass(frozen=True, slots=True)
class MainsTurned:
    at: datetime
    edge: EdgeId
    on: bool
    late: bool = False


@dataclass(frozen=True, slots=True)
class GatewayAlive:
    at: datetime
    gateway: GatewayId
    edges: frozenset[EdgeId]  # that it relayed for lately


@dataclass(frozen=True, slots=True)
class DoorCrossed:
    at: datetime
    edge: EdgeId
    camera: str
    door: str
    direction: Literal["in", "out"]
    track: int
    confidence: float
    late: bool = False


@dataclass(frozen=True, slots=True)
class CameraChanged:
    at: datetime
    edge: EdgeId
    camera: str
    state: Literal["ok", "covered", "moved", "defocused", "frozen", "dead"]
    late: bool = False


@dataclass(frozen=True, slots=True)
class ZoneCounted:
    """So many people stand in a marked part of a camera's picture, since `since`."""

    at: datetime
    edge: EdgeId
    camera: str
    zone: str
    watch: Literal["forbidden", "gathering"]
    people: int
    since: datetime
    late: bool = False


@dataclass(frozen=True, slots=True)
class NeighboursScanned:
    """The foreign devices that a box hears for long, as hashes that only the box can make."""

    at: datetime
    edge: EdgeId
    devices: frozenset[bytes]
    late: bool = False


@dataclass(frozen=True, slots=True)
class FrameTrouble:
    """Frames or bodies that were refused in a way that someone has to look at: forged, replayed, cloned, dropped."""

    at: datetime
    edge: EdgeId
    band: BandNumber | None
    reason: str  # a FrameReason, a WireReason, or 'gap'
    count: int


@dataclass(frozen=True, slots=True)
class SosTapped:
    """The person asked for help on the page; the band's own button arrives as a reading."""

    at: datetime
    person: str


@dataclass(frozen=True, slots=True)
class CheckpointScanned:
    """The person's code was scanned at a checkpoint; `at` is the scanner's word, never after it was received."""

    at: datetime
    person: str
    scan: str
    checkpoint: str


@dataclass(frozen=True, slots=True)
class AbsenceGranted:
    """The person may be away in this window; at checkpoints only at those named, if any are."""

    at: datetime
    person: str
    absence: str
    starts_at: datetime
    until: datetime
    checkpoints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AbsenceEnded:
    """An officer ended it, or called it off before it began."""

    at: datetime
    person: str
    absence: str


@dataclass(frozen=True, slots=True)
class CheckinAsked:
    at: datetime
    person: str
    checkin: str


@dataclass(frozen=True, slots=True)
class CheckinAnswered:
    """`face`, `place`: what a check of them said; None: nobody checked."""

    at: datetime
    person: str
    checkin: str
    face: bool | None = None
    place: bool | None = None


@dataclass(frozen=True, slots=True)
class SelfReported:
    """The person declared how he feels; `feverish` if he says that he has, or measured, a fever."""

    at: datetime
    person: str
    feverish: bool
    symptoms: tuple[str, ...] | None = None  # all that he has now; None: nobody asked
    new: tuple[str, ...] = ()  # of these, what he did not have when he last declared


@dataclass(frozen=True, slots=True)
class ChallengeSettled:
    """What came of asking a band, through an edge, whether it is there and worn. Verified: the answer is the band's."""

    at: datetime
    person: str
    band: BandNumber
    edge: EdgeId
    asked_at: datetime
    outcome: Literal["worn", "not_worn", "missed"]


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed: silence is an input."""

    at: datetime


PersonInput = (
    CheckpointScanned | AbsenceGranted | AbsenceEnded | CheckinAsked | CheckinAnswered | SelfReported | ChallengeSettled
)

Input = (
    BandHeard
    | BandUnseen
    | EdgeAlive
    | EdgeBegan
    | MainsTurned
    | GatewayAlive
    | DoorCrossed
    | CameraChanged
    | ZoneCounted
    | NeighboursScanned
    | FrameTrouble
    | SosTapped
    | PersonInput
    | Tick
)

"""What a camera states. Frames stay where they were taken; these leave."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Direction = Literal["in", "out"]
Watched = Literal["forbidden", "gathering"]
State = Literal["ok", "covered", "moved", "defocused", "frozen", "dead"]


@dataclass(frozen=True, slots=True)
class Crossing:
    """A person passed a door. `at` is when the passing was last (out) or first (in) seen; `frames` say how often."""

    at: datetime
    camera: str
    door: str
    direction: Direction
    track: int
    confidence: float
    frames: int


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """The camera's state changed; it has been so since `since` and was stated at `at`."""

    at: datetime
    camera: str
    state: State
    since: datetime


@dataclass(frozen=True, slots=True)
class ZoneCount:
    """So many people stand in a zone since `since`; stated at `at`, when that had stayed for a moment."""

    at: datetime
    camera: str
    zone: str
    watch: Watched
    people: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Still:
    """A picture that was asked for and may leave."""

    at: datetime
    camera: str
    ask: str
    width: int
    height: int
    jpeg: bytes


Fact = Crossing | CameraHealth | ZoneCount | Still

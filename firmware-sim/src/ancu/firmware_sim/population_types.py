"""What a drawn world consists of. Times are unix milliseconds; spans hold their start and not their end."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

__all__ = ["Down", "Gap", "Happening", "Home", "Look", "Person", "Press", "World", "lognormal"]

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that was so: `who` is a person's name, or the id of a box, an area or a gateway."""

    kind: str
    who: str
    start_ms: int
    end_ms: int
    cause: str


@dataclass(frozen=True, slots=True)
class Gap:
    """The box hears its band last at `start_ms` and again at `end_ms`; `cause` of the longest part."""

    start_ms: int
    end_ms: int
    cause: str


@dataclass(frozen=True, slots=True)
class Look:
    """What the band's hardware senses from a moment on."""

    at_ms: int
    strap_closed: bool
    skin: bool
    motion: bool
    charging: bool
    tampered: bool
    battery_percent: int
    skin_deci_c: int
    heart_bpm: int
    spo2_percent: int


@dataclass(frozen=True, slots=True)
class Press:
    """The SOS button."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Down:
    start_ms: int
    end_ms: int
    cause: str


@dataclass(slots=True)
class Person:
    number: int  # of the band too
    home: int
    gaps: list[Gap] = field(default_factory=list)  # in order, apart from each other
    looks: list[Look] = field(default_factory=list)  # in order; the first is from the start
    presses: list[Press] = field(default_factory=list)
    replays: list[Span] = field(default_factory=list)  # someone plays recorded adverts to the box
    checkins: list[tuple[int, int | None]] = field(default_factory=list)  # asked at, answered at
    absences: list[tuple[int, Span]] = field(default_factory=list)  # granted at, and from when to when
    scans: list[int] = field(default_factory=list)  # of the person's code at a checkpoint

    @property
    def name(self) -> str:
        return f"p-{self.number:05d}"

    def add_gap(self, start_ms: int, end_ms: int, cause: str) -> None:
        """Not heard during this span either."""
        merged: list[Gap] = []
        for gap in sorted([*self.gaps, Gap(start_ms, end_ms, cause)], key=lambda g: (g.start_ms, g.end_ms)):
            if merged and gap.start_ms <= merged[-1].end_ms + 2_000:
                last = merged[-1]
                longer = gap if gap.end_ms - gap.start_ms > last.end_ms - last.start_ms else last
                merged[-1] = Gap(last.start_ms, max(last.end_ms, gap.end_ms), longer.cause)
            else:
                merged.append(gap)
        self.gaps = merged


@dataclass(slots=True)
class Home:
    """A home with its box, or a room of a site."""

    number: int
    edge: str
    place: str
    area: str
    gateway: str
    people: tuple[int, ...]
    camera: bool = False
    walked_ms: int = 0  # from then on the box hears every room: somebody walked them
    box_down: list[Down] = field(default_factory=list)
    link_down: list[Down] = field(default_factory=list)
    mains_off: list[Span] = field(default_factory=list)
    camera_faults: list[Span] = field(default_factory=list)
    crossings: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class World:
    start_ms: int
    end_ms: int
    homes: list[Home]
    people: list[Person]
    happenings: list[Happening]
    power: dict[str, list[Span]]  # by area, off
    network: dict[str, list[Span]]  # by area, down
    gateways: dict[str, list[Span]]  # down


def lognormal(rng: random.Random, median: float, sigma: float) -> float:
    return median * math.exp(rng.gauss(0, sigma))

"""Guides somebody with a band through a home, room by room, and writes what this box heard there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ancu.edge.calibration import Calibration, Place, calibrate
from ancu.edge.calibration_file import Room, Walked
from ancu.edge.ports import Advert, Radio
from ancu.edge.presence import SILENT_DBM, SLOT_S, level_of
from ancu.models.address import resolves
from ancu.models.clock import Clock
from ancu.models.errors import UsageError
from ancu.models.ids import BandNumber

__all__ = ["OUTSIDE", "Guide", "walk"]

OUTSIDE = "outside"
_HERE = "here"
_BESIDE = "beside"


@dataclass(frozen=True, slots=True)
class Guide:
    """How the walk speaks with whoever walks: each call is one line, `ask` waits for the answer."""

    ask: Callable[[str], str]
    say: Callable[[str], None]


async def walk(
    radio: Radio,
    clock: Clock,
    band: tuple[BandNumber, bytes],
    rooms: Sequence[str],
    guide: Guide,
    *,
    stand_s: float,
    beside: Walked | None = None,
    slot_s: float = SLOT_S,
) -> Walked:
    """Lead through `rooms` and out of the door; raises RadioLost, or UsageError if the band was never heard.

    `beside` is the same walk as another box of this home heard it: a room that one of the two hears well is covered.
    """
    number, identity_key = band
    places: list[Place] = []
    ear = _Ear(identity_key)
    await radio.start(ear.hear, lambda: None)
    try:
        for name in (*rooms, OUTSIDE):
            where = "out of the door, and close it" if name == OUTSIDE else f"into: {name}"
            await asyncio.to_thread(guide.ask, f"Go {where}. Press Enter when you stand there.")
            places.append(Place(name, {_HERE: await _stand(ear, clock, guide, stand_s, slot_s)}))
    finally:
        await radio.stop()
    if not ear.heard:
        raise UsageError("the band was not heard anywhere: is it the one of bands_file, and is it charged?")
    *inside, outside = places
    result = calibrate([_with(place, beside) for place in inside], outside)
    for line in _says(result):
        guide.say(line)
    limits = result.thresholds.get(_HERE)
    return Walked(
        walked_at=clock.now(),
        band=number,
        proven=result.proven,
        rooms=tuple(_room(place, result) for place in inside),
        near_dbm=None if limits is None else limits.near_dbm,
        far_dbm=None if limits is None else limits.far_dbm,
        outside=_room(outside, result),
    )


class _Ear:
    """The loudest advert of one band since it was last asked."""

    def __init__(self, identity_key: bytes) -> None:
        self.heard = 0
        self._key = identity_key
        self._loudest = SILENT_DBM

    def hear(self, advert: Advert) -> None:
        if resolves(self._key, advert.address):
            self.heard += 1
            self._loudest = max(self._loudest, advert.rssi_dbm)

    def take(self) -> float:
        loudest, self._loudest = self._loudest, SILENT_DBM
        return loudest


async def _stand(ear: _Ear, clock: Clock, guide: Guide, stand_s: float, slot_s: float) -> list[float]:
    """Slots heard while somebody stands still for `stand_s`, in full slots."""
    slots: list[float] = []
    heard = ear.heard
    ear.take()
    until_s = clock.monotonic()
    for _ in range(max(1, round(stand_s / slot_s))):
        until_s += slot_s
        await asyncio.sleep(max(0.0, until_s - clock.monotonic()))
        slots.append(ear.take())
    guide.say(f"  {ear.heard - heard} adverts, {_decibels(level_of(slots))}")
    return slots


def _with(place: Place, beside: Walked | None) -> Place:
    """The place as this box and the one beside it heard it, the other one's level standing for its slots."""
    other = {room.name: room.level for room in beside.rooms} if beside is not None else {}
    return Place(place.name, {**place.slots, _BESIDE: [other[place.name]]}) if place.name in other else place


def _room(place: Place, result: Calibration) -> Room:
    level = level_of(list(place.slots[_HERE]))
    return Room(
        name=place.name,
        level_dbm=None if level == SILENT_DBM else round(level, 1),
        covered=place.name in result.covered,
    )


def _says(result: Calibration) -> list[str]:
    lines = [f"{name}: too weak; move the box, or put a second one near it" for name in result.uncovered]
    if _HERE in result.outside_like:
        lines.append("outside the door sounds like the weakest room: who leaves is noticed once farther away")
    if result.proven:
        lines.append("every room is covered")
    return lines


def _decibels(level: float) -> str:
    return "silent" if level == SILENT_DBM else f"{level:.0f} dBm"

"""A band on the air of virtual time: real frames with real keys and counters, made only where one is needed."""

from __future__ import annotations

import random
from dataclasses import replace

from ancu.firmware_sim.band import Band, Sensed
from ancu.firmware_sim.flash import MemoryFlash
from ancu.firmware_sim.log import Stored
from ancu.firmware_sim.population_types import Look, Person
from ancu.models.address import make_address
from ancu.models.frame import Reading, Status, frame_cipher, seal_frame
from ancu.models.ids import BandNumber, OrderId
from ancu.models.keys import BandKeys

__all__ = ["Worn", "order_of"]

_BURST_MS = 61_000


class Worn:
    """One person's band."""

    def __init__(self, person: Person, seed: int) -> None:
        rng = random.Random(f"{seed}:band:{person.number}")
        self.number = BandNumber(person.number)
        self.person = person
        # Keys are drawn, not derived: a derivation of each costs more than all that is done with them here.
        self.keys = BandKeys(rng.randbytes(16), rng.randbytes(16), rng.randbytes(32))
        self.cipher = frame_cipher(self.keys.frame)
        self.look = person.looks[0]
        self.audible = True
        self.rng = rng
        self.busy_ms = 0  # until then a burst is on the air
        self.phase_ms = rng.randint(0, 9_999)  # of its reports
        self._address = make_address(self.keys.identity, rng.getrandbits(22))
        self._counter = 0
        self._sos_until_ms = 0

    @property
    def address(self) -> bytes:
        return self._address

    def frame(self, at_ms: int) -> bytes:
        """An ordinary advert's body."""
        self._counter = max(self._counter + 1, at_ms // 1000)
        return seal_frame(self.reading(at_ms), self.cipher, self._address, self._counter)

    def recorded(self, at_ms: int) -> bytes:
        """What someone had recorded of it then."""
        return seal_frame(self.reading(at_ms), self.cipher, self._address, at_ms // 1000)

    def reading(self, at_ms: int) -> Reading:
        look = self.look
        bits = (
            (not look.strap_closed) * Status.STRAP_OPEN.value
            + look.skin * Status.SKIN.value
            + look.motion * Status.MOTION.value
            + (at_ms < self._sos_until_ms) * Status.SOS.value
            + look.charging * Status.CHARGING.value
        )
        return Reading(
            look.battery_percent, look.tampered, look.skin_deci_c, look.heart_bpm, look.spo2_percent, Status(bits), 0
        )

    def burst(self, at_ms: int, *, press: bool) -> list[tuple[int, bytes, bytes]]:
        """The urgent adverts of a cut or a press, by the firmware: (time, address, body)."""
        before = replace(Stored(), counter_end=self._counter + 1, tampered=self.look.tampered and press)
        band = Band(self.keys, MemoryFlash(before), self.rng, at_ms=at_ms, unix_ms=at_ms)
        band.sense(at_ms, _sensed(self.look))
        if press:
            band.press(at_ms)
            self._sos_until_ms = at_ms + 600_000
        sent = []
        while band.next_ms <= at_ms + _BURST_MS:
            advert = band.advertise(band.next_ms)
            if advert is None:
                break
            self._counter = max(self._counter, advert.counter)
            if advert.urgent:
                sent.append((advert.at_ms, advert.address, advert.body))
        return sent


def order_of(number: int) -> OrderId:
    return OrderId(f"order-{number:05d}")


def _sensed(look: Look) -> Sensed:
    return Sensed(
        strap_closed=look.strap_closed,
        skin=look.skin,
        motion=look.motion,
        heart_bpm=look.heart_bpm,
        spo2_percent=look.spo2_percent,
        skin_deci_c=look.skin_deci_c,
        battery_percent=look.battery_percent,
        charging=look.charging,
    )

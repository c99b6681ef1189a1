"""The wristband's firmware, as its specification reads: one state machine, no I/O and no clock.

Time comes in as milliseconds of the band's own oscillator. Hardware comes in as `Sensed`; what survives a reset lives
in `Flash`; what goes out is `Sent`, an advert of 31 bytes under a private address.

* Counter. The AES-CCM nonce, and what the server orders frames by: synchronised seconds since 1970, but always greater
  than the one before. It is written ahead to flash in blocks, so that no reset, at any moment, uses one twice.
* Urgent. A strap that opens and an SOS are sent at once with the trigger bit, four times more within half a second, and
  then every ten seconds for a minute: lost adverts must not lose an alarm. Each has its own counter, so a burst runs at
  most four seconds ahead of the clock.
* Address. Resolvable, private, replaced after 10 to 15 minutes and at each boot.
* Clock. There is none that survives an empty battery: until someone sets it, counters go on from the last block, and
  the status says so. Once it is known, it is moved by a minute at most at a time.
* Log. A record a minute, chained (`log.py`); and a clock record at each moment at which the time of day became known,
  by which the server dates the records of that boot.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from ancu.firmware_sim.log import Flash, Log
from ancu.models.address import make_address
from ancu.models.frame import Reading, Status, advert_data, frame_cipher, seal_frame
from ancu.models.frame_extended import MAX_RECORDS, seal_extended
from ancu.models.history import Clocked, Vitals
from ancu.models.keys import BandKeys
from ancu.models.link import Answer, ElapsedTime, encode_answer

__all__ = ["COUNTER_BLOCK", "ROTATE_AT_MOST_MS", "Band", "Entropy", "Sensed", "Sent"]

COUNTER_BLOCK = 8  # counters a flash write buys: a reset skips at most so many, and so runs so many seconds ahead
ROTATE_AT_MOST_MS = 15 * 60_000  # of the standard (Vol 3 Part C, appendix A): longer makes a band trackable
_ROTATE_AT_LEAST_MS = 10 * 60_000
_URGENT_AFTER_MS = (0, 120, 240, 360, 480, *range(10_000, 60_001, 10_000))
_JITTER_MS = 10  # the standard's advDelay: two bands in step must not collide for ever
_SOS_HOLD_MS = 10 * 60_000  # the status shows an SOS for so long after the press
_HISTORY_MS = 60_000  # one flash record a minute
_STEP_MS = 60_000  # a clock that is right is never this far off: a greater step is a lie, or the depot's business


@dataclass(frozen=True, slots=True)
class Sensed:
    """What the hardware says at one moment."""

    strap_closed: bool  # the conductive loop through the strap
    skin: bool
    motion: bool
    heart_bpm: int  # 0 is unknown
    spo2_percent: int  # 0 is unknown
    skin_deci_c: int
    battery_percent: int
    charging: bool


class Entropy(Protocol):
    """The band's random number generator; `random.Random` is one."""

    def getrandbits(self, k: int, /) -> int: ...

    def randint(self, a: int, b: int) -> int:
        """From a to b, both included."""
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """One advert as it leaves the antenna."""

    at_ms: int
    address: bytes  # 6 B, most significant first
    body: bytes  # sealed service data: 24 B, or as long as the extended profile has it
    counter: int
    urgent: bool

    @property
    def data(self) -> bytes:
        """The advertising data: 31 bytes, or up to 229."""
        return advert_data(self.body)


class Band:
    """A band that has just booted. `unix_ms` is the time of day, or None if a dead battery lost it."""

    def __init__(
        self,
        keys: BandKeys,
        flash: Flash,
        rng: Entropy,
        *,
        at_ms: int,
        unix_ms: int | None,
        interval_ms: int = 2000,
        repeats_urgent: bool = True,
    ) -> None:
        self._identity, self._cipher, self._history_key = keys.identity, frame_cipher(keys.frame), keys.history
        self._rng, self._interval_ms = rng, interval_ms
        self._urgent_after_ms = _URGENT_AFTER_MS if repeats_urgent else (0,)
        self.log = Log(flash, keys.history)
        self.log.store(boot=self.log.stored.boot + 1)
        self._boot_ms = at_ms
        self._last_counter = self.log.stored.counter_end - 1
        self._synced = unix_ms is not None
        self._offset_ms = (self.log.stored.counter_end * 1000 if unix_ms is None else unix_ms) - at_ms
        self._sensed: Sensed | None = None
        self._sos_until_ms: int | None = None
        self._urgent: deque[int] = deque()
        self._next_ms = at_ms
        self._history_ms = at_ms + _HISTORY_MS
        self._address, self._rotate_ms = b"", at_ms
        self._rotate(at_ms)
        if unix_ms is not None:
            self._record_clock(at_ms)

    @property
    def next_ms(self) -> int:
        """When the next advert is due."""
        return min(self._next_ms, self._urgent[0]) if self._urgent else self._next_ms

    @property
    def address(self) -> bytes:
        return self._address

    def sense(self, at_ms: int, sensed: Sensed) -> None:
        """The hardware's interrupt: a strap that opens makes the next advert due at once."""
        was_closed = self._sensed is None or self._sensed.strap_closed
        self._sensed = sensed
        if was_closed and not sensed.strap_closed:
            if not self.log.stored.tampered:
                self.log.store(tampered=True)
            self._raise_urgency(at_ms)

    def press(self, at_ms: int) -> None:
        """The SOS button, held for its two seconds."""
        self._sos_until_ms = at_ms + _SOS_HOLD_MS
        self._raise_urgency(at_ms)

    def set_clock(self, at_ms: int, unix_ms: int) -> None:
        """A trusted party told the time of day."""
        self._offset_ms, self._synced = unix_ms - at_ms, True
        self._record_clock(at_ms)

    def believes_clock(self, at_ms: int, unix_ms: int) -> bool:
        """Whether a time of day that an edge told may be set."""
        return not self._synced or abs(unix_ms - at_ms - self._offset_ms) <= _STEP_MS

    def elapsed(self, at_ms: int) -> ElapsedTime:
        """The time of day, or the time since the boot while nobody told it."""
        if self._synced:
            return ElapsedTime(at_ms + self._offset_ms)
        return ElapsedTime(at_ms - self._boot_ms, ticks=True)

    def ticks(self, at_ms: int) -> tuple[int, int]:
        """Which boot this is, modulo 256, and milliseconds since then."""
        return self.log.stored.boot & 0xFF, at_ms - self._boot_ms

    def answer(self, at_ms: int, nonce: bytes, *, tapped: bool) -> bytes:
        """Answer the server's challenge: that this band is here now, and how it is worn."""
        counter = self._take_counter(at_ms)
        status = Status(0) if self._sensed is None else self._status(at_ms, self._sensed)
        return encode_answer(Answer(counter, status, tapped), nonce, self._history_key)

    def advertise(self, at_ms: int) -> Sent | None:
        """The advert that is due at `at_ms`, if one is, and the hardware has spoken."""
        if at_ms < self.next_ms or self._sensed is None:
            return None
        urgent = False
        while self._urgent and self._urgent[0] <= at_ms:
            self._urgent.popleft()
            urgent = True
        if at_ms >= self._rotate_ms:
            self._rotate(at_ms)
        while at_ms >= self._history_ms:
            self._record(self._history_ms, self._sensed)
            self._history_ms += _HISTORY_MS
        self._next_ms = at_ms + self._interval_ms + self._rng.randint(0, _JITTER_MS)
        counter = self._take_counter(at_ms)
        body = seal_frame(self._reading(at_ms, self._sensed), self._cipher, self._address, counter, urgent=urgent)
        return Sent(at_ms, self._address, body, counter, urgent)

    def advertise_extended(self, at_ms: int) -> Sent | None:
        """The extended profile: a reading and the newest records, beside the frames; None while there are none."""
        head = self.log.stored.history_head
        records = self.log.records(max(1, head + 1 - MAX_RECORDS), MAX_RECORDS)
        if self._sensed is None or not records:
            return None
        counter = self._take_counter(at_ms)
        body = seal_extended(self._reading(at_ms, self._sensed), records, self._cipher, self._address, counter)
        return Sent(at_ms, self._address, body, counter, urgent=False)

    def _raise_urgency(self, at_ms: int) -> None:
        self._urgent = deque(at_ms + after for after in self._urgent_after_ms)

    def _take_counter(self, at_ms: int) -> int:
        counter = max(self._last_counter + 1, (at_ms + self._offset_ms) // 1000)
        if counter >= self.log.stored.counter_end:
            self.log.store(counter_end=counter + COUNTER_BLOCK)
        self._last_counter = counter
        return counter

    def _record(self, at_ms: int, sensed: Sensed) -> None:
        vitals = Vitals(
            heart_bpm=sensed.heart_bpm if sensed.skin else 0,
            spo2_percent=sensed.spo2_percent if sensed.skin else 0,
            skin_deci_c=sensed.skin_deci_c,
            battery_percent=sensed.battery_percent,
            status=self._status(at_ms, sensed),
            tamper=self.log.stored.tampered,
        )
        self.log.append(self.log.stored.boot, (at_ms - self._boot_ms) // 1000, vitals)

    def _record_clock(self, at_ms: int) -> None:
        # Rounded to the second of the ticks, so that the two belong together to within half a second.
        ticks_s = (at_ms - self._boot_ms) // 1000
        unix_ms = self._boot_ms + ticks_s * 1000 + self._offset_ms
        self.log.append(self.log.stored.boot, ticks_s, Clocked(max(0, round(unix_ms / 1000))))

    def _status(self, at_ms: int, sensed: Sensed) -> Status:
        sos = self._sos_until_ms is not None and at_ms < self._sos_until_ms
        return Status(
            (not sensed.strap_closed) * Status.STRAP_OPEN.value
            + sensed.skin * Status.SKIN.value
            + sensed.motion * Status.MOTION.value
            + sos * Status.SOS.value
            + sensed.charging * Status.CHARGING.value
            + (not self._synced) * Status.UNSYNCED.value
        )

    def _reading(self, at_ms: int, sensed: Sensed) -> Reading:
        return Reading(
            battery_percent=sensed.battery_percent,
            tamper=self.log.stored.tampered,
            skin_deci_c=sensed.skin_deci_c,
            heart_bpm=sensed.heart_bpm if sensed.skin else 0,
            spo2_percent=sensed.spo2_percent if sensed.skin else 0,
            status=self._status(at_ms, sensed),
            history_head=self.log.stored.history_head,
        )

    def _rotate(self, at_ms: int) -> None:
        self._address = make_address(self._identity, self._rng.getrandbits(22))
        self._rotate_ms = at_ms + self._rng.randint(_ROTATE_AT_LEAST_MS, ROTATE_AT_MOST_MS - self._interval_ms - 100)

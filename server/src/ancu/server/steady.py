"""A clock that is not led astray: a step of the machine's time of day counts only once the edges agree with it.

Orders end, silences grow and quiet hours begin by the time of day. Where it leaps by days, or back by an hour, though
the machine went on running, time goes on here by the monotonic clock, and the edges are heard: each sealed batch says
when it was sent. If they agree with the new time, as after a machine was asleep, it is taken; else it never is.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from ancu.models.clock import Clock, SystemClock, to_ms

__all__ = ["SteadyClock"]

log = logging.getLogger(__name__)
_STEP = timedelta(seconds=5)  # what is smaller is a clock being set right, and harms nothing
_SLEW = 0.001  # of the time since the last look: twice what NTP may slew
_NEAR_MS = 60_000  # an edge that says so agrees
_LISTEN_S = 15.0  # more than a heartbeat: until then few voices decide nothing
_MANY = 3  # voices that need not wait


class SteadyClock(Clock):
    """Safe to ask from any thread."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._base, self._base_s = self._clock.now(), self._clock.monotonic()
        self._since_s: float | None = None  # when the time of day left us
        self._voices: dict[str, bool] = {}  # by edge: whether it agrees with the new time

    def now(self) -> datetime:
        with self._lock:
            return self._now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    @property
    def off_s(self) -> float:
        """By how much the machine's time of day is not believed; 0 while it is."""
        with self._lock:
            held = self._now()
            return 0.0 if self._since_s is None else (self._clock.now() - held).total_seconds()

    @property
    def is_in_doubt(self) -> bool:
        with self._lock:
            self._now()
            return self._since_s is not None

    def hear(self, edge: str, sent_ms: int) -> bool | None:
        """What time an edge says that it is.

        True: it agrees with a new time that is not believed yet; False: with ours; None: with neither, or all is well.
        """
        with self._lock:
            held = self._now()
            if self._since_s is None:
                return None
            wall = self._clock.now()
            for_new, for_held = abs(to_ms(wall) - sent_ms) <= _NEAR_MS, abs(to_ms(held) - sent_ms) <= _NEAR_MS
            if for_new == for_held:
                return None  # an old batch, or a step so small that it fits both
            self._voices[edge] = for_new
            if self._is_outvoted():
                log.warning("the new time of day is believed: edges agree", extra={"edges": len(self._voices)})
                self._take(wall)
                return None
            return for_new

    def _now(self) -> datetime:
        wall, at_s = self._clock.now(), self._clock.monotonic()
        passed_s = at_s - self._base_s
        held = self._base + timedelta(seconds=passed_s)
        if abs(wall - held) <= _STEP + timedelta(seconds=passed_s * _SLEW * (self._since_s is None)):
            if self._since_s is not None:
                log.info("the time of day is as it was")
            self._take(wall)
            return wall
        if self._since_s is None:
            self._since_s = at_s
            log.error("the time of day leapt and is not believed", extra={"by_s": round((wall - held).total_seconds())})
        return held

    def _take(self, wall: datetime) -> None:
        self._base, self._base_s = wall, self._clock.monotonic()
        self._since_s = None
        self._voices = {}

    def _is_outvoted(self) -> bool:
        """Whether the edges speak for the new time."""
        for_new = sum(self._voices.values())
        if for_new <= len(self._voices) - for_new:
            return False
        waited_s = self._clock.monotonic() - (self._since_s or 0.0)
        return for_new >= _MANY or waited_s >= _LISTEN_S

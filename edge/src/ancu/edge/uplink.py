"""What to send next, and what to send again. Pure: a window a lane; on a timeout back to the first unconfirmed."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from ancu.models.topics import Lane

__all__ = ["Held", "Send", "Window"]

BATCHES = 8  # in flight a lane; small, so that an alarm never waits behind much
RECORDS = 256  # a batch: 12 KiB of heard frames
PATIENCE_S = 4.0  # for a confirm; twice the server's slowest commit and the way there and back
LONGEST_S = 8.0  # facts have to flow within 10 s after a link heals


@dataclass(frozen=True, slots=True)
class Held:
    """What the journal holds of a lane: sequences `base` up to, not with, `next`."""

    base: int
    next: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send the records `first` to `first + count - 1` of a lane."""

    lane: Lane
    first: int
    count: int


@dataclass(slots=True)
class _Flight:
    next: int = 1  # the sequence to send next
    last: deque[int] = field(default_factory=deque)  # last sequence of each batch in flight
    waiting_s: float = 0.0  # since when nothing moved although something is in flight
    patience_s: float = PATIENCE_S


class Window:
    """The uplink's memory between sends. The journal says what there is; confirms say what is done."""

    def __init__(self) -> None:
        self.resent = 0  # times that a lane went back
        self._lanes = {lane: _Flight() for lane in Lane}

    def restart(self) -> None:
        """The link is new: what was in flight may be lost."""
        for flight in self._lanes.values():
            _go_back(flight)
            flight.patience_s = PATIENCE_S

    def next(self, held: Mapping[Lane, Held], mono_s: float) -> Send | None:
        """The next batch to send, the most urgent lane first; None while there is nothing to send yet."""
        for lane in Lane:
            flight, rows = self._lanes[lane], held[lane]
            self._catch_up(flight, rows.base, mono_s)
            if flight.last and mono_s - flight.waiting_s >= flight.patience_s:
                self.resent += 1
                _go_back(flight)
                flight.next = rows.base
                flight.patience_s = min(flight.patience_s * 1.5, LONGEST_S)
            if flight.next < rows.next and len(flight.last) < BATCHES:
                send = Send(lane, flight.next, min(RECORDS, rows.next - flight.next))
                if not flight.last:
                    flight.waiting_s = mono_s
                flight.next += send.count
                flight.last.append(flight.next - 1)
                return send
        return None

    def confirmed(self, lane: Lane, upto: int, mono_s: float) -> None:
        """The server holds everything up to and with `upto`."""
        flight = self._lanes[lane]
        if self._catch_up(flight, upto + 1, mono_s):
            flight.patience_s = PATIENCE_S

    def wake_in_s(self, mono_s: float) -> float | None:
        """Seconds until a lane loses patience; None while nothing is in flight."""
        due = [flight.waiting_s + flight.patience_s for flight in self._lanes.values() if flight.last]
        return max(0.0, min(due) - mono_s) if due else None

    @staticmethod
    def _catch_up(flight: _Flight, base: int, mono_s: float) -> bool:
        moved = False
        while flight.last and flight.last[0] < base:
            flight.last.popleft()
            flight.waiting_s = mono_s
            moved = True
        flight.next = max(flight.next, base)
        return moved


def _go_back(flight: _Flight) -> None:
    flight.last.clear()
    flight.next = 1  # the journal's base lifts it

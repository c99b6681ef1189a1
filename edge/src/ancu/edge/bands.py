"""Which facts follow from what the radio hears. Pure: time is an argument, what to do is a value.

An edge cannot read a frame. It resolves the rotating address to a band with that band's identity key, forwards every
urgent frame at once, one frame a band and period otherwise, and states an absence only after a fresh scan was silent.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from ancu.models.address import resolves
from ancu.models.band_facts import HistoryHeard
from ancu.models.frame import BODY_BYTES, counter_of, is_urgent
from ancu.models.ids import BandNumber
from ancu.models.topics import Lane
from ancu.models.wire import Heard, LastHeard, Unseen

__all__ = ["Action", "Bands", "Moment", "Rescan", "Say"]

ADDRESSES = 4096  # cached; bounds what a sprayer of random addresses can make us keep
RECENT_BODIES = 64  # of one band: at a frame every 2 s, longer than the 90 s for which the server calls a frame fresh
REPLAYED_S = 31.0  # a frame that comes again so much later was recorded: older than what the server takes for a repeat
REPLAY_EVERY_S = 60.0  # and is told of at most so often for a band
URGENT_BURST = 20  # frames of one band at once; bounds what a forger of urgent frames can put into the alarm lane
URGENT_EVERY_S = 1.0  # and after that, one in so long
RECORDS_EVERY_S = 20.0  # between two extended adverts of a band that are passed on: it records once a minute
LISTEN_S = 6.0  # three adverts at 2 s: how long a fresh scan has to hear nothing
SEEK_AGAIN_S = 5.0  # least time between two restarted scans: each is deaf for a moment


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, twice: what a clock says, and what only grows."""

    at_ms: int
    mono_s: float


@dataclass(frozen=True, slots=True)
class Say:
    """Put a record into a lane."""

    lane: Lane
    record: Heard | HistoryHeard | Unseen


@dataclass(frozen=True, slots=True)
class Rescan:
    """Restart the scan; `Bands.scanning` must be told when it runs again."""


Action = Say | Rescan


@dataclass(slots=True)
class _Band:
    number: BandNumber
    key: bytes
    since_s: float  # monotonic: last new frame, or the start
    heard_ms: int | None = None
    reported_s: float = float("-inf")
    unseen: bool = True  # not heard, or said to be unseen: the next frame goes at once
    stated: bool = False  # the present absence was stated
    rescans: int = 0
    urgent_left: float = URGENT_BURST
    urgent_s: float = 0.0
    recent: dict[bytes, _Frame] = field(default_factory=dict)  # by body, as each came first, oldest first
    replay_s: float = float("-inf")  # when a replay was last told of
    records: bytes = b""  # the last extended advert that was passed on
    records_s: float = float("-inf")  # and when
    frame: _Frame | None = None  # the newest not yet reported
    odd: list[_Frame] = field(default_factory=list)  # what contradicts: the server can tell which is true, we cannot


@dataclass(slots=True)
class _Frame:
    at_ms: int
    address: bytes
    body: bytes
    rssi_dbm: int
    first_s: float  # monotonic
    adverts: int = 1
    told: bool = False


class Bands:
    """The bands of one home or room. One instance a process; not for several threads."""

    def __init__(
        self,
        identity_keys: Mapping[BandNumber, bytes],
        now: Moment,
        *,
        report_s: float,
        unseen_s: float,
    ) -> None:
        self.strangers = 0  # adverts of our kind that no key resolves
        self.malformed = 0  # of a band, but not a frame's length
        self._report_s = report_s
        self._unseen_s = unseen_s
        self._listen_s = min(LISTEN_S, unseen_s / 2)
        self._bands = [_Band(number, key, now.mono_s) for number, key in sorted(identity_keys.items())]
        self._addresses: OrderedDict[bytes, _Band | None] = OrderedDict()
        self._scanning_s: float | None = None  # since when the present scan runs
        self._asked_s = float("-inf")

    def heard(self, address: bytes, body: bytes, rssi_dbm: int, now: Moment) -> list[Action]:
        """An advert of our kind came in."""
        band = self._resolve(address)
        if band is None:
            self.strangers += 1
            return []
        if len(body) != BODY_BYTES:
            self.malformed += 1
            return []
        frame = _Frame(now.at_ms, address, body, rssi_dbm, now.mono_s)
        if body in band.recent:
            # The same frame again says how well it is heard, not that the band is still there: a recording says it too.
            _louder(band, body, rssi_dbm)
            return _replayed(band, frame, now)
        twin = _twin(band, body)
        _remember(band, frame)
        band.since_s, band.heard_ms = now.mono_s, now.at_ms
        band.stated, band.rescans = False, 0
        first, band.unseen = band.unseen, False
        if twin is not None:
            band.odd = [twin]
        if is_urgent(body) and _urgent_allowed(band, now.mono_s):
            # What waits goes before it in the same lane: frames of one band arrive in the order of their counters, and
            # a forger of urgent frames cannot keep the true ones back.
            waiting = self._report(band, Lane.ALARM, now)
            frame.told = True
            return [*waiting, Say(Lane.ALARM, _heard(band, frame))]
        _keep(band, frame, contradicts=twin is not None)
        if first or now.mono_s - band.reported_s >= self._report_s:
            return self._report(band, Lane.STATE, now)
        return []

    def heard_extended(self, address: bytes, body: bytes, now: Moment) -> list[Action]:
        """An advert of the extended profile: newest records. It says nothing of presence, which frames do."""
        band = self._resolve(address)
        if band is None:
            self.strangers += 1
            return []
        if body == band.records or now.mono_s - band.records_s < RECORDS_EVERY_S:
            return []
        band.records, band.records_s = body, now.mono_s
        return [Say(Lane.BULK, HistoryHeard(now.at_ms, band.number, address, body))]

    def tick(self, now: Moment) -> list[Action]:
        """Time passed; call about once a second."""
        actions: list[Action] = []
        seek = False
        for band in self._bands:
            if (band.frame or band.odd) and now.mono_s - band.reported_s >= self._report_s:
                actions += self._report(band, Lane.STATE, now)
            if band.stated or now.mono_s - band.since_s < self._unseen_s:
                continue
            if self._has_searched(band, now):
                band.stated = band.unseen = True
                actions.append(Say(Lane.ALARM, Unseen(now.at_ms, band.number, band.heard_ms, band.rescans)))
            else:
                seek = seek or self._needs_scan(band)
        if seek and now.mono_s - self._asked_s >= SEEK_AGAIN_S:
            self._asked_s = now.mono_s
            actions.append(Rescan())
        return actions

    def scanning(self, now: Moment) -> None:
        """A scan was (re)started and runs."""
        self._scanning_s = now.mono_s
        for band in self._bands:
            band.rescans += 1

    def deaf(self) -> None:
        """The scan stopped or was lost: nothing can be said about an absence."""
        self._scanning_s = None

    def rekey(self, identity_keys: Mapping[BandNumber, bytes], now: Moment) -> None:
        """Other bands from now on; what is known of those that stay, under the same key, stays."""
        known = {(band.number, band.key): band for band in self._bands}
        self._bands = [
            known.get((number, key)) or _Band(number, key, now.mono_s) for number, key in sorted(identity_keys.items())
        ]
        self._addresses.clear()

    def number_of(self, address: bytes) -> BandNumber | None:
        """The band that an address is one of."""
        band = self._resolve(address)
        return None if band is None else band.number

    def last_heard(self) -> tuple[LastHeard, ...]:
        """For a heartbeat."""
        return tuple(LastHeard(band.number, band.heard_ms) for band in self._bands)

    def _resolve(self, address: bytes) -> _Band | None:
        if address in self._addresses:
            self._addresses.move_to_end(address)
            return self._addresses[address]
        found = next((band for band in self._bands if resolves(band.key, address)), None)
        self._addresses[address] = found
        if len(self._addresses) > ADDRESSES:
            self._addresses.popitem(last=False)
        return found

    @staticmethod
    def _report(band: _Band, lane: Lane, now: Moment) -> list[Action]:
        # In the order of their counters; of two under one counter the one that was heard first is the one to believe.
        waiting = {frame.body: frame for frame in (*band.odd, band.frame) if frame and not frame.told}
        frames = sorted(waiting.values(), key=lambda frame: (counter_of(frame.body), frame.first_s))
        band.frame, band.odd = None, []
        band.reported_s = now.mono_s
        for frame in frames:
            frame.told = True
        return [Say(lane, _heard(band, frame)) for frame in frames]

    def _needs_scan(self, band: _Band) -> bool:
        # While deaf, the one who scans is already trying, and will say when it runs.
        return self._scanning_s is not None and self._scanning_s < band.since_s + self._unseen_s

    def _has_searched(self, band: _Band, now: Moment) -> bool:
        started_s = self._scanning_s
        fresh = started_s is not None and started_s >= band.since_s + self._unseen_s
        return fresh and started_s is not None and now.mono_s - started_s >= self._listen_s


def _twin(band: _Band, body: bytes) -> _Frame | None:
    """Another frame under the same counter, also if a newer one took its place since: one of the two is a clone's."""
    counter = counter_of(body)
    return next((frame for other, frame in band.recent.items() if counter_of(other) == counter), None)


def _keep(band: _Band, frame: _Frame, *, contradicts: bool) -> None:
    held = band.frame
    if held is None or counter_of(frame.body) > counter_of(held.body):
        if held is not None:
            frame.rssi_dbm = max(frame.rssi_dbm, held.rssi_dbm)
            frame.adverts += held.adverts
        band.frame = frame
    elif contradicts:
        band.odd.append(frame)
    else:
        band.odd = [frame]


def _louder(band: _Band, body: bytes, rssi_dbm: int) -> None:
    for frame in (*band.odd, band.frame):
        if frame is not None and frame.body == body:
            frame.rssi_dbm = max(frame.rssi_dbm, rssi_dbm)
            frame.adverts += 1


def _remember(band: _Band, frame: _Frame) -> None:
    band.recent[frame.body] = frame
    if len(band.recent) > RECENT_BODIES:
        del band.recent[next(iter(band.recent))]


def _replayed(band: _Band, frame: _Frame, now: Moment) -> list[Action]:
    """Pass a recording on, though it says nothing of the present: the server has to know that somebody plays it."""
    old = now.mono_s - band.recent[frame.body].first_s >= REPLAYED_S
    if not old or now.mono_s - band.replay_s < REPLAY_EVERY_S:
        return []
    band.replay_s = now.mono_s
    return [Say(Lane.STATE, _heard(band, frame))]


def _urgent_allowed(band: _Band, mono_s: float) -> bool:
    earned = (mono_s - band.urgent_s) / URGENT_EVERY_S
    band.urgent_left = min(float(URGENT_BURST), band.urgent_left + earned)
    band.urgent_s = mono_s
    if band.urgent_left < 1:
        return False
    band.urgent_left -= 1
    return True


def _heard(band: _Band, frame: _Frame) -> Heard:
    return Heard(frame.at_ms, band.number, frame.address, frame.rssi_dbm, min(frame.adverts, 255), frame.body)

"""A box in virtual time: the real deciders of an edge, its journal's lanes, and the world's events that they hear of.

Between events nothing is simulated: a band that is heard, and a box that lives, are quiet spans (see `SpanBands` and
`SpanJudge`).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from typing import Protocol

from ancu.edge.bands import Action, Moment, Rescan
from ancu.edge.uplink import Send, Window
from ancu.firmware_sim.population_radio import ADVERT_MS
from ancu.firmware_sim.population_types import Gap, Home, Look
from ancu.models.clock import from_ms
from ancu.models.ids import BandNumber, EdgeId, GatewayId
from ancu.models.topics import Lane
from ancu.models.wire import (
    CameraCrossing,
    CameraHealth,
    EdgeHeartbeat,
    EdgeStarted,
    Fact,
    Heard,
    JournalHealth,
    MainsChanged,
    RadioHealth,
)
from ancu.server.cases.inputs import BandHeard, EdgeAlive, Input
from ancu.truth.clockwork import Clockwork
from ancu.truth.journal import Backlog, MemoryJournal
from ancu.truth.span_bands import SpanBands
from ancu.truth.span_judge import Key, Quiet
from ancu.truth.wearing import Worn

__all__ = ["BEAT_MS", "REPORT_MS", "Box", "Way"]

REPORT_MS = 10_000  # edge.toml's report_s
UNSEEN_S = 16.0  # edge.toml's unseen_s
BEAT_MS = 10_000
_TICK_MS = 1_000
_UNSEEN_MS = round(UNSEEN_S * 1000)
_RESTART_MS = 500  # a scan that is restarted is deaf so long
_VERSION = "sim"
_RSSI = -70


class Way(Protocol):
    """The way from a box to the server."""

    def is_open(self, box: Box) -> bool: ...
    def pump(self, box: Box) -> None:
        """There may be something to send."""

    def quiet_ends(self, key: Key, at_ms: int) -> None: ...
    def box_fell(self, box: Box, at_ms: int) -> None: ...


class Box:
    """One edge."""

    def __init__(
        self, home: Home, worn: list[Worn], *, clockwork: Clockwork, way: Way, rng: random.Random, delay_ms: int
    ) -> None:
        self.home = home
        self.edge = EdgeId(home.edge)
        self.gateway = GatewayId(home.gateway)
        self.worn = {band.number: band for band in worn}
        self.journal = MemoryJournal()
        self.window = Window()
        self.delay_ms = delay_ms
        self.rng = rng
        self.up = False
        self.linked = True
        self.mains = True
        self.walked = not home.walked_ms
        self.beat_phase_ms = 0
        self._clock, self._way = clockwork, way
        self._bands: SpanBands | None = None
        self._stated: set[BandNumber] = set()
        self._tick_ms = 0
        self._life = 0  # boots: what was planned in an earlier life is void
        self._quiet_ms = 0  # since when records pile up unsaid, while the way is shut
        self._cut_off: list[BandNumber] = []

    # --- the box itself ----------------------------------------------------------------------------------------------

    def boot(self, at_ms: int) -> None:
        """Its process begins."""
        self.up, self._life = True, self._life + 1
        self.beat_phase_ms = at_ms % BEAT_MS
        keys = {number: band.keys.identity for number, band in self.worn.items()}
        self._bands = SpanBands(keys, _moment(at_ms), report_s=REPORT_MS / 1000, unseen_s=UNSEEN_S)
        self._stated = set()
        self.say(Lane.STATE, EdgeStarted(at_ms, _VERSION))
        self.beat(at_ms)
        life = self._life
        self._clock.at(at_ms + 1_000, partial(self._scans, life))
        for band in self.worn.values():
            if band.audible:
                self._clock.at(at_ms + 1_500 + band.phase_ms % ADVERT_MS, partial(self._hear_if, band, life))
            else:
                self._plan_tick(at_ms + _UNSEEN_MS)
        self._open_backlog(at_ms)

    def die(self, at_ms: int) -> None:
        """No power, or a hang: the journal is on its disk."""
        self._close_backlog(at_ms)
        self.up = False
        self._bands = None
        self._way.box_fell(self, at_ms)

    def link(self, at_ms: int, *, up: bool) -> None:
        """The way to the broker opens or shuts; also when the gateway's does."""
        if not up:
            self._way.box_fell(self, at_ms)
            self._open_backlog(at_ms)
            return
        self._close_backlog(at_ms)
        self.window.restart()
        self._way.pump(self)
        if self.up:
            life = self._life
            self._clock.at(self._next_beat(at_ms), partial(self._beat_if, life))
            for band in self.worn.values():
                self._clock.at(self.next_report(band, at_ms), partial(self._report_if, band, life))

    def power(self, at_ms: int, *, on: bool) -> None:
        self._piece(at_ms)
        self.mains = on
        if self.up:
            self.say(Lane.STATE, MainsChanged(at_ms, on))
            self._beat_anew(at_ms)

    def walk(self, at_ms: int) -> None:
        """Somebody walked the rooms: its beats say so from now on."""
        self._piece(at_ms)
        self.walked = True
        self._beat_anew(at_ms)

    def beat(self, at_ms: int) -> None:
        held = self.journal.held
        alarm, state, bulk = (held[lane].next - held[lane].base for lane in Lane)
        heartbeat = EdgeHeartbeat(
            at_ms=at_ms,
            period_s=BEAT_MS // 1000,
            uptime_s=0,
            mains=self.mains,
            clock_synced=True,
            radio=RadioHealth(True, 1, 0),
            journal=JournalHealth(alarm, state, bulk, 0),
            bands=(),
            version=_VERSION,
            walked=self.walked,
        )
        self.say(Lane.STATE, heartbeat)

    def say(self, lane: Lane, record: Heard | Fact) -> None:
        self.journal.append(lane, record)
        self._way.pump(self)

    # --- what the world does -----------------------------------------------------------------------------------------

    def lost(self, band: Worn, gap: Gap, at_ms: int) -> None:
        """The last advert before a gap."""
        self._piece(at_ms)
        if self.up and self._bands is not None and band.audible and gap.cause != "never_worn":
            self._bands.quiet(band.number, _moment(self._last_report(band, at_ms)))
            self._hear(band, at_ms)
            self._plan_tick(self._last_report(band, at_ms) + REPORT_MS)
            self._way.quiet_ends(("band", band.number), at_ms)
        band.audible = False
        self._plan_tick(at_ms + _UNSEEN_MS)

    def found(self, band: Worn, at_ms: int) -> None:
        """The first advert after it."""
        self._piece(at_ms)
        band.audible = True
        self._stated.discard(band.number)
        if self.up:
            self._hear(band, at_ms)
            life = self._life  # after a gap so short that this one waits for its period
            self._clock.at(self.next_report(band, at_ms), partial(self._report_if, band, life))

    def turned(self, band: Worn, look: Look, at_ms: int) -> None:
        """The band's senses changed."""
        before, band.look = band.look, look
        opened = before.strap_closed and not look.strap_closed
        if opened:
            self._burst(band, at_ms, press=False)
        self._piece(at_ms)
        if band.audible and self.up:
            self._way.quiet_ends(("band", band.number), at_ms)
            life = self._life
            calm_ms = at_ms + 61_000 if opened else at_ms
            self._clock.at(self.next_report(band, calm_ms), partial(self._report_if, band, life))

    def pressed(self, band: Worn, at_ms: int) -> None:
        self._burst(band, at_ms, press=True)
        self._clock.at(at_ms + 605_000, lambda at: self.turned(band, band.look, at))  # the status bit goes
        if band.audible and self.up:
            self._way.quiet_ends(("band", band.number), at_ms)
            life = self._life
            self._clock.at(self.next_report(band, at_ms + 61_000), partial(self._report_if, band, life))

    def played(self, band: Worn, at_ms: int, index: int) -> None:
        """Somebody plays a recorded advert."""
        if self.up and self._bands is not None:
            body = band.recorded(at_ms - 3_600_000 - index * 2_000)
            self._act(self._bands.heard(band.address, body, _RSSI, _moment(at_ms)), at_ms)
            self._plan_tick(at_ms + _UNSEEN_MS)

    def crossed(self, at_ms: int, way: str, track: int) -> None:
        if self.up:
            direction = "out" if way == "out" else "in"
            self.say(Lane.ALARM, CameraCrossing(at_ms, "door", "main", direction, track, 0.9, 6))  # type: ignore[arg-type]

    def camera(self, at_ms: int, *, ok: bool) -> None:
        if self.up:
            self.say(Lane.STATE, CameraHealth(at_ms, "door", "ok" if ok else "dead", at_ms))

    # --- hearing -----------------------------------------------------------------------------------------------------

    def _hear(self, band: Worn, at_ms: int) -> None:
        if self._bands is not None:
            self._act(self._bands.heard(band.address, band.frame(at_ms), _RSSI, _moment(at_ms)), at_ms)

    def _hear_if(self, band: Worn, life: int, at_ms: int) -> None:
        if self.up and self._life == life and band.audible:
            self._hear(band, at_ms)
        elif self.up and self._life == life:
            self._plan_tick(at_ms + 1_000)

    def _report_if(self, band: Worn, life: int, at_ms: int) -> None:
        """The next ordinary report, for real."""
        if self.up and self._life == life and band.audible and self._bands is not None:
            self._bands.quiet(band.number, _moment(at_ms - REPORT_MS))
            self._hear(band, at_ms)

    def _beat_anew(self, at_ms: int) -> None:
        """The quiet span of beats ends here, for what they say changed."""
        self._way.quiet_ends(("edge", self.edge), at_ms)
        life = self._life
        self._clock.at(self._next_beat(at_ms), partial(self._beat_if, life))

    def _beat_if(self, life: int, at_ms: int) -> None:
        if self.up and self._life == life:
            self.beat(at_ms)

    def _burst(self, band: Worn, at_ms: int, *, press: bool) -> None:
        band.busy_ms = at_ms + 61_000
        for sent_ms, address, body in band.burst(at_ms, press=press):
            if band.rng.random() >= 0.13:
                self._clock.at(sent_ms, partial(self._hear_urgent, band, address, body))

    def _hear_urgent(self, band: Worn, address: bytes, body: bytes, at_ms: int) -> None:
        if self.up and self._bands is not None and band.audible:
            self._act(self._bands.heard(address, body, _RSSI, _moment(at_ms)), at_ms)

    def _scans(self, life: int, at_ms: int) -> None:
        if self._life == life and self._bands is not None:
            self._bands.scanning(_moment(at_ms))
            self._plan_search(at_ms)

    def _tick(self, at_ms: int) -> None:
        if at_ms != self._tick_ms:
            return
        self._tick_ms = 0
        if self._bands is None:
            return
        for band in self.worn.values():
            if band.audible and band.number not in self._stated:
                self._keep_quiet(band, at_ms)
        self._act(self._bands.tick(_moment(at_ms)), at_ms)
        self._plan_search(at_ms)

    def _plan_search(self, at_ms: int) -> None:
        missing = [n for n, band in self.worn.items() if not band.audible and n not in self._stated]
        if missing and self._bands is not None:
            due_s = self._bands.next_search_s(missing, at_ms / 1000)
            if due_s is not None:
                self._plan_tick(round(due_s * 1000))

    def _keep_quiet(self, band: Worn, at_ms: int) -> None:
        """A band beside, that is heard all along."""
        assert self._bands is not None  # noqa: S101 - asked before
        last = self._last_report(band, at_ms)
        if last > self._bands.since_ms(band.number):
            self._bands.quiet(band.number, _moment(last))

    def _plan_tick(self, at_ms: int) -> None:
        due = -(-at_ms // _TICK_MS) * _TICK_MS
        if self.up and (not self._tick_ms or due < self._tick_ms):
            self._tick_ms = due
            self._clock.at(due, self._tick)

    def _act(self, actions: list[Action], at_ms: int) -> None:
        for action in actions:
            if isinstance(action, Rescan):
                if self._bands is not None:
                    self._bands.deaf()
                life = self._life
                self._clock.at(at_ms + _RESTART_MS, partial(self._scans, life))
            else:
                if not isinstance(action.record, Heard):
                    self._stated.add(BandNumber(action.record.band))
                self.say(action.lane, action.record)

    # --- quiet spans -------------------------------------------------------------------------------------------------

    def beats(self, first_ms: int) -> Quiet:
        edge, mains, walked = self.edge, self.mains, self.walked

        def make(at_ms: int) -> Input:
            return EdgeAlive(from_ms(at_ms), edge, BEAT_MS // 1000, mains, True, walked=walked)

        return Quiet(first_ms, BEAT_MS, self.delay_ms, make)

    def reports(self, band: Worn, first_ms: int) -> Quiet:
        edge, number, reading = self.edge, band.number, band.reading(first_ms)

        def make(at_ms: int) -> Input:
            at = from_ms(at_ms)
            return BandHeard(at, at, edge, number, _RSSI, at_ms // 1000, reading, urgent=False, late=False)

        return Quiet(first_ms, REPORT_MS, self.delay_ms, make)

    def is_calm(self, band: Worn) -> bool:
        """Whether the band says the same from report to report."""
        return self._clock.now_ms >= band.busy_ms

    def next_report(self, band: Worn, at_ms: int) -> int:
        return at_ms + 1 + (band.phase_ms - at_ms - 1) % REPORT_MS

    def _last_report(self, band: Worn, at_ms: int) -> int:
        return at_ms - (at_ms - band.phase_ms) % REPORT_MS

    def _next_beat(self, at_ms: int) -> int:
        return at_ms + 1 + (self.beat_phase_ms - at_ms - 1) % BEAT_MS

    # --- what piles up while the way is shut -------------------------------------------------------------------------

    def _open_backlog(self, at_ms: int) -> None:
        if self.up and not self._way.is_open(self):
            self._quiet_ms = at_ms
            self._cut_off = [n for n, band in self.worn.items() if band.audible]

    def _piece(self, at_ms: int) -> None:
        """Close what piled up so far, because what is heard changes now."""
        if self._quiet_ms:
            self._close_backlog(at_ms)
            self._clock.at(at_ms, self._open_backlog)

    def _close_backlog(self, at_ms: int) -> None:
        if not self._quiet_ms:
            return
        since, self._quiet_ms = self._quiet_ms, 0
        if not self.up:
            return
        first = self._next_beat(since)
        periods = (at_ms - first) // BEAT_MS
        if periods > 0:
            sources: list[tuple[Key, Quiet]] = [(("edge", self.edge), self.beats(first))]
            for number in self._cut_off:
                band = self.worn[number]
                sources.append((("band", number), self.reports(band, self.next_report(band, first))))
            self.journal.append(Lane.STATE, Backlog(tuple(sources), periods))

    def sends(self, mono_s: float) -> Iterator[Send]:
        while (send := self.window.next(self.journal.held, mono_s)) is not None:
            yield send


def _moment(at_ms: int) -> Moment:
    return Moment(at_ms, at_ms / 1000)

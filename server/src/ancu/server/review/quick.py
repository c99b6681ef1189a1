"""A judge for replays, quick and exact: what changes nothing is put off until somebody looks.

Most of the past is bands that are worn and boxes that beat. Such a frame only moves 'last heard', and such a beat only
'last alive'; so the newest one waits, unread, until the judge asks for that band or box. A frame is put off only where
a fresh band would note nothing of it, no incident is about the person, and no gap lies before it. A test holds both
judges equal, event by event.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec

from ancu.models.clock import to_ms
from ancu.models.frame import Status
from ancu.models.ids import BandNumber, EdgeId
from ancu.models.wire import EdgeHeartbeat
from ancu.server.alerts.events import AlertEvent
from ancu.server.cases.band import BandState
from ancu.server.cases.codes import SubjectKind
from ancu.server.cases.edge import EdgeState
from ancu.server.cases.inputs import BandHeard, BandUnseen, EdgeAlive, GatewayAlive, Input, Tick
from ancu.server.cases.judge import Judge
from ancu.server.cases.policy import Policy
from ancu.server.cases.roster import Roster
from ancu.server.ingest.columns import Flag, pack_reading, reading_tuples
from ancu.server.ingest.rows import Row, facts_of, inputs_of, near_of, pack_facts, sane_ms
from ancu.server.ingest.verify import FRESH_MS
from ancu.server.review.book import Book
from ancu.server.review.panel import Panel

__all__ = ["Entry", "QuickJudge", "QuickPanel", "entries_of"]

Raw = tuple[int, ...]  # a packed reading, opened
Entry = Raw | EdgeHeartbeat | Input
Near = tuple[tuple[BandNumber, bool], ...]
_OFFSET = 5  # of a packed reading: its place in the batch
_BASIC = frozenset(
    {"order", "heard_ms", "heard_edge", "rssi_dbm", "live", "reading", "home_ms", "motion_ms", "unseen", "near"}
    | {"answered_ms", "worn_ms"}
)
_NOTED = tuple(name for name in BandState.__struct_fields__ if name not in _BASIC)
_BLANK = BandState("")
_ODD = int(Flag.LATE) | int(Flag.TAMPER)
_UNSYNCED = int(Status.UNSYNCED)
_MOTION = int(Status.MOTION)
_KNOWN = 200_000  # kinds of readings whose plainness is remembered


def entries_of(row: Row) -> list[Entry]:
    """What a row of the inbox tells, in its order; readings and beats as they were packed, for they may wait."""
    facts, troubles = facts_of(row)
    if not row.edge or troubles or not all(isinstance(fact, EdgeHeartbeat) for _, fact in facts):
        return list(inputs_of(row))
    readings = [reading for reading in reading_tuples(row.readings) if not reading[-1] & Flag.HISTORY]
    if not facts:
        return list(readings)
    placed: list[tuple[int, Entry]] = [(reading[_OFFSET], reading) for reading in readings]
    placed += [(offset, fact) for offset, fact in facts if isinstance(fact, EdgeHeartbeat)]
    return [entry for _, entry in sorted(placed, key=_place)]


def _place(placed: tuple[int, Entry]) -> int:
    return placed[0]


def _heard(edge: EdgeId, raw: Raw) -> BandHeard:
    (heard,) = inputs_of(Row(0, "", edge, "", 1, 0, 0, 1, pack_reading(*raw), b""))
    assert isinstance(heard, BandHeard)  # noqa: S101 - a row of one reading
    return heard


def _beaten(row: Row, beat: EdgeHeartbeat) -> Input:
    (alive,) = inputs_of(replace(row, readings=b"", facts=pack_facts([(0, beat)], ())))
    return alive


def _is_well(beat: EdgeHeartbeat) -> bool:
    return beat.radio.ok and beat.mains and beat.walked is not False


class _Bands(dict[int, BandState]):
    """States of bands; the frame that waits for one is heard when that state is asked for."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self._policy = policy
        self.waiting: dict[int, tuple[int, EdgeId, Raw]] = {}  # and when the one before it was heard
        self.quiet: dict[int, list[int]] = {}  # [last heard, order over, moves]: a plain frame may wait

    def get(self, key: int, default: Any = None) -> Any:
        self.quiet.pop(key, None)
        held = self.waiting.pop(key, None)
        state = super().get(key, default)
        if held is not None and state is not None:
            before_ms, edge, raw = held
            state.heard_ms = before_ms  # as if all had been heard that were put off
            state.heard(_heard(edge, raw), self._policy)
        return state

    def __getitem__(self, key: int) -> BandState:
        state = self.get(key)
        if state is None:
            raise KeyError(key)
        found: BandState = state
        return found


class _Edges(dict[str, EdgeState]):
    """States of edges; the beat that waits for one is taken when that state is asked for."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self._policy = policy
        self.waiting: dict[str, tuple[int, int]] = {}  # the beat before the newest, and the newest
        self.quiet: dict[str, tuple[int, Near]] = {}  # last beat, and what it called near: the next one may wait

    def get(self, key: str, default: Any = None) -> Any:
        self._take(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> EdgeState:
        self._take(key)
        return super().__getitem__(key)

    def setdefault(self, key: str, default: Any = None) -> Any:
        self._take(key)
        return super().setdefault(key, default)

    def _take(self, key: str) -> None:
        self.quiet.pop(key, None)
        held = self.waiting.pop(key, None)
        if held is not None:
            state = super().__getitem__(key)
            state.alive_ms, at_ms = held
            state.alive(at_ms, self._policy, radio_ok=True)


class QuickJudge(Judge):
    """Decides what `Judge` decides. Its memory cannot be saved: a replay has no need of it."""

    def __init__(self, policy: Policy, roster: Roster | None = None) -> None:
        self._bands, self._edges = _Bands(policy), _Edges(policy)
        super().__init__(policy)
        self._observed.bands, self._observed.edges = self._bands, self._edges
        self._fresh_ms = policy.presence.heard_fresh_s * 1000
        self._alive_ms = policy.presence.edge_fresh_s * 1000
        self._plain: dict[tuple[int, int, int, int], bool] = {}
        self._full: dict[int, bool] = {}  # by battery
        if roster is not None:
            self.set_roster(roster)

    def hear_frame(self, edge: EdgeId, raw: Raw) -> list[AlertEvent]:
        """A packed reading."""
        band = raw[1]
        quiet = self._bands.quiet.get(band)
        if quiet is not None:
            at_ms = raw[2] * 1000
            same = quiet[0] < at_ms <= quiet[0] + self._fresh_ms and raw[12] & _MOTION == quiet[2]
            if same and at_ms < quiet[1] and self._is_plain(raw):
                self._bands.waiting[band] = (quiet[0], edge, raw)
                quiet[0] = at_ms
                return []
        events = self._hear(_heard(edge, raw))
        self._note_quiet(BandNumber(band), raw)
        return events

    def hear_beat(self, row: Row, beat: EdgeHeartbeat) -> list[AlertEvent]:
        """A heartbeat of a row."""
        at_ms = sane_ms(beat.at_ms, row.received_ms)
        late = row.received_ms - at_ms > FRESH_MS
        last, near = self._edges.quiet.get(row.edge, (0, ()))
        if not last or late or not _is_well(beat) or not last < at_ms <= last + self._alive_ms or near_of(beat) != near:
            return self.hear(_beaten(row, beat))
        self._edges.waiting[row.edge] = (last, at_ms)
        self._edges.quiet[row.edge] = (at_ms, near)
        self._observe_time(at_ms)
        return []

    def hear(self, heard: Input) -> list[AlertEvent]:
        """Any other input."""
        if isinstance(heard, Tick):
            return self._hear(heard)
        if not isinstance(heard, BandHeard | EdgeAlive | GatewayAlive):
            self._wake()
        events = self._hear(heard)
        if isinstance(heard, EdgeAlive) and heard.radio_ok and heard.mains and heard.walked and not heard.late:
            state = dict.get(self._edges, heard.edge)
            known_well = state is not None and state.radio_ok and state.mains
            if state is not None and known_well and not self._is_troubled(SubjectKind.EDGE, heard.edge):
                self._edges.quiet[heard.edge] = (state.alive_ms, heard.near)
        return events

    def evolve(self, event: AlertEvent) -> None:
        self._wake()
        super().evolve(event)

    def set_roster(self, roster: Roster) -> None:
        self._wake()
        super().set_roster(roster)

    def _hear(self, heard: Input) -> list[AlertEvent]:
        self.observe(heard)
        events = self.decide(heard)
        for event in events:
            self.evolve(event)
        return events

    def _wake(self) -> None:
        """Whatever was quiet is judged anew; what waits still waits until it is asked for."""
        self._bands.quiet.clear()
        self._edges.quiet.clear()

    def _note_quiet(self, band: BandNumber, raw: Raw) -> None:
        state, order = dict.get(self._bands, band), self._roster.order_of(band)
        if state is None or order is None or raw[13] & _ODD or raw[12] & _UNSYNCED or not state.live:
            return
        at_ms, over_ms = raw[2] * 1000, to_ms(order.over_at)
        if state.heard_ms != at_ms or state.unseen_ms > at_ms or at_ms >= over_ms or not _notes_nothing(state):
            return
        if not self._is_troubled(SubjectKind.PERSON, order.person):
            self._bands.quiet[band] = [at_ms, over_ms, raw[12] & _MOTION]

    def _is_plain(self, raw: Raw) -> bool:
        """Whether a fresh band would note nothing of it."""
        if raw[13] & _ODD or raw[12] & _UNSYNCED:
            return False
        battery, said = raw[9], (raw[12], raw[10], raw[11], raw[6])
        full = self._full.get(battery)
        if full is None:
            full = self._full[battery] = self._leaves_no_note(raw)
        if not full:
            return False
        plain = self._plain.get(said)
        if plain is None:
            if len(self._plain) >= _KNOWN:
                self._plain.clear()
            plain = self._plain[said] = self._leaves_no_note(raw)
        return plain

    def _leaves_no_note(self, raw: Raw) -> bool:
        state = msgspec.structs.replace(_BLANK)
        state.heard(_heard(EdgeId("-"), raw), self.policy)
        return _notes_nothing(state)


def _notes_nothing(state: BandState) -> bool:
    return all(getattr(state, name) == getattr(_BLANK, name) for name in _NOTED)


class QuickPanel(Panel):
    """A panel of quick judges."""

    def __init__(self, book: Book) -> None:
        super().__init__(book)
        self._quick = tuple(judge for judge in self._judges.values() if isinstance(judge, QuickJudge))

    def hear_row(self, row: Row, entries: Iterable[Entry]) -> list[AlertEvent]:
        """A row of the inbox, as `entries_of` has it."""
        events: list[AlertEvent] = []
        only = self._quick[0] if len(self._quick) == 1 else None
        for entry in entries:
            if type(entry) is tuple:
                judge = only or self._of(BandNumber(entry[1]))
                if judge is not None:
                    events += judge.hear_frame(row.edge, entry)
            elif isinstance(entry, EdgeHeartbeat):
                for judge in self._quick:
                    events += judge.hear_beat(row, entry)
            elif not isinstance(entry, tuple):
                events += self.hear(entry)
        return events

    def hear(self, heard: Input) -> list[AlertEvent]:
        """Any input."""
        if isinstance(heard, BandHeard | BandUnseen):
            judge = self._of(heard.band)
            return [] if judge is None else judge.hear(heard)
        return [event for judge in self._quick for event in judge.hear(heard)]

    def _make(self, policy: Policy) -> Judge:
        return QuickJudge(policy)

    def _of(self, band: BandNumber) -> QuickJudge | None:
        judge = self._only or self._of_band.get(band)
        return judge if isinstance(judge, QuickJudge) else None

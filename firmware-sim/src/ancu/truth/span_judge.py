"""The judge in spans: quiet hearing costs nothing, and nothing that it decides is different.

While a band is heard, or a box or gateway gives its sign of life, every period, the judge's memory of it moves with
each input and no decision follows, but at moments that its own rules name. So this judge is told "quiet from now on"
once. Whatever it then looks at is first brought to what the inputs until that moment would have left (`_catch_up`): a
look never sees anything but what a dense judge would see. Looks that are only there to notice silence are put off while
there is none; moments that follow from a rule's number are looked at by a real report.
`test_truth_spans.py` holds both judges equal, event by event.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from ancu.models.clock import from_ms, to_ms
from ancu.models.ids import BandNumber, EdgeId
from ancu.server.alerts.events import AlertEvent
from ancu.server.cases.band_rows import verdicts
from ancu.server.cases.hearing import band_case
from ancu.server.cases.inputs import BandHeard, BandUnseen, DoorCrossed, EdgeAlive, GatewayAlive, Input, Tick
from ancu.server.cases.judge import Judge
from ancu.server.cases.policy import Policy
from ancu.server.cases.roster import Roster, area_of
from ancu.server.cases.sweep import Sweep
from ancu.server.cases.verdict import Wait
from ancu.server.cases.whereabouts import PresenceState

__all__ = ["Key", "Quiet", "SpanJudge"]

Key = tuple[str, str | int | tuple[str, str]]
_COUNTED = 6
_NEVER_DUE = ("heard_ms", "home_ms", "motion_ms")  # no rule has a word so many seconds after these
_FAR_MS = 10 * 365 * 86_400_000


@dataclass(slots=True)
class Quiet:
    """Inputs that come every `period_ms`, the first at `first_ms`; each arrives `delay_ms` after its time."""

    first_ms: int
    period_ms: int
    delay_ms: int
    make: Callable[[int], Input]
    told_ms: int = 0  # the last one that memory holds

    def last_before(self, now_ms: int) -> int:
        """The time of the last input that has arrived; 0: none."""
        past = now_ms - self.delay_ms - self.first_ms
        return self.first_ms + past // self.period_ms * self.period_ms if past >= 0 else 0

    def first_after(self, now_ms: int) -> int:
        """The time of the first input whose time is not before `now_ms`."""
        if now_ms <= self.first_ms:
            return self.first_ms
        return self.first_ms + -(-(now_ms - self.first_ms) // self.period_ms) * self.period_ms


class SpanJudge(Judge):
    """`Judge` that can be told of quiet spans."""

    def __init__(self, policy: Policy, roster: Roster) -> None:
        super().__init__(policy)
        self.quiet: dict[Key, Quiet] = {}
        self.reports: list[tuple[int, Key]] = []  # (time, who): real reports to bring, for the one who drives
        self._numbers = sorted(set(_seconds(msgspec.to_builtins(policy.rules))))
        self._settled: set[Key] = set()
        self._now = 0
        self._looks = _SpanSweep(self)
        self._sweep = self._looks
        self.set_roster(roster)

    # --- spans -------------------------------------------------------------------------------------------------------

    def begin_quiet(self, key: Key, quiet: Quiet) -> None:
        """From now on these inputs come, until `end_quiet`."""
        self.quiet[key] = quiet
        self._settled.discard(key)
        if key[0] == "band":
            self._plan_reports(key, quiet)

    def end_quiet(self, key: Key, now_ms: int) -> None:
        """They no longer come: memory holds the last, and the silence is looked for from here."""
        if key in self.quiet:
            self._catch_up(key, now_ms)
            del self.quiet[key]
            self._settled.discard(key)
            self._sweep.look(key, 0)

    def pass_over(self, key: Key, quiet: Quiet, last_ms: int, *, late: bool) -> None:
        """Inputs of a span that lies behind, up to `last_ms`: stored, delivered in order, and nothing but quiet."""
        self._move(key, quiet, last_ms, begun=last_ms > quiet.first_ms)
        box = self._observed.edges.get(EdgeId(str(key[1]))) if key[0] == "edge" else None
        if box is not None and late:
            box.told_late(self._observed.tick_ms)

    def report(self, key: Key, at_ms: int, now_ms: int) -> list[AlertEvent]:
        """One input of a quiet span, observed and decided as any other."""
        quiet = self.quiet.get(key)
        if quiet is None or at_ms <= quiet.told_ms or at_ms > quiet.last_before(now_ms):
            return []
        self._catch_up(key, now_ms, before_ms=at_ms)
        heard = quiet.make(at_ms)
        quiet.told_ms = at_ms
        return self.take(heard, now_ms)

    def take(self, heard: Input, now_ms: int) -> list[AlertEvent]:
        """Observe, decide and evolve one input that arrives now; what follows."""
        self._now = max(self._now, now_ms)
        self.observe(heard)
        events = self.decide(heard)
        for event in events:
            self.evolve(event)
        return events

    def tick(self, now_ms: int) -> list[AlertEvent]:
        """Time passed, and the judge was listening."""
        return self.take(Tick(from_ms(now_ms)), now_ms)

    @property
    def ticked_ms(self) -> int:
        return self._observed.tick_ms

    def next_due_ms(self) -> int | None:
        """When the sweep wants to look next."""
        return self._looks.next_ms()

    # --- the judge's own, brought up to now first --------------------------------------------------------------------

    def observe(self, heard: Input) -> None:
        for key in self._touched(heard):
            self._catch_up(key, self._now)
        super().observe(heard)

    def bring_up(self, keys: Iterable[Key], now_ms: int) -> None:
        """Catch up all that a look at these may read."""
        self._now = max(self._now, now_ms)
        for key in keys:
            self._catch_up_all(key, now_ms)

    def presence(self, person: str, at: datetime | None = None) -> tuple[PresenceState, datetime | None]:
        now_ms = self._now if at is None else to_ms(at)
        for number in self._roster.bands_of_person.get(person, ()):
            self._catch_up_all(("band", number), now_ms)
        return super().presence(person, at)

    def put_off(self, key: Key, now_ms: int) -> int | None:
        """Until when a look at `key` can wait because it would find nothing; None: look."""
        if key not in self.quiet:
            return None
        if key not in self._settled:
            self._settled.add(key)
            return None
        if key[0] != "band":
            return now_ms + _FAR_MS
        self._catch_up_all(key, now_ms)
        case = band_case(self._roster, self._observed, BandNumber(int(str(key[1]))))
        if case is None:
            return None
        # What only waits for a silence would find none. A rule that waits for a moment says so with a Wait.
        waits = [v.look_again_ms for v in verdicts(case, now_ms, self.policy) if isinstance(v, Wait)]
        due = min(waits, default=now_ms + _FAR_MS)
        return due if due > now_ms else None

    def looked_for(self, key: Key, at_ms: int) -> None:
        """Somebody asked for a look now: it is not put off, and what comes next is decided too."""
        if at_ms <= self._now and key in self._settled:
            self._settled.discard(key)
            quiet = self.quiet.get(key)
            if quiet is not None:
                self.reports.append((quiet.first_after(self._now - quiet.delay_ms), key))

    def _catch_up_all(self, key: Key, now_ms: int) -> None:
        for read in self._reads(key):
            self._catch_up(read, now_ms)

    def _observe_time(self, at_ms: int) -> None:
        self._observed.told_ms = max(self._observed.told_ms, at_ms - 1)  # ticks came each second
        super()._observe_time(at_ms)

    def _touched(self, heard: Input) -> list[Key]:
        match heard:
            case BandHeard(band=band) | BandUnseen(band=band):
                return self._reads(("band", band))
            case EdgeAlive(edge=edge):
                return self._reads(("edge", edge))
            case GatewayAlive(gateway=gateway):
                return [("gateway", gateway)]
            case DoorCrossed(edge=edge):
                seat = self._roster.edges.get(edge)
                bands = () if seat is None else self._roster.bands_of_place.get(seat.place, ())
                return [read for band in bands for read in self._reads(("band", band))]
        person = getattr(heard, "person", None)
        bands = () if person is None else self._roster.bands_of_person.get(person, ())
        return [read for band in bands for read in self._reads(("band", band))]

    def _reads(self, key: Key) -> list[Key]:
        match key:
            case ("band", int(number)):
                seat = self._roster.bands.get(BandNumber(number))
                return [key, *(("edge", edge) for edge in (seat.edges if seat else ()))]
            case ("edge", str(edge)):
                seat_ = self._roster.edges.get(EdgeId(edge))
                if seat_ is None:
                    return [key]
                # Only an edge that is silent reads its neighbours.
                neighbours: list[Key] = []
                if key not in self.quiet:
                    neighbours = [("edge", e) for e in self._roster.edges_of_area.get(area_of(seat_), ())]
                return [key, *neighbours, *([("gateway", seat_.gateway)] if seat_.gateway else [])]
            case ("area", str(area)):
                edges = self._roster.edges_of_area.get(area, ())
                gateways = sorted({g for e in edges if (g := self._roster.edges[e].gateway) is not None})
                return [*(("edge", edge) for edge in edges), *(("gateway", g) for g in gateways)]
        return [key]

    def _catch_up(self, key: Key, now_ms: int, before_ms: int | None = None) -> None:
        """Bring memory to the last input that has arrived, or to the last one before `before_ms`."""
        quiet = self.quiet.get(key)
        if quiet is None:
            return
        last = quiet.last_before(now_ms)
        if before_ms is not None:
            last = min(last, before_ms - quiet.period_ms)
        if last <= quiet.told_ms or last < quiet.first_ms:
            return
        quiet.told_ms = last
        self._move(key, quiet, last, begun=last > quiet.first_ms)

    def _move(self, key: Key, quiet: Quiet, last: int, *, begun: bool) -> None:
        match key:
            case ("band", int(number)):
                band = self._observed.bands.get(number)
                heard = quiet.make(last)
                if band is not None and isinstance(heard, BandHeard):
                    if begun:
                        band.heard_ms = max(band.heard_ms, last - quiet.period_ms)
                    band.heard(heard, self.policy)
            case ("edge", str(edge)):
                box, alive = self._observed.edges.get(edge), quiet.make(last)
                if box is not None and isinstance(alive, EdgeAlive):
                    if begun:
                        box.alive_ms = max(box.alive_ms, last - quiet.period_ms)
                    box.alive(last, self.policy, radio_ok=alive.radio_ok, mains=alive.mains, walked=alive.walked)
            case ("gateway", str(gateway)):
                line = self._observed.gateways.get(gateway)
                if line is not None:
                    if begun:
                        line.alive_ms = max(line.alive_ms, last - quiet.period_ms)
                    line.alive(last, self.policy)

    def _plan_reports(self, key: Key, quiet: Quiet) -> None:
        """Reports that a rule may have a word about: so many of its seconds after what the band says began."""
        number = key[1]
        assert isinstance(number, int)  # noqa: S101 - the key of a band
        state = self._observed.bands.get(number)
        times: set[int] = set()
        begun = set(_begun(state)) if state is not None else set()
        if begun:
            # Some rules count readings; none counts more than these.
            times |= {quiet.first_ms + index * quiet.period_ms for index in range(_COUNTED)}
            times |= {quiet.first_after(since + seconds * 1000) for since in begun for seconds in self._numbers}
        self.reports += [(at, key) for at in sorted(times) if at >= quiet.first_ms]


class _SpanSweep(Sweep[Key]):
    """A sweep that leaves out what a quiet span makes needless, and catches up what is looked at."""

    def __init__(self, judge: SpanJudge) -> None:
        super().__init__()
        self._judge = judge

    def next_ms(self) -> int | None:
        while self._heap:
            due, _, key = self._heap[0]
            if self._due.get(key) == due:
                return due
            heapq.heappop(self._heap)
        return None

    def look(self, key: Key, at_ms: int) -> None:
        self._judge.looked_for(key, at_ms)
        super().look(key, at_ms)

    def take_due(self, at_ms: int) -> list[Key]:
        taken = []
        for key in super().take_due(at_ms):
            later = self._judge.put_off(key, at_ms)
            if later is None:
                taken.append(key)
            else:
                self.look(key, later)
        self._judge.bring_up(taken, at_ms)
        return taken


def _begun(state: msgspec.Struct) -> Iterable[int]:
    """When what a band says began to be so: every time but those that move with each report."""
    for name in state.__struct_fields__:
        value = getattr(state, name)
        if isinstance(value, msgspec.Struct):
            yield from _begun(value)
        elif isinstance(value, int) and value and name.endswith("_ms") and name not in _NEVER_DUE:
            yield value


def _seconds(rules: object) -> Iterable[int]:
    """Every number of seconds in the rules."""
    if isinstance(rules, dict):
        for name, value in rules.items():
            if isinstance(value, int) and not isinstance(value, bool) and str(name).endswith("_s"):
                yield value
            else:
                yield from _seconds(value)

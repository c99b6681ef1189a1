"""A decider that is told of quiet spans decides what one that hears every report decides, event by event."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ancu.models.clock import from_ms
from ancu.models.frame import Reading, Status
from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode
from ancu.server.alerts.events import AlertEvent, pack
from ancu.server.cases.inputs import BandHeard, BandUnseen, EdgeAlive, GatewayAlive, Input, Tick
from ancu.server.cases.judge import Judge
from ancu.server.cases.policy import Policy
from ancu.server.cases.roster import BandSeat, EdgeSeat, GatewaySeat, OrderSeat, Roster
from ancu.server.policies import load_policy
from ancu.truth.span_judge import Key, Quiet, SpanJudge

Make = Callable[[int], Input]
Parts = list[tuple[int, int | None, bool]]
Lives = list[tuple[int, str]]
START = round(datetime(2026, 3, 2, 3, tzinfo=UTC).timestamp() * 1000)
PERIOD, DELAY = 10_000, 137
WARD = WardCode("00001")
WORN, OFF = Status.SKIN | Status.MOTION, Status(0)
READINGS = (
    Reading(80, False, 364, 70, 97, WORN, 0),
    Reading(15, False, 364, 70, 97, WORN, 0),
    Reading(4, False, 364, 70, 97, WORN, 0),
    Reading(80, False, 290, 0, 0, OFF, 0),
    Reading(80, True, 290, 0, 0, OFF | Status.STRAP_OPEN, 0),
    Reading(80, False, 391, 90, 97, WORN, 0),
    Reading(80, False, 364, 60, 97, Status.SKIN, 0),  # asleep
    Reading(80, False, 345, 0, 0, OFF, 0),  # as warm as a body
    Reading(18, False, 290, 0, 0, OFF | Status.CHARGING, 0),
)

# What a source does, one after another: (how many periods, reading or None for silence, whether silence is testified).
segments = st.lists(
    st.tuples(st.integers(1, 70), st.sampled_from([None, None, 0, 0, 0, *range(1, len(READINGS))]), st.booleans()),
    min_size=1,
    max_size=5,
)
lives = st.lists(
    st.tuples(st.integers(1, 90), st.sampled_from(["well", "well", "dead", "unplugged", "unproven"])),
    min_size=1,
    max_size=4,
)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # a story takes a second: shrinking would take minutes


def brisk() -> Policy:
    """The default with every wait of its own kept apart, but so short that a story lives to see its end."""
    policy, replace = load_policy("default"), msgspec.structs.replace
    rules = policy.rules
    away = replace(rules.out_of_range, still_opens_after_s=310, unproven_opens_after_s=230, doubt_ends_after_s=520)
    off = replace(
        rules.band_removed,
        opens_after_s=120,
        later_after_s=270,
        warm_opens_after_s=330,
        warm_later_after_s=480,
        charging_opens_after_s=390,
    )
    changed = replace(
        rules,
        out_of_range=away,
        band_silent=replace(rules.band_silent, opens_after_s=190, still_opens_after_s=370),
        band_removed=off,
        battery_low=replace(rules.battery_low, opens_after_s=350),
        edge_silent=replace(rules.edge_silent, opens_after_s=410, unplugged_opens_after_s=170),
    )
    return replace(policy, name="brisk", rules=changed)


POLICIES = {"demo": load_policy("demo"), "default": load_policy("default"), "brisk": brisk()}


def roster() -> Roster:
    begin, until = from_ms(START - 60_000), from_ms(START + 5_000_000)
    orders = {OrderId(f"o{n}"): OrderSeat(OrderId(f"o{n}"), f"p{n}", WARD, begin, until) for n in (1, 2)}
    bands = {BandNumber(n): BandSeat(BandNumber(n), OrderId(f"o{n}"), (EdgeId(f"e{n}"),)) for n in (1, 2)}
    edges = {EdgeId(f"e{n}"): EdgeSeat(EdgeId(f"e{n}"), WARD, f"h{n}", GatewayId("g1"), "a1") for n in (1, 2)}
    return Roster(orders, bands, edges, {GatewayId("g1"): GatewaySeat(GatewayId("g1"), WARD)})


def heard(edge: str, band: int, reading: Reading) -> Make:
    def make(ms: int) -> Input:
        return BandHeard(
            from_ms(ms), from_ms(ms), EdgeId(edge), BandNumber(band), -60, ms // 1000, reading, urgent=False, late=False
        )

    return make


def alive(edge: str) -> Callable[[str], Make]:
    def how(state: str) -> Make:
        mains, walked = state != "unplugged", state != "unproven"
        return lambda ms: EdgeAlive(from_ms(ms), EdgeId(edge), 10, mains, True, walked=walked)

    return how


def gateway(_how: str) -> Make:
    return lambda ms: GatewayAlive(from_ms(ms), GatewayId("g1"), frozenset())


class Story:
    """Sources and what each says, as spans: (key, first time, count, make); and single facts."""

    def __init__(self, bands: Sequence[Parts], edges: Sequence[Lives], gateways: Lives) -> None:
        self.spans: list[tuple[tuple[str, object], int, int, Make]] = []
        self.facts: list[tuple[int, Input]] = []
        self.end = START
        for number, parts in enumerate(bands, 1):
            at = START + 1_000 * number
            for periods, reading, testified in parts:
                if reading is not None:
                    self.spans.append((("band", number), at, periods, heard(f"e{number}", number, READINGS[reading])))
                elif testified:
                    self.facts.append(
                        (at + 18_000, BandUnseen(from_ms(at + 18_000), EdgeId(f"e{number}"), BandNumber(number), None))
                    )
                at += periods * PERIOD
            self.end = max(self.end, at)
        for number, parts in enumerate(edges, 1):
            self._lives(("edge", f"e{number}"), START + 300 * number, parts, alive(f"e{number}"))
        self._lives(("gateway", "g1"), START + 50, gateways, gateway)
        self.end += 1_300_000

    def _lives(self, key: Key, at: int, parts: Lives, make: Callable[[str], Make]) -> None:
        for periods, how in parts:
            if how != "dead":
                self.spans.append((key, at, periods, make(how)))
            at += periods * PERIOD
        self.end = max(self.end, at)


def decide_densely(story: Story, policy: Policy) -> list[bytes]:
    judge, told = Judge(policy, roster()), []
    arrivals = [
        (at + i * PERIOD, make(at + i * PERIOD)) for _, at, n, make in story.spans for i in range(n)
    ] + story.facts
    order = sorted(((at + DELAY, index, made) for index, (at, made) in enumerate(arrivals)), key=lambda a: a[:2])
    queue = iter(order)
    following = next(queue, None)
    for second in range(START, story.end, 1000):
        told += take(judge, Tick(from_ms(second)))
        while following is not None and following[0] < second + 1000:
            told += take(judge, following[2])
            following = next(queue, None)
    return sorted(pack(event) for event in told)


def take(judge: Judge, happened: Input) -> list[AlertEvent]:
    judge.observe(happened)
    events = judge.decide(happened)
    for event in events:
        judge.evolve(event)
    return events


def decide_in_spans(story: Story, policy: Policy) -> list[bytes]:  # noqa: C901 - one driver, read as a whole
    judge, told = SpanJudge(policy, roster()), []
    heap, order = [], count()

    def at(when: int, act: Callable[[int], list[AlertEvent]]) -> None:
        heapq.heappush(heap, (when, next(order), act))

    def begin(key: Key, first: int, n: int, make: Make) -> Callable[[int], list[AlertEvent]]:
        def act(now: int) -> list[AlertEvent]:
            events = judge.take(make(first), now)
            if n > 1:
                judge.begin_quiet(key, Quiet(first + PERIOD, PERIOD, DELAY, make))
                at(first + n * PERIOD + DELAY - 1, lambda now: judge.end_quiet(key, now) or [])
            return events

        return act

    for key, first, n, make in story.spans:
        at(first + DELAY, begin(key, first, n, make))
    for when, fact in story.facts:
        at(when + DELAY, lambda now, f=fact: judge.take(f, now))
    told += judge.tick(START)
    while True:
        reports, judge.reports = judge.reports, []
        for when, key in reports:
            at(when + DELAY, lambda now, k=key, w=when: judge.report(k, w, now))
        due = judge.next_due_ms()
        second = None if due is None else max(-(-due // 1000) * 1000, judge.ticked_ms + 1000)
        if second is not None and (not heap or second <= heap[0][0]):
            if second >= story.end:
                break
            told += judge.tick(second)
        elif heap:
            when, _, act = heapq.heappop(heap)
            if when // 1000 * 1000 > judge.ticked_ms:
                told += judge.tick(when // 1000 * 1000)
            told += act(when)
        else:
            break
    return sorted(pack(event) for event in told)


@settings(max_examples=25, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(POLICIES)), st.tuples(segments, segments), st.tuples(lives, lives), lives)
def test_a_judge_in_spans_decides_what_a_dense_one_decides(
    name: str, bands: Sequence[Parts], edges: Sequence[Lives], gateways: Lives
):
    story = Story(bands, edges, gateways)
    assert decide_in_spans(story, POLICIES[name]) == decide_densely(story, POLICIES[name])


@pytest.mark.long
@pytest.mark.timeout(600)
@settings(max_examples=400, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(POLICIES)), st.tuples(segments, segments), st.tuples(lives, lives), lives)
def test_a_judge_in_spans_decides_what_a_dense_one_decides_many_times(
    name: str, bands: Sequence[Parts], edges: Sequence[Lives], gateways: Lives
):
    story = Story(bands, edges, gateways)
    assert decide_in_spans(story, POLICIES[name]) == decide_densely(story, POLICIES[name])

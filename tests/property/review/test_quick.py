"""The quick judge of replays decides what the judge decides, whatever happens in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ancu.models.clock import to_ms
from ancu.models.frame import Status
from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode
from ancu.models.topics import Lane
from ancu.models.wire import EdgeHeartbeat, JournalHealth, LastHeard, MainsChanged, RadioHealth, Unseen
from ancu.server.cases.inputs import ChallengeSettled, GatewayAlive, Input, SosTapped, Tick
from ancu.server.cases.policy import Policy
from ancu.server.cases.roster import BandSeat, EdgeSeat, GatewaySeat, OrderSeat, Roster
from ancu.server.ingest.columns import Flag, pack_reading
from ancu.server.ingest.rows import Row, Trouble, inputs_of, pack_facts
from ancu.server.ports import Severity
from ancu.server.review.book import Book, load_one
from ancu.server.review.panel import Panel
from ancu.server.review.quick import QuickPanel, entries_of
from ancu.server.review.seats import Seating

START = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
BANDS = (1, 2)


def calm() -> Policy:
    """The demonstration's short waits, with doubt, warmth and pulled plugs kept apart as the default keeps them."""
    demo, replace = load_one("demo"), msgspec.structs.replace
    rules = demo.rules
    changed = replace(
        rules,
        out_of_range=replace(
            rules.out_of_range,
            rises_in_s=15,
            still_opens_after_s=50,
            unproven_opens_after_s=35,
            doubt_ends_after_s=90,
        ),
        band_silent=replace(rules.band_silent, still_opens_after_s=100),
        battery_low=replace(rules.battery_low, opens_after_s=120, at_once_percent=8),
        edge_silent=replace(rules.edge_silent, opens_after_s=110, unplugged_opens_after_s=60),
    )
    return replace(demo, name="calm", rules=changed, paging=replace(demo.paging, list_first=(Severity.MEDIUM,)))


POLICIES = {"demo": load_one("demo"), "calm": calm()}


def roster(*, over_s: int = 3600) -> Roster:
    orders = {
        OrderId(f"o{n}"): OrderSeat(
            OrderId(f"o{n}"), f"p{n}", WardCode("w1"), START - timedelta(hours=1), START + timedelta(seconds=over_s)
        )
        for n in BANDS
    }
    edges = {EdgeId(f"e{n}"): EdgeSeat(EdgeId(f"e{n}"), WardCode("w1"), f"e{n}", GatewayId("g1")) for n in BANDS}
    bands = {BandNumber(n): BandSeat(BandNumber(n), OrderId(f"o{n}"), (EdgeId(f"e{n}"),)) for n in BANDS}
    return Roster(orders, bands, edges, {GatewayId("g1"): GatewaySeat(GatewayId("g1"), WardCode("w1"))}, {})


status = st.sampled_from(
    [Status.SKIN | Status.MOTION] * 6
    + [
        Status.SKIN,
        Status.MOTION,
        Status(0),
        Status.STRAP_OPEN,
        Status.SOS | Status.SKIN,
        Status.SKIN | Status.UNSYNCED,
    ]
)
happening = st.one_of(
    st.tuples(
        st.just("heard"),
        st.sampled_from(BANDS),
        status,
        st.sampled_from([80, 80, 80, 79, 25, 15, 4]),
        st.sampled_from([0, 0, 0, 0, int(Flag.LATE), int(Flag.URGENT), int(Flag.TAMPER)]),
        st.sampled_from([0, 0, 0, -30, 2]),
        st.sampled_from([72, 72, 72, 150, 30, 0]),
    ),
    st.tuples(
        st.just("beat"),
        st.sampled_from(BANDS),
        st.sampled_from(["well"] * 5 + ["deaf", "unplugged", "unproven", "near", "far"]),
        st.sampled_from([0, 0, 0, -200]),
    ),
    st.tuples(st.just("unseen"), st.sampled_from(BANDS)),
    st.tuples(st.just("mains"), st.sampled_from(BANDS), st.booleans()),
    st.tuples(st.just("gateway")),
    st.tuples(st.just("sos"), st.sampled_from(BANDS)),
    st.tuples(st.just("trouble"), st.sampled_from(BANDS)),
    st.tuples(st.just("asked"), st.sampled_from(BANDS), st.sampled_from(["missed", "missed", "worn", "not_worn"])),
    st.tuples(st.just("end"), st.just(0)),
)
# Steady stretches between, so that something is put off at all; the wearers lie still in some.
story = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.sampled_from([Status.SKIN, Status.SKIN | Status.MOTION]),
        st.sampled_from(
            [("well", "well")] * 3 + [("unplugged", "well"), ("near", "unproven"), ("near", "far"), ("far", "well")]
        ),
        st.sampled_from([1, 5, 10, 20, 70, 130]),
        st.lists(happening, max_size=3),
    ),
    min_size=1,
    max_size=12,
)


class Both:
    """Both panels, told the same."""

    def __init__(self, policy: Policy) -> None:
        self.plain, self.quick = Panel(Book.plain(policy)), QuickPanel(Book.plain(policy))
        self.seat(roster())

    def seat(self, seats: Roster) -> None:
        for panel in (self.plain, self.quick):
            panel.seat(Seating(seats))

    def tell(self, heard: Input) -> None:
        expected = self._plainly(heard)
        assert self.quick.hear(heard) == expected

    def row(self, row: Row) -> None:
        expected = [event for heard in inputs_of(row) for event in self._plainly(heard)]
        assert self.quick.hear_row(row, entries_of(row)) == expected

    def _plainly(self, heard: Input):
        self.plain.observe(heard)
        events = self.plain.decide(heard)
        for event in events:
            self.plain.evolve(event)
        return events


def beat_of(at_ms: int, how: str = "well", n: int = 1) -> EdgeHeartbeat:
    mains, radio = how != "unplugged", RadioHealth(how != "deaf", 5, 0)
    journal, walked = JournalHealth(0, 0, 0, 0), how != "unproven"
    bands = (LastHeard(n, at_ms, how == "near"),) if how in {"near", "far"} else ()
    return EdgeHeartbeat(at_ms, 10, 5, mains, True, radio, journal, bands, "1", walked=walked)


def row_of(now: int, n: int, readings: bytes, facts: Any = (), troubles: Any = ()) -> Row:
    return Row(now, "w1", EdgeId(f"e{n}"), "g1", int(Lane.STATE), 1, 1, 1, readings, pack_facts(facts, troubles))


def reading(  # noqa: PLR0917 - as they are packed
    now: int, n: int, bits: Status = Status.SKIN, battery: int = 80, flags: int = 0, lag: int = 0, heart: int = 72
):
    return pack_reading(now, n, now // 1000 + lag, 0, 7, 1, 365, -60, 1, battery, heart, 98, int(bits), flags)


def tell(both: Both, now: int, what: tuple) -> None:
    match what:
        case ("heard", n, bits, battery, flags, lag, heart):
            both.row(row_of(now, n, reading(now, n, bits, battery, flags, lag, heart)))
        case ("beat", n, how, lag):
            both.row(row_of(now, n, b"", [(0, beat_of(now + lag * 1000, how, n))]))
        case ("unseen", n):
            both.row(row_of(now, n, b"", [(0, Unseen(now, n, None, 1))]))
        case ("mains", n, on):
            both.row(row_of(now, n, b"", [(0, MainsChanged(now, on))]))
        case ("gateway",):
            both.tell(GatewayAlive(START + timedelta(milliseconds=now - to_ms(START)), GatewayId("g1"), frozenset()))
        case ("sos", n):
            both.tell(SosTapped(START + timedelta(milliseconds=now - to_ms(START)), f"p{n}"))
        case ("trouble", n):
            both.row(row_of(now, n, b"", (), [Trouble(n, "seal", 1)]))
        case ("asked", n, outcome):
            at = START + timedelta(milliseconds=now - to_ms(START))
            asked = at - timedelta(seconds=5)
            both.tell(ChallengeSettled(at, f"p{n}", BandNumber(n), EdgeId(f"e{n}"), asked, outcome))
        case ("end", _):
            both.seat(roster(over_s=(now - to_ms(START)) // 1000 + 30))


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(POLICIES)), story)
def test_both_judges_decide_the_same(name: str, told: list):
    both = Both(POLICIES[name])
    now = to_ms(START)
    for steady, bits, beats, pause_s, happenings in told:
        for _ in range(steady):
            for n, how in zip(BANDS, beats, strict=True):
                both.row(row_of(now, n, reading(now, n, bits), [(0, beat_of(now, how, n))]))
            for _ in range(10):
                now += 1000
                both.tell(Tick(START + timedelta(milliseconds=now - to_ms(START))))
        for what in happenings:
            tell(both, now, what)
        for _ in range(pause_s):
            now += 1000
            both.tell(Tick(START + timedelta(milliseconds=now - to_ms(START))))
    for person in ("p1", "p2"):
        at = START + timedelta(milliseconds=now - to_ms(START))
        assert both.plain.presence(person, at) == both.quick.presence(person, at)

"""Whatever is told to the judge, in whatever order, and wherever it is killed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import assert_never

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ancu.models.frame import Reading, Status
from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode
from ancu.server.alerts.alert import evolve, fold
from ancu.server.alerts.events import AlertEvent, Attached, Raised, Reopened, event_id, pack, unpack
from ancu.server.cases.band_rows import quiet_until, verdicts
from ancu.server.cases.codes import Kind
from ancu.server.cases.hearing import band_case
from ancu.server.cases.inputs import (
    AbsenceEnded,
    AbsenceGranted,
    BandHeard,
    BandUnseen,
    CameraChanged,
    ChallengeSettled,
    CheckinAnswered,
    CheckinAsked,
    CheckpointScanned,
    DoorCrossed,
    EdgeAlive,
    EdgeBegan,
    FrameTrouble,
    GatewayAlive,
    Input,
    MainsTurned,
    NeighboursScanned,
    PersonInput,
    SelfReported,
    SosTapped,
    Tick,
    ZoneCounted,
)
from ancu.server.cases.judge import Judge
from ancu.server.cases.roster import BandSeat, CameraSeat, EdgeSeat, GatewaySeat, OrderSeat, Roster
from ancu.server.cases.verdict import Holds
from ancu.server.policies import load_policy

START = datetime(2026, 3, 2, 14, 50, tzinfo=UTC)  # 21:50 local: stories run into the quiet hours
POLICY = load_policy("demo")
HOMES = (1, 2, 3, 4)
PLACES = {1: "e1", 2: "site", 3: "site", 4: "e4"}
calm = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def at(s: float) -> datetime:
    return START + timedelta(seconds=s)


def roster() -> Roster:
    return Roster(
        {
            OrderId(f"o{n}"): OrderSeat(
                OrderId(f"o{n}"), f"p{n}", WardCode("w1"), at(-7100), at(500 if n == 4 else 9e5)
            )
            for n in HOMES
        },
        {BandNumber(n): BandSeat(BandNumber(n), OrderId(f"o{n}"), (EdgeId(f"e{n}"),)) for n in HOMES},
        {EdgeId(f"e{n}"): EdgeSeat(EdgeId(f"e{n}"), WardCode("w1"), PLACES[n], GatewayId("g1")) for n in HOMES},
        {GatewayId("g1"): GatewaySeat(GatewayId("g1"), WardCode("w1"))},
        {(EdgeId("e2"), "gate"): CameraSeat(EdgeId("e2"), "gate", "site")},
    )


readings = st.builds(
    Reading,
    battery_percent=st.sampled_from([80, 80, 80, 20, 5, 3]),
    tamper=st.sampled_from([False, False, False, True]),
    skin_deci_c=st.sampled_from([365, 365, 365, 388]),
    heart_bpm=st.sampled_from([70, 70, 70, 145]),
    spo2_percent=st.sampled_from([98, 98, 98, 92, 88]),
    status=st.sampled_from(
        [Status.SKIN, Status.SKIN | Status.MOTION, Status(0), Status.SKIN | Status.SOS, Status.STRAP_OPEN]
    ),
    history_head=st.just(0),
)
homes = st.sampled_from(HOMES)
ago = st.sampled_from([0, 0, 0, 0, 1, 5, 30, 100])  # how old a fact is when it is told
symptoms = st.sampled_from([(), ("cough",), ("cough", "breathless")])
OUTCOMES = ("worn", "not_worn", "missed", "missed")


@st.composite
def of_persons(draw: st.DrawFn, t: int) -> PersonInput:
    n, begins = draw(homes), draw(st.sampled_from([-60, 0, 20]))
    person = f"p{n}"
    return draw(
        st.sampled_from(
            [
                CheckpointScanned(at(t - draw(ago)), person, f"s{t}", "bridge"),
                AbsenceGranted(at(t), person, f"a{t}", at(t + begins), at(t + begins + 90)),
                AbsenceEnded(at(t), person, f"a{t - 10}"),
                CheckinAsked(at(t), person, f"c{t}"),
                CheckinAnswered(at(t), person, f"c{t}", draw(st.sampled_from([None, True, False]))),
                SelfReported(at(t), person, feverish=True),
                SelfReported(at(t), person, False, draw(symptoms), draw(symptoms)),
                ChallengeSettled(
                    at(t), person, BandNumber(n), EdgeId(f"e{n}"), at(t - draw(ago)), draw(st.sampled_from(OUTCOMES))
                ),
            ]
        )
    )


@st.composite
def told(draw: st.DrawFn, t: int) -> Input:  # noqa: C901, PLR0911 - one case an input
    n, age, late = draw(homes), draw(ago), draw(st.sampled_from([False, False, False, True]))
    when, edge = at(t - age), EdgeId(f"e{n}")
    match draw(st.integers(0, 14)):
        case 0 | 1 | 2:
            age = age if late else min(age, 30)  # a frame that is older than a silence is not live
            return BandHeard(at(t - age), at(t), edge, BandNumber(n), -60, t - age, draw(readings), False, late)
        case 3:
            return BandUnseen(when, edge, BandNumber(n), None, late)
        case 4 | 5:
            radio_ok, near = draw(st.sampled_from([True, True, False])), draw(st.sampled_from([None, True, False]))
            told = () if near is None else ((BandNumber(n), near),)
            return EdgeAlive(when, edge, 10, True, radio_ok, late, True, told)
        case 6:
            return GatewayAlive(when, GatewayId("g1"), frozenset())
        case 7:
            return DoorCrossed(when, EdgeId("e2"), "gate", "main", draw(st.sampled_from(["in", "out"])), 1, 0.9, late)
        case 8:
            state = draw(st.sampled_from(["ok", "covered", "dead"]))
            return CameraChanged(when, EdgeId("e2"), "gate", state, late)
        case 9:
            return draw(st.sampled_from([MainsTurned(when, edge, False, late), EdgeBegan(when, edge, late)]))
        case 13:
            watch, people = draw(st.sampled_from(["forbidden", "gathering"])), draw(st.sampled_from([0, 1, 4]))
            return ZoneCounted(when, EdgeId("e2"), "gate", f"z-{watch}", watch, people, when, late)
        case 14:
            place = draw(st.sampled_from([b"here", b"there"]))
            return NeighboursScanned(when, edge, frozenset(place + bytes([i]) for i in range(5)), late)
        case 10 | 11:
            return draw(of_persons(t))
        case _:
            trouble = FrameTrouble(when, edge, BandNumber(n), draw(st.sampled_from(["seal", "replay", "gap", "?"])), 1)
            return draw(st.sampled_from([trouble, SosTapped(at(t), f"p{n}"), MainsTurned(when, edge, True, late)]))


@st.composite
def stories(draw: st.DrawFn) -> list[Input]:
    """Heartbeats come as they do, most of the time; anything else comes at any time; ticks never stop."""
    story: list[Input] = []
    silent = draw(st.sets(homes))
    nearness: dict[int, tuple[tuple[BandNumber, bool], ...]] = {}
    t = 0
    for _ in range(draw(st.integers(1, 25))):
        t += draw(st.sampled_from([1, 3, 10, 20]))
        alive = [n for n in HOMES if n not in silent]
        story += [EdgeAlive(at(t), EdgeId(f"e{n}"), 10, True, True, near=nearness.get(n, ())) for n in alive]
        if draw(st.integers(0, 5)) == 0:
            n = draw(homes)
            nearness[n] = ((BandNumber(n), draw(st.booleans())),)
        if draw(st.booleans()):
            story.append(GatewayAlive(at(t), GatewayId("g1"), frozenset()))
        story += [draw(told(t)) for _ in range(draw(st.integers(0, 3)))]
        story.append(Tick(at(t)))
    return story


def tell(judge: Judge, story: Sequence[Input]) -> list[AlertEvent]:
    events: list[AlertEvent] = []
    for heard in story:
        judge.observe(heard)
        decided = judge.decide(heard)
        for event in decided:
            judge.evolve(event)
        events += decided
    return events


def stays(heard: Input) -> bool:
    """Whether the inbox keeps it, so that it can be observed again after a crash."""
    match heard:
        case Tick() | SosTapped() | GatewayAlive():
            return False
        case (
            BandHeard() | BandUnseen() | EdgeAlive() | EdgeBegan() | MainsTurned() | DoorCrossed() | CameraChanged()
            | FrameTrouble() | CheckpointScanned() | AbsenceGranted() | AbsenceEnded() | CheckinAsked()
            | CheckinAnswered() | SelfReported() | ChallengeSettled() | ZoneCounted() | NeighboursScanned()
        ):  # fmt: skip
            return True
    assert_never(heard)


@calm
@given(stories())
def test_the_same_inputs_give_the_same_bytes(story: list[Input]):
    first, second = tell(Judge(POLICY, roster()), story), tell(Judge(POLICY, roster()), story)
    assert [pack(e) for e in first] == [pack(e) for e in second]
    assert all(unpack(pack(event)) == event for event in first)
    assert len({event_id(event) for event in first}) == len(first)


@calm
@given(stories())
def test_deciding_twice_is_deciding_once(story: list[Input]):
    judge = Judge(POLICY, roster())
    for heard in story:
        judge.observe(heard)
        before = judge.snapshot()
        decided = judge.decide(heard)
        assert judge.snapshot() == before
        assert judge.decide(heard) == decided
        for event in decided:
            judge.evolve(event)


@calm
@given(stories())
def test_one_alert_an_episode(story: list[Input]):
    events = tell(Judge(POLICY, roster()), story)
    raised = [event for event in events if isinstance(event, Raised)]
    assert len({event.alert for event in raised}) == len(raised)
    going_on: dict[tuple[str, str], str] = {}
    alerts = {}
    for event in events:
        alerts[event.alert] = evolve(alerts.get(event.alert), event)
        if isinstance(event, Raised) and not event.late:
            before = alerts.get(going_on.get((event.subject.id, event.concern), ""))
            assert before is None or before.ended_at is not None
            going_on[event.subject.id, event.concern] = event.alert


@calm
@given(stories(), st.data())
def test_killed_between_two_commits_nothing_is_repeated_and_nothing_missed(story: list[Input], data: st.DataObject):
    cut = data.draw(st.integers(0, len(story)))
    judge = Judge(POLICY, roster())
    tell(judge, story[:cut])
    after = Judge(POLICY, roster())
    after.restore(judge.snapshot())
    assert tell(after, story[cut:]) == tell(judge, story[cut:])


@calm
@given(stories(), st.data())
def test_a_restart_from_an_old_snapshot_repeats_nothing_and_misses_no_escape(story: list[Input], data: st.DataObject):
    saved, cut = sorted(data.draw(st.tuples(st.integers(0, len(story)), st.integers(0, len(story)))))
    judge = Judge(POLICY, roster())
    before = tell(judge, story[:saved])
    snapshot = judge.snapshot()
    between = tell(judge, story[saved:cut])
    after = Judge(POLICY, roster())
    after.restore(snapshot)
    for event in between:  # the journal first, the inbox second: the order does not matter
        after.evolve(event)
    for heard in filter(stays, story[saved:cut]):
        after.observe(heard)
    rest, whole = tell(after, story[cut:]), tell(judge, story[cut:])
    told_before = {event.alert for event in [*before, *between] if isinstance(event, Raised)}
    assert not told_before & {event.alert for event in rest if isinstance(event, Raised)}

    def escapes(events: list[AlertEvent]) -> list[tuple[str, str]]:
        kinds = (Kind.OUT_OF_RANGE, Kind.STRAP_CUT, Kind.SOS)  # silence may have to be listened to anew
        told = (Raised, Reopened, Attached)
        return sorted({(str(e.kind), str(e.since)) for e in events if isinstance(e, told) and e.kind in kinds})

    assert escapes(rest) == escapes(whole)


@calm
@given(stories(), st.data())
def test_repeats_and_late_frames_change_nothing_current_and_page_nobody(story: list[Input], data: st.DataObject):
    judge = Judge(POLICY, roster())
    heard: list[BandHeard] = []
    for told_now in story:
        tell(judge, [told_now])
        if isinstance(told_now, BandHeard) and not told_now.late:
            heard.append(told_now)
    if not heard:
        return
    old = data.draw(st.sampled_from(heard))
    stored = BandHeard(old.at, old.heard_at, old.edge, old.band, -70, old.counter, data.draw(readings), True, True)
    end = story[-1].at
    before = [(judge.latest(BandNumber(n)), judge.presence(f"p{n}", end)) for n in HOMES]
    assert tell(judge, [old]) == []
    events = tell(judge, [stored, stored])
    assert [(judge.latest(BandNumber(n)), judge.presence(f"p{n}", end)) for n in HOMES] == before
    assert not any(getattr(event, "paged", False) for event in events)


@calm
@given(stories(), st.randoms(use_true_random=False))
def test_events_in_any_order_and_twice_never_fail(story: list[Input], chance):  # noqa: ANN001 - a random.Random
    events = tell(Judge(POLICY, roster()), story) * 2
    chance.shuffle(events)
    judge = Judge(POLICY, roster())
    for event in events:
        judge.evolve(event)
    fold(events)
    judge.decide(Tick(at(10_000)))
    judge.restore(judge.snapshot())


@calm
@given(stories())
def test_a_dead_edge_leaves_its_people_unknown_and_never_out_of_range(story: list[Input]):
    judge = Judge(POLICY, roster())
    tell(judge, story)
    end = max(heard.at for heard in story)
    silence = [Tick(end + timedelta(seconds=s)) for s in range(1, 700, 5)]
    events = tell(judge, silence)
    assert not any(
        isinstance(e, Raised) and e.kind is Kind.OUT_OF_RANGE and e.at > end + timedelta(seconds=120) for e in events
    )
    for n in HOMES:
        assert judge.presence(f"p{n}", end + timedelta(seconds=120))[0] == "unknown"


@calm
@given(stories(), st.integers(0, 200))
def test_what_the_screen_lets_pass_would_not_have_been_judged_a_breach(story: list[Input], later_s: int):
    judge = Judge(POLICY, roster())
    for heard in story:
        judge.observe(heard)
    now_ms = int((story[-1].at + timedelta(seconds=later_s)).timestamp() * 1000)
    for n in HOMES:
        case = band_case(judge._roster, judge._observed, BandNumber(n))
        assert case is not None
        until_ms = quiet_until(case, now_ms, POLICY)
        for moment in [] if until_ms is None else {now_ms, (now_ms + until_ms) // 2, until_ms - 1}:
            assert not any(isinstance(v, Holds) for v in verdicts(case, moment, POLICY))


class LooksAtEverybody(Judge):
    """The same judge without its sweep: it looks at everybody at every tick."""

    def _sweep_at(self, at_ms: int) -> list[AlertEvent]:
        self._look_at_all()
        return super()._sweep_at(at_ms)


@calm
@given(stories())
def test_looking_only_at_who_is_due_finds_what_looking_at_everybody_finds(story: list[Input]):
    sparing, thorough = tell(Judge(POLICY, roster()), story), tell(LooksAtEverybody(POLICY, roster()), story)

    def told_of(events: list[AlertEvent]) -> list[bytes]:
        return [pack(event) for event in events]

    assert told_of(sparing) == told_of(thorough)

"""What is told of persons: twice, or in another order, it comes to the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ancu.models.ids import OrderId, WardCode
from ancu.server.cases.inputs import (
    AbsenceEnded,
    AbsenceGranted,
    CheckinAnswered,
    CheckinAsked,
    CheckpointScanned,
    PersonInput,
    Tick,
)
from ancu.server.cases.judge import Judge
from ancu.server.cases.roster import OrderSeat, Roster
from ancu.server.policies import load_policy

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
POLICY = load_policy("table")
MIDNIGHT = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # local: the order's end
calm = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def at(s: float) -> datetime:
    return NOON + timedelta(seconds=s)


def judge() -> Judge:
    order = OrderSeat(OrderId("o1"), "p1", WardCode("w1"), NOON - timedelta(days=7), MIDNIGHT)
    return Judge(POLICY, Roster({order.id: order}))


def tell(judge: Judge, heard: Sequence[PersonInput | Tick]) -> None:
    for one in heard:
        judge.observe(one)
        for event in judge.decide(one):
            judge.evolve(event)


def goes_on(judge: Judge) -> set[str]:
    return {str(alert.kind) for alert in judge.alerts() if alert.ended_at is None}


def came_to(judge: Judge) -> set[tuple[str, str, bool]]:
    return {(str(alert.kind), str(alert.severity), alert.ended_at is None) for alert in judge.alerts()}


@st.composite
def days(draw: st.DrawFn) -> list[PersonInput]:
    """Absences first, as they must be known to explain anything; then a day of scans and one check-in."""
    told: list[PersonInput] = []
    for n in range(draw(st.integers(0, 2))):
        begins = draw(st.integers(0, 5000))
        told.append(AbsenceGranted(at(0), "p1", f"a{n}", at(begins), at(begins + draw(st.integers(60, 4000)))))
        if draw(st.booleans()):
            told.append(AbsenceEnded(at(0), "p1", f"a{n}"))
    told += [CheckpointScanned(at(s), "p1", f"s{s}", "bridge") for s in draw(st.lists(st.integers(0, 600), max_size=3))]
    if draw(st.booleans()):
        told.append(CheckinAsked(at(600), "p1", "c1"))
        faces = draw(st.lists(st.sampled_from([True, False]), max_size=3))
        told += [CheckinAnswered(at(610 + n), "p1", "c1", face) for n, face in enumerate(faces)]
    return told


@calm
@given(days())
def test_whatever_is_told_twice_counts_once(day: list[PersonInput]):
    once, twice = judge(), judge()
    tell(once, [*day, Tick(at(3000))])
    tell(twice, [*(one for one in day for _ in range(2)), *day, Tick(at(3000))])
    assert came_to(once) == came_to(twice)
    assert {a.id for a in once.alerts()} == {a.id for a in twice.alerts()}


@calm
@given(days(), st.randoms(use_true_random=False))
def test_scans_and_answers_in_another_order_come_to_the_same(day: list[PersonInput], chance: Random):
    first = [one for one in day if isinstance(one, AbsenceGranted | AbsenceEnded | CheckinAsked)]
    rest = [one for one in day if one not in first]
    chance.shuffle(rest)
    one, other = judge(), judge()
    tell(one, [*first, *(o for o in day if o not in first), Tick(at(900)), Tick(at(3000))])
    tell(other, [*first, *rest, Tick(at(900)), Tick(at(3000))])
    assert goes_on(one) == goes_on(other)


@calm
@given(days(), st.integers(0, 3000))
def test_the_order_s_end_at_local_midnight_ends_everything_and_not_a_second_early(day: list[PersonInput], back_s: int):
    told = judge()
    tell(told, [*day, Tick(at(3000))])
    before = goes_on(told)
    tell(told, [Tick(at(3000 - back_s)), Tick(MIDNIGHT - timedelta(seconds=1))])  # a clock put back, then on
    assert goes_on(told) - {"checkpoint_scan"} == before - {"checkpoint_scan"}  # a scan is over after its hour
    tell(told, [Tick(MIDNIGHT)])
    assert goes_on(told) == set()

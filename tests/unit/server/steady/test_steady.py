"""The clock that is not led astray."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ancu.models.clock import Clock, to_ms
from ancu.server.steady import SteadyClock

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
TWO_DAYS, BACK = timedelta(days=2), -timedelta(hours=1)


class Machine(Clock):
    """A machine whose time of day can be set."""

    def __init__(self) -> None:
        self.real, self.set_by, self.s = NOON, timedelta(0), 1000.0

    def now(self) -> datetime:
        return self.real + self.set_by

    def monotonic(self) -> float:
        return self.s

    def pass_time(self, seconds: float, *, asleep: bool = False) -> None:
        self.real += timedelta(seconds=seconds)
        self.s += 0 if asleep else seconds


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def steady(machine: Machine) -> SteadyClock:
    return SteadyClock(machine)


def run(machine: Machine, steady: SteadyClock, seconds: int, edges: int = 0) -> None:
    """Time passes, and edges whose clocks are right send every second."""
    for _ in range(seconds):
        machine.pass_time(1)
        steady.now()
        for n in range(edges):
            steady.hear(f"e{n}", to_ms(machine.real))


@pytest.mark.parametrize("leap", [TWO_DAYS, BACK, timedelta(days=-20_000), timedelta(seconds=30)])
@pytest.mark.parametrize("edges", [0, 1, 5])
def test_a_leap_that_no_edge_shares_moves_no_time(machine: Machine, steady: SteadyClock, leap: timedelta, edges: int):
    run(machine, steady, 10, edges)
    machine.set_by = leap
    run(machine, steady, 3600, edges)
    assert steady.now() == machine.real
    assert steady.off_s == leap.total_seconds()
    machine.set_by = timedelta(0)
    run(machine, steady, 1, edges)
    assert not steady.is_in_doubt
    assert steady.now() == machine.real


def test_a_machine_that_slept_has_its_new_time_once_the_edges_say_so(machine: Machine, steady: SteadyClock):
    machine.pass_time(TWO_DAYS.total_seconds(), asleep=True)
    assert steady.now() == NOON
    assert steady.hear("e1", to_ms(machine.real)) is True
    run(machine, steady, 14, 1)
    assert steady.now() < NOON + timedelta(minutes=1)
    run(machine, steady, 2, 1)
    assert steady.now() == machine.real


def test_three_edges_need_not_wait(machine: Machine, steady: SteadyClock):
    machine.pass_time(TWO_DAYS.total_seconds(), asleep=True)
    run(machine, steady, 1, 3)
    assert steady.now() == machine.real


def test_a_server_that_was_wrong_is_set_right(machine: Machine):
    machine.set_by = -BACK
    steady = SteadyClock(machine)
    run(machine, steady, 5)
    machine.set_by = timedelta(0)
    run(machine, steady, 20, 2)
    assert steady.now() == machine.real


def test_a_minority_of_edges_decides_nothing(machine: Machine, steady: SteadyClock):
    machine.set_by = TWO_DAYS
    for _ in range(60):
        run(machine, steady, 1, 2)
        steady.hear("astray", to_ms(machine.now()))
        steady.hear("astray-too", to_ms(machine.now()))
    assert steady.now() == machine.real


def test_old_batches_speak_for_neither(machine: Machine, steady: SteadyClock):
    machine.set_by = TWO_DAYS
    run(machine, steady, 20)
    assert steady.hear("e1", to_ms(NOON - timedelta(days=3))) is None
    assert steady.now() == machine.real


def test_a_clock_that_is_set_right_by_seconds_is_followed_at_once(machine: Machine, steady: SteadyClock):
    machine.set_by = timedelta(seconds=4)
    assert steady.now() == machine.now()
    machine.set_by = timedelta(seconds=1)
    assert steady.now() == machine.now()
    assert not steady.is_in_doubt


def test_a_leap_second_that_is_smeared_or_repeated_is_followed(machine: Machine, steady: SteadyClock):
    machine.set_by = -timedelta(seconds=1)
    assert steady.now() == machine.now()


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(-200_000, 200_000)), max_size=30))
def test_without_witnesses_time_never_runs_faster_than_it_does(steps: list[tuple[int, int]]):
    machine = Machine()
    steady = SteadyClock(machine)
    last = steady.now()
    for seconds, set_by_s in steps:
        machine.pass_time(seconds)
        machine.set_by = timedelta(seconds=set_by_s)
        now = steady.now()
        assert abs((now - last).total_seconds() - seconds) <= 5.2
        last = now

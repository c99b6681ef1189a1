"""At which moments people are asked to check in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ancu.models.ids import EdgeId, OrderId, WardCode
from ancu.server.cases.paging import is_quiet
from ancu.server.cases.policy import Checkins, Policy
from ancu.server.exchange.checkins import Ask, asks, fitting, moments
from ancu.server.people.records import OrderRecord
from ancu.server.policies import load_policy

SEED = b"s" * 32
DAY = date(2026, 3, 2)
POLICY = load_policy("default")
WINDOW = timedelta(seconds=POLICY.rules.checkin_missed.opens_after_s)
ORDER = OrderRecord(
    OrderId("o-1"),
    "p-1",
    WardCode("w1"),
    EdgeId("e1"),
    datetime(2026, 3, 1, tzinfo=UTC),
    datetime(2026, 3, 15, 17, tzinfo=UTC),
    None,
)


def with_rate(policy: Policy, **changes: int) -> Policy:
    return msgspec.structs.replace(policy, checkins=msgspec.structs.replace(policy.checkins, **changes))


def asked(order: OrderRecord, start: datetime, end: datetime, policy: Policy = POLICY, every_s: int = 60) -> list[Ask]:
    """Everything that turns at this pace would ask, each once."""
    found: dict[str, Ask] = {}
    now = start
    while now <= end:
        found |= {ask.id: ask for ask in asks(SEED, order, now, policy)}
        now += timedelta(seconds=every_s)
    return list(found.values())


@given(st.binary(min_size=16, max_size=32), st.dates(date(2026, 1, 1), date(2036, 1, 1)), st.integers(0, 12))
def test_all_moments_are_awake_with_their_windows_and_apart(seed: bytes, day: date, per_day: int):
    policy = with_rate(POLICY, per_day=per_day, apart_s=4000)
    found = moments(seed, "o-1", day, policy)
    assert len(found) == per_day
    for at in found:
        assert not is_quiet(policy.paging, at)
        assert not is_quiet(policy.paging, at + WINDOW)
    assert all(b - a >= timedelta(seconds=3999) for a, b in pairwise(found))


def test_the_same_seed_gives_the_same_moments_and_others_differ():
    first = moments(SEED, "o-1", DAY, POLICY)
    assert first == moments(SEED, "o-1", DAY, POLICY)
    others = [
        moments(b"t" * 32, "o-1", DAY, POLICY),
        moments(SEED, "o-2", DAY, POLICY),
        moments(SEED, "o-1", DAY + timedelta(days=1), POLICY),
    ]
    assert first not in others


def test_moments_are_spread_over_the_whole_of_the_waking_day():
    policy = with_rate(POLICY, per_day=1)
    hours = [moments(SEED, f"o-{n}", DAY, policy)[0].hour for n in range(2000)]
    local = [(hour + 7) % 24 for hour in hours]
    assert set(local) == set(range(6, 22))
    assert max(local.count(hour) for hour in range(6, 21)) < 200  # an even share is 128


def test_hours_that_are_too_short_hold_fewer():
    policy = with_rate(POLICY, per_day=12, apart_s=14_400)
    assert fitting(policy) == len(moments(SEED, "o-1", DAY, policy)) == 4


@pytest.mark.parametrize(("quiet_from", "quiet_to"), [(time(13), time(15)), (time(0), time(0)), (time(1), time(5))])
def test_quiet_hours_may_lie_anywhere(quiet_from: time, quiet_to: time):
    paging = msgspec.structs.replace(POLICY.paging, quiet_from=quiet_from, quiet_to=quiet_to)
    policy = with_rate(msgspec.structs.replace(POLICY, paging=paging), per_day=2)
    for n in range(50):
        found = moments(SEED, f"o-{n}", DAY, policy)
        assert len(found) == 2
        assert not any(is_quiet(paging, at) or is_quiet(paging, at + WINDOW) for at in found)


def test_where_clocks_are_moved_nobody_is_asked_in_the_quiet_hours():
    paging = msgspec.structs.replace(POLICY.paging, zone="Europe/Berlin")
    policy = with_rate(msgspec.structs.replace(POLICY, paging=paging), per_day=4, apart_s=0)
    for day in (date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 24), date(2026, 10, 25)):
        for n in range(100):
            for at in moments(SEED, f"o-{n}", day, policy):
                assert not is_quiet(paging, at)
                assert not is_quiet(paging, at + WINDOW)


@pytest.mark.parametrize("per_day", [1, 2])
def test_an_order_is_asked_as_often_as_the_policy_says_and_never_outside_of_it(per_day: int):
    begins, ends = ORDER.starts_at, ORDER.until
    found = asked(ORDER, begins - timedelta(days=1), ends + timedelta(days=1), with_rate(POLICY, per_day=per_day))
    assert 13 * per_day <= len(found) <= 15 * per_day  # 14 days and a bit
    assert all(ORDER.in_force(ask.at) and ORDER.in_force(ask.at + WINDOW) for ask in found)


def test_nobody_is_asked_once_an_order_has_ended():
    over = replace(ORDER, ended_at=ORDER.starts_at + timedelta(days=3))
    found = asked(over, ORDER.starts_at, ORDER.until)
    assert found
    assert max(ask.at for ask in found) + WINDOW < over.ended_at


def test_a_moment_that_passed_while_the_server_was_down_is_asked_late_or_let_go():
    at = moments(SEED, "o-1", DAY, POLICY)[0]
    assert [ask.at for ask in asks(SEED, ORDER, at, POLICY)] == [at]
    assert [ask.at for ask in asks(SEED, ORDER, at + timedelta(seconds=599), POLICY)] == [at]
    assert list(asks(SEED, ORDER, at + timedelta(seconds=600), POLICY)) == []
    assert list(asks(SEED, ORDER, at - timedelta(seconds=1), POLICY)) == []


def test_a_policy_without_a_rate_asks_nobody():
    assert asked(ORDER, ORDER.starts_at, ORDER.until, with_rate(POLICY, per_day=0), every_s=300) == []
    assert Checkins().per_day == 0

"""Figures and lessons from events alone: rates, precision, times, exits, releases, and what outcomes teach."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from ancu.server.alerts.events import (
    Acknowledged,
    AlertEvent,
    Ended,
    Escalated,
    Notified,
    Raised,
    Reopened,
    Resolved,
    Sign,
    Subject,
)
from ancu.server.cases.codes import CONCERN_OF, Concern, Desk, Kind, Say, SubjectKind
from ancu.server.ports import Outcome, Severity
from ancu.server.review.book import load_one
from ancu.server.review.kpis import OrderSpan, as_json, kpis
from ancu.server.review.learn import learn, with_number
from ancu.server.review.outcomes import is_true
from ancu.server.review.stats import share, spread
from ancu.server.review.stories import stories

DAY = datetime(2026, 3, 2, tzinfo=UTC)
END = DAY + timedelta(days=1)


def raised(
    alert: str,
    kind: Kind = Kind.OUT_OF_RANGE,
    *,
    at: float = 3600,
    person: str = "p1",
    ward: str = "w1",
    paged: bool = True,
) -> Raised:
    since = DAY + timedelta(seconds=at - 90)
    return Raised(
        alert=alert,
        at=DAY + timedelta(seconds=at),
        policy="default@1",
        kind=kind,
        concern=CONCERN_OF[kind],
        subject=Subject(SubjectKind.PERSON, person, ward, person),
        severity=Severity.HIGH,
        desk=Desk.WARD,
        since=since,
        signs=(Sign(Say.UNSEEN_RESCANNED, since, {"band": "wb-00000001"}),),
        ruled_out=(),
        paged=paged,
        ladder=(),
    )


def after(seconds: float) -> datetime:
    return DAY + timedelta(seconds=seconds)


def order(person: str = "p1", ward: str = "w1", *, over_s: float = 10 * 86_400) -> OrderSpan:
    return OrderSpan(person, ward, DAY - timedelta(days=2), after(over_s))


def figures(events: list[AlertEvent], orders: list[OrderSpan], **more: Any):
    return kpis(stories(events).values(), orders, DAY, END, **more)


def test_rates_are_per_hundred_people_a_day():
    found = figures([raised("a"), raised("b", paged=False)], [order(f"p{i}") for i in range(10)])
    assert (found.alerts, found.pages, found.person_days) == (2, 1, 10)
    assert (found.alerts_per_100_days, found.pages_per_100_days) == (20, 10)


def test_nobody_under_order_has_no_rate():
    assert figures([], []).alerts_per_100_days is None


def test_times_run_from_the_opening_the_first_page_and_the_opening():
    events = [
        raised("a"),
        Notified("a", after(3602), "page"),
        Notified("a", after(3700), "sms"),
        Acknowledged("a", after(3660), "lan"),
        Resolved("a", after(4600), "lan", Outcome.TRUE_EXIT),
    ]
    found = figures(events, [order()])
    assert (found.to_notify.p50_s, found.to_acknowledge.p95_s, found.to_resolve.p50_s) == (2, 60, 1000)
    assert (found.unresolved, found.precision.share, found.paged_precision.true) == (0, 1, 1)


def test_precision_counts_neither_tests_nor_what_nobody_knows():
    ends = [Outcome.TRUE_EXIT, Outcome.RADIO_SHADOW, Outcome.TEST, Outcome.UNKNOWN]
    events: list[AlertEvent] = []
    for i, outcome in enumerate(ends):
        events += [raised(f"a{i}"), Resolved(f"a{i}", after(5000), "lan", outcome)]
    found = figures(events, [order()])
    assert (found.precision.true, found.precision.false, found.precision.share) == (1, 1, 0.5)
    assert found.exits.tests == 1
    assert found.by_kind[Kind.OUT_OF_RANGE].alerts == 4


def test_an_exit_that_was_told_too_late_or_never_is_missed():
    events: list[AlertEvent] = []
    for alert, paged, at in (("soon", True, 3600), ("never", False, 3600), ("late", False, 3600)):
        events += [raised(alert, paged=paged, at=at)]
    events += [Escalated("late", after(3900), 1, after(3900), paged=True)]
    events += [Resolved(alert, after(9000), "lan", Outcome.TRUE_EXIT) for alert in ("soon", "never", "late")]
    found = figures(events, [order()])
    assert (found.exits.known, found.exits.missed) == (3, 2)


def test_a_release_is_late_if_the_person_is_suspected_more_than_a_minute_after():
    orders = [order("p1", over_s=3000), order("p2", over_s=3000), order("p3", over_s=3000)]
    events = [raised("a", at=3600, person="p1"), raised("b", at=3050, person="p2")]
    found = figures(events, orders)
    assert (found.releases.due, found.releases.on_time) == (3, 2)


def test_a_ward_sees_its_own_and_a_foreign_ward_is_empty():
    events = [raised("a"), raised("b", ward="w2", person="p2")]
    orders = [order(), order("p2", "w2")]
    assert figures(events, orders, wards=frozenset({"w1"})).alerts == 1
    assert figures(events, orders, ward="w2").alerts == 1
    assert figures(events, orders, wards=frozenset({"w1"}), ward="w2").alerts == 0


def test_nobody_is_named_in_figures():
    events = [raised("a", person="p-secret"), Resolved("a", after(4000), "officer-lan", Outcome.ASLEEP, "note")]
    text = msgspec.json.encode(as_json(figures(events, [order("p-secret")]))).decode()
    assert not any(word in text for word in ("p-secret", "officer-lan", 'note"', "wb-0000"))


def test_a_reopened_alert_is_not_resolved_any_more():
    events = [
        raised("a"),
        Resolved("a", after(4000), "lan", Outcome.ASLEEP),
        Reopened("a", after(4500), Kind.OUT_OF_RANGE, after(4400), Severity.HIGH, (), paged=True, ladder=()),
    ]
    found = figures(events, [order()])
    assert (found.unresolved, found.reopened, found.pages) == (1, 1, 2)
    assert found.precision.share is None


@pytest.mark.parametrize(
    ("outcome", "concern", "expected"),
    [
        (Outcome.POWER_OUTAGE, Concern.LINK, True),
        (Outcome.POWER_OUTAGE, Concern.WHEREABOUTS, False),
        (Outcome.BATTERY, Concern.UPKEEP, True),
        (Outcome.MEDICAL, Concern.HELP, True),
        (Outcome.AUTHORISED, Concern.WHEREABOUTS, False),
        (Outcome.TEST, Concern.WHEREABOUTS, None),
        (None, Concern.WHEREABOUTS, None),
    ],
)
def test_a_rule_is_right_when_what_it_claims_was_so(outcome: Outcome | None, concern: Concern, expected: bool | None):
    assert is_true(outcome, concern) is expected


def test_every_outcome_has_an_answer_for_every_concern():
    assert {is_true(outcome, concern) for outcome in Outcome for concern in Concern} == {True, False, None}


def test_wilson_is_honest_about_few():
    assert share(0, 0).share is None
    few, many = share(3, 0), share(300, 0)
    assert few.low is not None
    assert many.low is not None
    assert few.low < 0.5
    assert many.low > 0.98
    half = share(50, 50)
    assert (half.low, half.high) == (0.4038, 0.5962)  # Wilson's own, to four places


def test_percentiles_are_values_that_were():
    found = spread(float(i) for i in range(1, 101))
    assert (found.p50_s, found.p95_s, found.count) == (50, 95, 100)
    assert spread([]).p50_s is None


def resolved(alert: str, lasted_s: float, outcome: Outcome, **more: Any) -> list[AlertEvent]:
    begun = raised(alert, **more)
    end = begun.since + timedelta(seconds=lasted_s)
    return [begun, Ended(alert, end, stops_ladder=True), Resolved(alert, end + timedelta(minutes=5), "lan", outcome)]


def taught(*told: list[AlertEvent], batches: dict[str, str] | None = None):
    events = [event for each in told for event in each]
    return learn(stories(events).values(), load_one("table"), DAY, END, batches)


def test_short_false_alerts_suggest_a_longer_wait_that_loses_no_true_one():
    false = [resolved(f"f{i}", 100 + 5 * i, Outcome.RADIO_SHADOW) for i in range(8)]
    true = [resolved(f"t{i}", 1000, Outcome.TRUE_EXIT) for i in range(2)]
    found = taught(*false, *true, batches={"wb-00000001": "2026-01-05"})
    (suggestion,) = found.suggestions
    assert suggestion.key == "rules.out_of_range.opens_after_s"
    assert (suggestion.old, suggestion.new, suggestion.spares_false) == (90, 140, 8)
    assert suggestion.share.share == 1
    changed = with_number(load_one("table"), suggestion)
    assert changed.rules.out_of_range.opens_after_s == 140
    assert changed.signed_by.startswith("not signed")
    assert [(rule.kind, rule.ward, rule.certain) for rule in found.rules] == [
        (Kind.OUT_OF_RANGE, None, True),
        (Kind.OUT_OF_RANGE, "w1", True),
    ]
    assert [(band.band, band.batch, band.false) for band in found.bands] == [("wb-00000001", "2026-01-05", 8)]
    assert found.by_batch["2026-01-05"].false == 8


def test_no_wait_is_suggested_that_a_true_exit_was_shorter_than_or_an_officer_would_hear_too_late():
    false = [resolved(f"f{i}", 400, Outcome.RADIO_SHADOW) for i in range(8)]
    assert not taught(*false).suggestions
    near = [resolved(f"f{i}", 120, Outcome.RADIO_SHADOW) for i in range(8)]
    assert not taught(*near, resolved("t", 100, Outcome.TRUE_EXIT)).suggestions


def test_few_or_mostly_true_alerts_teach_nothing():
    assert not taught(*[resolved(f"f{i}", 100, Outcome.ASLEEP) for i in range(4)]).suggestions
    good = [resolved(f"t{i}", 900, Outcome.TRUE_EXIT) for i in range(8)]
    assert not taught(*good, resolved("f", 100, Outcome.ASLEEP)).rules

"""A policy over a past that a real core recorded."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest

from ancu.server.alerts.events import AlertEvent, unpack
from ancu.server.cases.policy import Policy
from ancu.server.policies import load_policy
from ancu.server.projection import STREAM
from ancu.server.review.book import Book
from ancu.server.review.compare import compare
from ancu.server.review.outline import outlines
from ancu.server.review.past import read_past, span
from ancu.server.review.replay import ACTS, acts_of, replay

pytestmark = pytest.mark.timeout(180)  # a day is recorded first, with a sync to disk each second of it


def recorded(r: Any) -> list[AlertEvent]:
    return [unpack(stored.record.body) for stored in r.store.records_after(0, STREAM)]


def rerun(r: Any, *policies: Policy) -> list[Any]:
    return replay([Book.plain(p) for p in policies], read_past(r.store.connection), acts_of(recorded(r)))


def changed(policy: Policy, **rules: dict[str, Any]) -> Policy:
    table = msgspec.to_builtins(policy)
    for kind, changes in rules.items():
        table["rules"][kind] |= changes
    return msgspec.convert({**table, "name": "other"}, Policy)


def test_the_same_policy_decides_the_same_events_again_to_the_last_byte(eventful: Any):
    events = recorded(eventful)
    kinds = {outline.kind.value for outline in outlines(events).values()}
    assert kinds >= {"strap_cut", "out_of_range", "sos", "technical", "edge_silent", "gateway_silent", "battery_low"}
    (again,) = rerun(eventful, eventful.policy)
    assert again.events == events
    assert again.acts == sum(isinstance(event, ACTS) for event in events)


def test_another_label_alone_changes_ids_and_nothing_else(eventful: Any):
    (other,) = rerun(eventful, msgspec.structs.replace(eventful.policy, name="other"))
    events = recorded(eventful)
    assert len(other.events) == len(events)
    difference = compare(outlines(events).values(), other.alerts)
    assert difference.is_none
    assert difference.same == len(outlines(events))


def test_a_slower_rule_makes_a_short_walk_vanish_and_moves_the_long_one(eventful: Any):
    slower = changed(eventful.policy, out_of_range={"opens_after_s": 180})
    base, new = rerun(eventful, eventful.policy, slower)
    difference = compare(base.alerts, new.alerts)
    assert [outline.kind for outline in difference.vanish] == ["out_of_range"]
    assert not difference.appear
    (move,) = [move for move in difference.move if move.old.kind == "out_of_range"]
    assert "time" in move.what
    assert 80 <= move.later_s <= 100


def test_a_stricter_rule_makes_alerts_appear_and_another_severity_moves_them(eventful: Any):
    stricter = changed(
        eventful.policy, battery_low={"at_most_percent": 85, "clear_percent": 90}, edge_silent={"severity": "H"}
    )
    base, new = rerun(eventful, eventful.policy, stricter)
    difference = compare(base.alerts, new.alerts)
    assert {outline.kind.value for outline in difference.appear} == {"battery_low"}
    assert any(move.what == ("severity",) or "severity" in move.what for move in difference.move)


def test_replay_is_deterministic(eventful: Any):
    one, two = (rerun(eventful, load_policy("demo"))[0] for _ in range(2))
    assert one.events == two.events


def test_a_past_knows_what_it_covers(eventful: Any):
    begin, end = span(eventful.store.connection)
    assert 3500 < (end - begin).total_seconds() < 6000


def test_what_was_lost_with_a_killed_process_is_little_and_the_alerts_are_the_same(record: Any):
    r = record()
    r.run(100)
    r.says[1] = None
    r.run(200)
    r.kill()
    r.clock.ms += 20_000
    r.start()
    r.says[1] = dataclasses.replace(r.says[0])
    r.run(200)
    r.cut(2)
    r.run(60)
    (again,) = rerun(r, r.policy)
    assert compare(outlines(recorded(r)).values(), again.alerts).is_none


@pytest.mark.parametrize("seconds", [10, 200])
def test_a_past_can_be_read_up_to_a_moment(eventful: Any, seconds: int):
    from ancu.models.clock import from_ms  # noqa: PLC0415

    begin, _ = span(eventful.store.connection)
    until = from_ms(round(begin.timestamp() * 1000) + seconds * 1000)
    steps = list(read_past(eventful.store.connection, until=until))
    assert steps
    assert max(step.at_ms for step in steps) < until.timestamp() * 1000

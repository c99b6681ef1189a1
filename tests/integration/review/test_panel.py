"""Several policies on one server: each ward is judged by its own, and a rollout keeps what was known."""

from __future__ import annotations

from typing import Any

import msgspec

from ancu.server.alerts.events import unpack
from ancu.server.cases.policy import Policy
from ancu.server.projection import STREAM
from ancu.server.review.book import Book, load_one
from ancu.server.review.outline import outlines
from ancu.server.review.past import read_past
from ancu.server.review.replay import acts_of, replay
from ancu.server.seating import Bench


def slow() -> Policy:
    table = msgspec.to_builtins(load_one("table"))
    table["rules"]["out_of_range"]["opens_after_s"] = 170
    return msgspec.convert({**table, "name": "table+slow"}, Policy)


def raised(r: Any) -> dict[str, tuple[str, int]]:
    """By person: the policy of the alert, and after how many seconds it opened."""
    found = outlines(unpack(stored.record.body) for stored in r.store.records_after(0, STREAM)).values()
    return {o.subject: (o.policy, round((o.opened_at - o.since).total_seconds())) for o in found}


def test_each_ward_is_judged_by_its_own_policy_and_a_replay_agrees(record: Any):
    book = Book(load_one("table"), {"ward-001": slow()}, {})
    r = record(homes=4, wards=2, policy=book)
    r.run(60)
    r.says[0] = r.says[1] = None
    r.run(260)
    found = raised(r)
    assert found["p-000001"][0] == load_one("table").label
    assert found["p-000002"][0].startswith("table+slow@")
    assert 85 <= found["p-000001"][1] <= 105
    assert 165 <= found["p-000002"][1] <= 185
    events = [unpack(stored.record.body) for stored in r.store.records_after(0, STREAM)]
    (again,) = replay([book], read_past(r.store.connection), acts_of(events))
    assert again.events == events


def test_a_province_is_known_by_its_wards(record: Any):
    r = record(homes=2, policy=Book(load_one("table"), {}, {"Province": slow()}))
    r.run(60)
    r.says[0] = None
    r.run(230)
    assert raised(r)["p-000001"][0].startswith("table+slow@")


def test_a_rollout_and_its_way_back_keep_what_was_known_and_raised(record: Any):
    r = record(homes=4, wards=2)
    r.run(60)
    r.says[0] = r.says[1] = None
    r.run(130)
    before = raised(r)
    assert set(before) == {"p-000001", "p-000002"}
    for policy in (Book(load_one("table"), {"ward-001": slow()}, {}), load_one("table")):
        r.stop()
        r.policy = policy
        r.clock.ms += 2000
        r.start()
        r.run(200)
        assert raised(r) == before
    r.says[0] = r.says[1] = r.says[2]
    r.run(30)
    ended = outlines(unpack(stored.record.body) for stored in r.store.records_after(0, STREAM)).values()
    assert all(outline.ended_at is not None for outline in ended)


def test_one_judge_and_many_remember_the_same():
    plain, many = Bench(load_one("table")), Bench(Book(load_one("table"), {"w": slow()}, {}))
    empty = plain.snapshot()
    plain.restore(many.snapshot())
    assert plain.snapshot() == empty
    many.restore(empty)
    plain.restore(many.snapshot())
    assert plain.snapshot() == empty

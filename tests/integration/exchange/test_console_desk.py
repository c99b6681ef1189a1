"""The officers' side of the desk, with the real core behind it: the queue, undo, visits, search, wards, rehearsals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ancu.server.ports import AlertState, NotFound, Role, Severity, Viewer
from ancu.server.ports.console import Condition, VisitKind
from ancu.server.ports.exchange import Refused

LAN = Viewer("lan", Role.OFFICER, frozenset({"w1"}))
MINH = Viewer("minh", Role.OFFICER, frozenset({"w2"}))
TINH = Viewer("tinh", Role.PROVINCE, None)
CITIZEN = Viewer("p-1", Role.CITIZEN, frozenset({"w1"}), "p-1")


async def raise_two(ward: Any) -> tuple[str, str]:
    """An older critical alert in the first ward, a newer one in the second."""
    await ward.post("checkpoint-scans", person="p-1", checkpoint="bridge", at=ward.at())
    await ward.pass_time(minutes=1)
    await ward.post("checkpoint-scans", "minh", person="p-2", checkpoint="bridge", at=ward.at())
    await ward.turn()
    queue = await ward.desk.queue(TINH)
    newer, older = (row.id for row in queue.items)
    return older, newer


async def test_the_queue_puts_first_what_nobody_has_and_counts_all_of_it(ward: Any):
    older, newer = await raise_two(ward)
    await ward.desk.acknowledge(TINH, newer, key="a")
    queue = await ward.desk.queue(TINH)
    assert [row.id for row in queue.items] == [older, newer]
    assert (queue.counts, queue.waiting) == ({Severity.CRITICAL: 2}, 1)
    first = await ward.desk.queue(TINH, limit=1)
    second = await ward.desk.queue(TINH, limit=1, cursor=first.next_cursor)
    assert [row.id for row in (*first.items, *second.items)] == [older, newer]
    assert second.next_cursor is None
    assert [row.id for row in (await ward.desk.queue(TINH, mine=True)).items] == [newer]
    assert not (await ward.desk.queue(TINH, severities=frozenset({Severity.LOW}))).items


async def test_a_ward_sees_its_own_rows_only(ward: Any):
    older, newer = await raise_two(ward)
    assert [row.id for row in (await ward.desk.queue(LAN)).items] == [older]
    assert [row.id for row in await ward.desk.rows(LAN, [older, newer, "nothing"])] == [older]
    with pytest.raises(NotFound):
        await ward.desk.release(LAN, newer, key="a")
    assert (await ward.desk.queue(LAN, ward="w2")).items == []


async def test_what_was_taken_by_a_slip_is_given_back_and_survives_a_restart(ward: Any):
    older, _ = await raise_two(ward)
    await ward.desk.acknowledge(LAN, older, key="a")
    row = await ward.desk.release(LAN, older, key="b")
    assert (row.state, row.acknowledged_by) == (AlertState.OPEN, None)
    ward.restart(snapshot=False)
    await ward.pass_time(minutes=3)  # the ladder goes on: the next level hears of it
    row = (await ward.desk.rows(LAN, [older]))[0]
    assert row.level >= 1
    steps = [step.code for step in (await ward.desk.alert(LAN, older)).timeline]
    assert "released" in steps
    assert "escalated" in steps


async def test_a_snooze_shows_and_ends_by_waking(ward: Any):
    older, _ = await raise_two(ward)
    until = ward.clock.now() + timedelta(hours=1)
    assert (await ward.desk.snooze(LAN, older, until, key="a")).snoozed_until == until
    assert (await ward.desk.queue(LAN)).waiting == 0
    row = await ward.desk.wake(LAN, older, key="b")
    assert row.snoozed_until <= ward.clock.now()
    assert (await ward.desk.queue(LAN)).waiting == 1


async def test_a_visit_is_kept_once_for_its_key_and_is_the_wards_own(ward: Any):
    async def keep(viewer: Viewer, note: str, key: str, **before: float) -> None:
        at = ward.clock.now() - timedelta(**before)
        kind, condition = VisitKind.VISIT, Condition.WELL
        await ward.desk.add_visit(viewer, "p-1", kind, at, met=True, condition=condition, note=note, key=key)

    for _ in range(2):
        await keep(LAN, "cần gạo", "a", hours=2)
    [visit] = await ward.desk.visits(LAN, "p-1")
    assert (visit.note, visit.met, visit.by) == ("cần gạo", True, "lan")
    assert visit.told_at - visit.at == timedelta(hours=2)
    with pytest.raises(NotFound):
        await ward.desk.visits(MINH, "p-1")
    with pytest.raises(NotFound):
        await keep(MINH, "", "b")
    for wrong in ({"days": 8.0}, {"minutes": -10.0}):
        with pytest.raises(Refused):
            await keep(LAN, "", "c", **wrong)
    assert await ward.desk.visits(CITIZEN, "p-1") == ()


async def test_search_needs_neither_accents_nor_case_and_stays_in_the_ward(ward: Any):
    older, _ = await raise_two(ward)
    for text in ("nguyen", "NGUYỄN", "p-1"):
        assert [who.id for who in (await ward.desk.find(LAN, text)).people] == ["p-1"]
    assert [row.id for row in (await ward.desk.find(LAN, older[:8])).alerts] == [older]
    assert [row.id for row in (await ward.desk.find(LAN, "e1")).devices] == ["e1"]
    assert (await ward.desk.find(LAN, "e2")).devices == []
    assert (await ward.desk.find(CITIZEN, "nguyen")).people == ()
    assert (await ward.desk.find(LAN, "  ")).people == ()


async def test_wards_stand_side_by_side_for_the_province(ward: Any):
    await raise_two(ward)
    await ward.pass_time(minutes=3)
    rows = await ward.desk.wards(TINH)
    assert [(row.ward, row.people, row.waiting, row.escalated) for row in rows] == [("w1", 1, 1, 1), ("w2", 1, 1, 1)]
    assert rows[0].oldest_at is not None
    assert [row.ward for row in await ward.desk.wards(LAN)] == ["w1"]
    assert [who.id for who in await ward.desk.whereabouts(TINH, "w2")] == ["p-2"]
    with pytest.raises(NotFound):
        await ward.desk.whereabouts(LAN, "w2")


async def test_the_load_to_come_follows_the_orders(ward: Any):
    load = await ward.desk.load(TINH, 10)
    assert [day.under_order for day in load] == [2] * 7 + [0] * 3
    assert [day.ends for day in load if day.ends] == [2]
    assert [day.ends for day in await ward.desk.load(LAN, 10) if day.ends] == [1]


async def test_only_the_province_tries_other_numbers_and_only_numbers_of_a_rule(ward: Any):
    await raise_two(ward)
    [policy] = await ward.desk.policies(TINH)
    assert policy.rules["out_of_range"]["opens_after_s"] > 0
    found = await ward.desk.rehearse(TINH, policy.label, "checkpoint_scan", {"fresh_s": 1}, 1)
    assert found["as_recorded"] == {"same": 2, "differ": 0}
    with pytest.raises(NotFound):
        await ward.desk.rehearse(LAN, policy.label, "checkpoint_scan", {"fresh_s": 1}, 1)
    for kind, changes in (
        ("nothing", {"fresh_s": 1}),
        ("sos", {"severity": 1}),
        ("sos", {}),
        ("sos", {"opens_after_s": -1}),
    ):
        with pytest.raises(Refused):
            await ward.desk.rehearse(TINH, policy.label, kind, changes, 1)

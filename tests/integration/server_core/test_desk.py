"""The desk over a real judge: from a frame to an officer's answer."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ancu.models.clock import SystemClock, to_ms
from ancu.models.frame import Status
from ancu.models.ids import band_name
from ancu.models.topics import Lane
from ancu.server.adapters.series import Series
from ancu.server.bench.fleet import FINE, Home, relay_of
from ancu.server.desk.store import KeyReused, StoreDesk
from ancu.server.policies import load_policy
from ancu.server.ports import AlertAlreadyResolved, AlertState, NotFound, Outcome, Role, Severity, Viewer
from ancu.server.seating import Bench

CUT = dataclasses.replace(FINE, status=Status.SKIN | Status.STRAP_OPEN)
OFFICER = Viewer("lan", Role.OFFICER, frozenset({"ward-000"}))
STRANGER = Viewer("minh", Role.OFFICER, frozenset({"ward-999"}))
CUTS = frozenset({"strap_cut"})
CITIZEN = Viewer("p-000001", Role.CITIZEN, frozenset(), person="p-000001")


def now_ms() -> int:
    return to_ms(datetime.now(UTC))


class Desked:
    """A core, a series and a desk, and a way to say something to them."""

    def __init__(self, running: Any, data: Path) -> None:
        self.running = running
        self.series = Series(data / "series.duckdb", running.path)
        self.desk = StoreDesk(
            running.path,
            core=running.core,
            memory=running.memory,
            series=self.series,
            clock=SystemClock(),
            linked=lambda: True,
            link_counts=dict,
        )

    async def say(self, home: Home, *heard: Any, lane: Lane = Lane.ALARM) -> None:
        relay = relay_of([home.batch(heard, lane=lane)], home.gateway)
        self.running.core.deliver(*relay)
        await asyncio.to_thread(self.running.confirmed)
        while not self.running.told.empty():
            self.running.told.get()
        self.desk.told(0)


@pytest.fixture
async def desked(run: Any, tmp_path: Path) -> AsyncIterator[Desked]:
    made = Desked(run(Bench(load_policy("demo"))), tmp_path)
    yield made
    made.series.stop()
    made.desk.close()


async def test_one_signed_frame_of_a_cut_strap_is_an_alert_that_an_officer_takes_and_closes(
    desked: Desked, homes: list[Home]
):
    await desked.say(homes[0], homes[0].bands[0].heard(now_ms(), CUT, urgent=True))
    (row,) = (await desked.desk.alerts(OFFICER, kinds=CUTS)).items
    assert (row.kind, row.severity, row.state, row.person) == (
        "strap_cut",
        Severity.CRITICAL,
        AlertState.OPEN,
        "p-000001",
    )
    taken = await desked.desk.acknowledge(OFFICER, row.id, key="k1")
    assert (taken.state, taken.acknowledged_by) == (AlertState.ACKNOWLEDGED, "lan")
    assert (await desked.desk.acknowledge(OFFICER, row.id, key="k1")).position == taken.position
    closed = await desked.desk.resolve(OFFICER, row.id, Outcome.BAND_FAULT, note="dây hỏng", key="k2")
    assert (closed.state, closed.outcome) == (AlertState.RESOLVED, Outcome.BAND_FAULT)
    with pytest.raises(AlertAlreadyResolved):
        await desked.desk.resolve(OFFICER, row.id, Outcome.TEST, key="k3")
    with pytest.raises(KeyReused):
        await desked.desk.resolve(OFFICER, row.id, Outcome.TEST, key="k2")
    detail = await desked.desk.alert(OFFICER, row.id)
    assert detail.timeline[0].code == "raised"
    assert [step.code for step in detail.timeline][-2:] == ["acknowledged", "resolved"]
    assert detail.evidence[0].code == "strap_open"
    assert detail.last_known["battery_percent"] == 80


async def test_a_foreign_id_and_an_absent_id_answer_alike(desked: Desked, homes: list[Home]):
    await desked.say(homes[0], homes[0].bands[0].heard(now_ms(), CUT, urgent=True))
    (row,) = (await desked.desk.alerts(OFFICER, kinds=CUTS)).items
    assert not (await desked.desk.alerts(STRANGER)).items
    says = set()
    for alert in (row.id, "absent"):
        with pytest.raises(NotFound) as refused:
            await desked.desk.alert(STRANGER, alert)
        says.add(str(refused.value).replace(alert, "*"))
        with pytest.raises(NotFound):
            await desked.desk.acknowledge(STRANGER, alert, key="k")
    assert len(says) == 1
    for ask in (desked.desk.person(STRANGER, "p-000001"), desked.desk.person(STRANGER, "p-nobody")):
        with pytest.raises(NotFound):
            await ask


async def test_changes_are_told_as_they_come_and_again_to_whoever_missed_them(desked: Desked, homes: list[Home]):
    stream = desked.desk.changes(OFFICER, None)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.1)
    await desked.say(homes[0], homes[0].bands[0].heard(now_ms(), CUT, urgent=True))
    first = await asyncio.wait_for(waiting, 5)
    while first.row.kind != "strap_cut":
        first = await asyncio.wait_for(anext(stream), 5)
    await stream.aclose()
    resumed = desked.desk.changes(OFFICER, 0)
    missed = [await asyncio.wait_for(anext(resumed), 5)]
    while missed[-1].row.kind != "strap_cut":
        missed.append(await asyncio.wait_for(anext(resumed), 5))
    assert missed[-1].position >= first.position
    await resumed.aclose()


async def test_a_person_is_shown_with_what_the_band_said_last(desked: Desked, homes: list[Home]):
    now = now_ms()
    await desked.say(homes[0], homes[0].bands[0].heard(now - 4000), homes[0].bands[0].heard(now), lane=Lane.STATE)
    person = await desked.desk.person(OFFICER, "p-000001")
    assert person.band == band_name(homes[0].bands[0].number)
    assert person.latest["heart_bpm"] == 71
    assert person.presence in {"home", "unknown"}
    assert len((await desked.desk.people(OFFICER)).items) == 2
    desked.series.catch_up()
    start, end = person.order_from, datetime.now(UTC)
    points = await desked.desk.readings(OFFICER, person.band, start, end, 3600)
    assert sum(point.heard for point in points) == 2
    rows = (await desked.desk.devices(OFFICER)).items
    assert {(row.kind, row.state) for row in rows} >= {("band", "ok"), ("edge", "ok"), ("band", "new"), ("edge", "new")}


async def test_a_person_calls_for_help_once_for_a_key(desked: Desked):
    row = await desked.desk.sos(CITIZEN, key="help-1")
    assert (row.kind, row.person) == ("sos", "p-000001")
    assert (await desked.desk.sos(CITIZEN, key="help-1")).id == row.id
    assert (await desked.desk.sos(CITIZEN, key="help-2")).id == row.id
    assert len((await desked.desk.alerts(OFFICER, kinds=frozenset({"sos"}))).items) == 1
    health = await desked.desk.health()
    assert health["ready"]

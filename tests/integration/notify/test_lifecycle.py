"""What an officer does with an alert beside taking and closing it, through the desk."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ancu.models.clock import SystemClock
from ancu.server.adapters.series import Series
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.adapters.store import Store
from ancu.server.alerts.alert import SnoozeRefused
from ancu.server.bench.fleet import fleet, register_of
from ancu.server.core import Core
from ancu.server.desk.store import StoreDesk
from ancu.server.memory import Memory
from ancu.server.policies import load_policy
from ancu.server.ports import AlertState, Role, Viewer
from ancu.server.projection import project
from ancu.server.seating import Bench

CLOCK = SystemClock()
OFFICER = Viewer("lan", Role.OFFICER, frozenset({"ward-000"}))
CITIZEN = Viewer("p-000001", Role.CITIZEN, frozenset(), person="p-000001")


async def test_an_alert_is_snoozed_its_person_contacted_and_someone_sent(tmp_path: Path):
    path, register = tmp_path / "ancu.db", register_of(fleet(1))

    def open_store() -> Store:
        connection = connect(path)
        migrate(connection)
        return Store(connection, b"k" * 32)

    memory = Memory(Bench(load_policy("default")))
    core = Core(
        open_store=open_store,
        roster=lambda store, held: None if held == register.version else register,
        project=project,
        memory=memory,
        clock=CLOCK,
        told=lambda told: None,
    )
    core.start()
    assert core.wait_ready(5)
    series = Series(tmp_path / "series.duckdb", path)
    desk = StoreDesk(
        path, core=core, memory=memory, series=series, clock=CLOCK, linked=lambda: True, link_counts=dict
    )  # fmt: skip
    try:
        alert = (await desk.sos(CITIZEN, key="help")).id
        now = CLOCK.now()
        assert (await desk.snooze(OFFICER, alert, now + timedelta(minutes=5), key="a")).state is AlertState.OPEN
        with pytest.raises(SnoozeRefused):
            await desk.snooze(OFFICER, alert, now + timedelta(days=2), key="b")
        assert (await desk.contact(OFFICER, alert, "phone", key="c")).state is AlertState.CONTACTED
        sent = await desk.dispatch(OFFICER, alert, "team 2", key="d")
        assert (sent.state, sent.acknowledged_by) == (AlertState.DISPATCHED, "lan")
        codes = [step.code for step in (await desk.alert(OFFICER, alert)).timeline]
        assert codes[-3:] == ["snoozed", "contacted", "dispatched"]
    finally:
        core.stop()
        series.stop()
        desk.close()

"""Figures as the desk gives them: out of the file, by ward, and as gauges."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ancu.server.ports import NotFound, Role, Viewer
from ancu.server.review.figures import Gauges, figures
from ancu.server.web.metrics import WebMetrics

OFFICER = Viewer("lan", Role.OFFICER, frozenset({"ward-000"}))


def enrol(r: Any) -> None:
    """The register's tables, of which the recording has none."""
    db, start, end = r.store.connection, r.clock.ms - 86_400_000, r.clock.ms + 86_400_000
    for ward in sorted({home.ward for home in r.homes}):
        db.execute("INSERT INTO wards VALUES (?, ?, 'P')", (ward, ward))
    for home in r.homes:
        band = home.bands[0]
        db.execute("INSERT INTO persons VALUES (?, ?, ?)", (band.person, home.ward, start))
        db.execute(
            "INSERT INTO orders (id, person, from_ms, until_ms, reason) VALUES (?, ?, ?, ?, 'home')",
            (band.order, band.person, start, end),
        )


@pytest.fixture
def told(record: Any) -> Any:
    r = record(homes=4, wards=2)
    enrol(r)
    r.run(34)
    r.cut(0)
    r.cut(1)
    r.run(30)
    return r


def test_figures_come_by_ward_and_person_days_from_the_register(told: Any):
    end = told.clock.now()
    all_wards = figures(told.path, end - timedelta(days=1), end)
    assert (all_wards.alerts, all_wards.pages, all_wards.person_days) == (2, 2, 4)
    mine = figures(told.path, end - timedelta(days=1), end, wards=frozenset({"ward-000"}))
    assert (mine.alerts, mine.person_days) == (1, 2)
    nobody = figures(told.path, end - timedelta(days=1), end, wards=frozenset({"ward-000"}), ward="ward-001")
    assert (nobody.alerts, nobody.person_days) == (0, 0)


def test_gauges_come_a_moment_later_and_are_kept_a_minute(told: Any, tmp_path: Path):
    gauges = Gauges(told.path, told.clock)
    assert gauges.counts() == {}
    waited = time.monotonic() + 5
    while not gauges.counts() and time.monotonic() < waited:
        time.sleep(0.02)
    held = gauges.counts()
    assert held["kpi_alerts"] == 2
    told.cut(2)
    assert gauges.counts() == held
    text = WebMetrics().text({"ready": True, "counters": held}).decode()
    assert "ancu_kpi_alerts_per_100_person_days 50.0" in text
    gauges.close()


async def test_the_desk_keeps_an_officer_to_his_wards(told: Any, tmp_path: Path):
    from ancu.server.adapters.series import Series  # noqa: PLC0415
    from ancu.server.desk.store import StoreDesk  # noqa: PLC0415

    desk = StoreDesk(
        told.path,
        core=told.core,
        memory=told.memory,
        series=Series(tmp_path / "series.duckdb", told.path),
        clock=told.clock,
        linked=lambda: True,
        link_counts=dict,
    )
    end = told.clock.now()
    found = await desk.kpis(OFFICER, start=end - timedelta(days=1), end=end)
    assert (found["alerts"], found["person_days"]) == (1, 2)
    for viewer, ward in ((OFFICER, "ward-001"), (Viewer("p", Role.CITIZEN, frozenset(), "p"), None)):
        with pytest.raises(NotFound):
            await desk.kpis(viewer, start=end - timedelta(days=1), end=end, ward=ward)
    desk.close()

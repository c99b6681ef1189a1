"""The series follows the inbox, exactly once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ancu.models.clock import from_ms, to_ms
from ancu.server.adapters.series import Series
from ancu.server.bench.fleet import Home, relay_of


@pytest.fixture
def fed(run: Any, homes: list[Home]) -> Any:
    """A core whose inbox holds 30 readings of one band, a second apart."""
    running, home = run(), homes[0]
    now = to_ms(datetime.now(UTC)) // 1000 * 1000
    for part in range(3):
        heard = [home.bands[0].heard(now - 60_000 + 1000 * (10 * part + i)) for i in range(10)]
        running.core.deliver(*relay_of([home.batch(heard)], home.gateway))
    while running.confirmed().upto < 30:
        pass
    running.began = from_ms(now - 60_000)
    return running


def test_what_the_inbox_holds_comes_once_however_often_it_is_asked_for(fed: Any, tmp_path: Path, homes: list[Home]):
    series = Series(tmp_path / "series.duckdb", fed.path)
    assert series.catch_up() == 30
    assert series.catch_up() == 0
    series.stop()
    again = Series(tmp_path / "series.duckdb", fed.path)
    assert again.catch_up() == 0
    assert again.count() == 30
    points = again.query(homes[0].bands[0].number, fed.began, fed.began + timedelta(seconds=60), 10)
    assert sum(point.heard for point in points) == 30
    assert {point.heart_bpm for point in points} == {71}
    assert {point.skin_c for point in points} == {35.8}
    assert {point.worn for point in points} == {True}
    assert all(point.at.timestamp() % 10 == 0 for point in points)
    again.stop()


def test_a_series_that_cannot_be_read_is_made_anew(fed: Any, tmp_path: Path):
    (tmp_path / "series.duckdb").write_bytes(b"not a database" * 1000)
    series = Series(tmp_path / "series.duckdb", fed.path)
    assert series.catch_up() == 30
    series.stop()
    assert (tmp_path / "series.duckdb.broken").exists()


def test_its_thread_feeds_it_when_woken(fed: Any, tmp_path: Path):
    series = Series(tmp_path / "series.duckdb", fed.path)
    series.start()
    series.wake()
    until = datetime.now(UTC) + timedelta(seconds=5)
    while series.upto < 3 and datetime.now(UTC) < until:
        pass
    series.stop()
    assert series.upto == 3

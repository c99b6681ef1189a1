"""The bench of the pages at a small size: it counts every row, and a build whose pages ask for all anew shows in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ancu.server.bench.pages import PageFigures, bench_pages

FINE = PageFigures(
    open_alerts=5_000, streams=200, raised=30, missing=0, visible_p50_ms=90, visible_p99_ms=240, visible_worst_ms=300,
    cpu_ms_per_alert=60, requests=100, inbox_p50_ms=30, inbox_p99_ms=90, inbox_cpu_ms=25, inbox_bytes=230_000,
    further_p50_ms=25, first_load_gzip_bytes=45_000,
)  # fmt: skip


@pytest.mark.timeout(180)
@pytest.mark.long  # two brokers and two servers, one after the other
async def test_every_open_page_shows_every_alert_and_a_known_bad_build_costs_many_times_as_much(tmp_path: Path):
    figures = {}
    for known_bad in (False, True):
        folder = tmp_path / str(known_bad)
        folder.mkdir()
        figures[known_bad] = await bench_pages(
            folder, alerts=120, streams=12, raised=2, requests=2, known_bad=known_bad
        )
    good, bad = figures[False], figures[True]
    assert good.missing == bad.missing == 0
    assert 0 < good.first_load_gzip_bytes < 150_000
    assert bad.cpu_ms_per_alert > 3 * max(10, good.cpu_ms_per_alert)  # of the server alone, whatever else runs


@pytest.mark.parametrize(
    ("worse", "said"),
    [
        ({}, []),
        ({"visible_p99_ms": 1000.1}, ["visible_p99_ms 1000.1 > 1000"]),
        ({"inbox_p99_ms": 201.0}, ["inbox_p99_ms 201.0 > 200"]),
        ({"missing": 1}, ["missing 1"]),
    ],
)
def test_figures_that_break_a_promise_are_said(worse: dict[str, float], said: list[str]):
    assert replace(FINE, **worse).broken() == said  # type: ignore[arg-type]

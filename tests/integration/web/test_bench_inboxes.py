"""The bench of the pages at a small size: it counts every row, and a build that holds changes back shows in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ancu.server.bench.inboxes import bench_inboxes

pytestmark = [pytest.mark.timeout(120), pytest.mark.long]  # two servers, and times that a busy machine blurs


def test_every_open_page_shows_every_alert_and_a_known_bad_build_is_seen(tmp_path: Path):
    for name in ("good", "bad"):
        (tmp_path / name).mkdir()
    good = bench_inboxes(tmp_path / "good", items=5, streams=3, watching=2, alerts=2)
    assert good.missing == 0
    assert 0 < good.first_load_bytes < 150_000
    bad = bench_inboxes(tmp_path / "bad", items=5, streams=3, watching=2, alerts=2, handicap_s=1.5)
    assert bad.missing == 0
    assert bad.visible_p50_ms > 1500

"""kill -9 in the middle of ingest: what was confirmed is there, once."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from ancu.server.adapters.series import Series
from ancu.server.adapters.sqlite import connect
from ancu.server.core import verify_chain
from ancu.server.ingest.columns import reading_rows

CHILD = Path(__file__).with_name("ingest_child.py")
KEY = b"k" * 32


def run_and_kill(path: Path, began_s: int, confirmed: int, after_s: float) -> int:
    """Let the child work for a while, kill it; returns the last confirm that it spoke."""
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(path), str(began_s), str(confirmed)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "ready\n"
        time.sleep(after_s)
    finally:
        child.kill()
    said = child.stdout.read().split("\n")[:-1]  # what follows the last line end was cut off
    child.stdout.close()
    child.wait()
    return max([confirmed, *map(int, said)])


@pytest.mark.timeout(90)
def test_confirmed_readings_are_found_exactly_once_after_kills(tmp_path: Path):
    path, chance = tmp_path / "ancu.db", random.Random(1)
    began_s, confirmed = int(time.time()) - 100_000, 0
    for _ in range(5):
        confirmed = run_and_kill(path, began_s, confirmed, chance.uniform(0.05, 0.4))
    assert confirmed > 50

    connection = connect(path)
    rows = connection.execute("SELECT readings FROM inbox ORDER BY position").fetchall()
    found = Counter(int(r["counter"]) - began_s for row in rows for r in reading_rows(row["readings"]))
    assert set(found.values()) == {1}
    assert set(range(1, confirmed + 1)) <= set(found)
    assert list(found) == sorted(found)
    assert verify_chain(connection, KEY).broken_at is None
    connection.close()

    series = Series(tmp_path / "series.duckdb", path)
    assert series.catch_up() == len(found)
    series.stop()

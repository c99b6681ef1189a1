"""Memory after a restart is the memory from before it."""

from __future__ import annotations

import dataclasses
import sqlite3
from datetime import UTC, datetime
from typing import Any

from ancu.models.clock import to_ms
from ancu.models.frame import Status
from ancu.models.topics import Lane
from ancu.server.bench.fleet import FINE, Home, relay_of
from ancu.server.core import Transaction
from ancu.server.policies import load_policy
from ancu.server.seating import Bench

CUT = dataclasses.replace(FINE, status=Status.SKIN | Status.STRAP_OPEN)


def memory_of(running: Any) -> tuple[bytes, dict[Any, int]]:
    def look(tx: Transaction) -> tuple[bytes, dict[Any, int]]:
        return tx.memory.pipeline.receiver.snapshot(), dict(tx.memory.pipeline.marks)

    found: tuple[bytes, dict[Any, int]] = running.core.command(look).result(5)
    return found


def alerts(running: Any) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(running.path)
    rows = database.execute("SELECT id, kind, state, position FROM alerts ORDER BY id").fetchall()
    database.close()
    return rows


def say(running: Any, home: Home, now: int) -> None:
    running.core.deliver(*relay_of([home.batch([home.bands[0].heard(now - 5000)])], home.gateway))
    running.core.deliver(
        *relay_of([home.batch([home.bands[0].heard(now, CUT, urgent=True)], lane=Lane.ALARM)], home.gateway)
    )
    uptos = [running.confirmed().lane, running.confirmed().lane] if running.told.qsize() > 1 else [running.confirmed()]
    assert uptos


def test_counters_marks_and_alerts_are_as_before_with_and_without_a_snapshot(run: Any, homes: list[Home]):
    running = run(Bench(load_policy("demo")))
    say(running, homes[0], to_ms(datetime.now(UTC)))
    before, raised = memory_of(running), alerts(running)
    assert any(kind == "strap_cut" for _, kind, _, _ in raised)
    running.core.stop()
    again = run(Bench(load_policy("demo")))
    assert memory_of(again) == before
    again.core.stop()
    database = sqlite3.connect(running.path)
    database.execute("DELETE FROM snapshots")
    database.commit()
    database.close()
    anew = run(Bench(load_policy("demo")))
    assert memory_of(anew) == before
    assert [row for row in alerts(anew) if row[1] == "strap_cut"] == [row for row in raised if row[1] == "strap_cut"]


def test_a_snapshot_of_another_version_is_set_aside_and_the_inbox_read(run: Any, homes: list[Home], caplog: Any):
    running = run(Bench(load_policy("demo")))
    say(running, homes[0], to_ms(datetime.now(UTC)))
    before = memory_of(running)
    running.core.stop()
    database = sqlite3.connect(running.path)
    database.execute("UPDATE snapshots SET body = x'c1'")
    database.commit()
    database.close()
    assert memory_of(run(Bench(load_policy("demo")))) == before
    assert "snapshot set aside" in caplog.text

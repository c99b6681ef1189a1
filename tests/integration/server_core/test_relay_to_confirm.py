"""A relay goes in; the inbox holds it and the confirm comes out."""

from __future__ import annotations

import dataclasses
import time
from datetime import UTC, datetime
from typing import Any

from ancu.models.clock import to_ms
from ancu.models.topics import Lane
from ancu.models.wire import Confirmation, MainsChanged, Unseen
from ancu.server.adapters.sqlite import connect
from ancu.server.bench.fleet import FINE, Home, relay_of
from ancu.server.cases.inputs import BandHeard, Input
from ancu.server.core import verify_chain

from .conftest import Quiet

KEY = b"k" * 32


def now_ms() -> int:
    return to_ms(datetime.now(UTC))


def test_what_an_edge_sends_is_stored_once_and_confirmed(run: Any, homes: list[Home]):
    running, home, now = run(), homes[0], now_ms()
    records = [home.bands[0].heard(now - 1000 * back) for back in (4, 3, 2)]
    relay = relay_of([home.batch(records)], home.gateway)
    assert running.core.deliver(*relay)
    assert running.confirmed() == Confirmation(home.edge, Lane.STATE, home.epoch, 3)
    assert running.core.deliver(*relay)
    assert running.confirmed() == Confirmation(home.edge, Lane.STATE, home.epoch, 3)
    assert running.readings() == [(home.bands[0].number, (now - 1000 * back) // 1000) for back in (4, 3, 2)]


def test_after_a_restart_a_resend_and_a_replayed_frame_add_nothing(run: Any, homes: list[Home]):
    running, home, now = run(), homes[0], now_ms()
    heard = home.bands[0].heard(now - 40_000)
    relay = relay_of([home.batch([heard])], home.gateway)
    running.core.deliver(*relay)
    running.confirmed()
    running.core.stop()

    again = run()
    again.core.deliver(*relay)
    assert again.confirmed().upto == 1
    again.core.deliver(*relay_of([home.batch([heard])], home.gateway))
    assert again.confirmed().upto == 2  # settled: it will never be believed
    assert len(again.readings()) == 1
    assert again.core.counts["frames_refused", "replay"] == 1


def test_noise_is_counted_and_put_aside_and_what_follows_is_taken(run: Any, homes: list[Home]):
    running, home, now = run(), homes[0], now_ms()
    good = home.batch([home.bands[0].heard(now)])
    topic, body = relay_of([good], home.gateway)
    running.core.deliver(topic, b"noise")
    running.core.deliver(topic, body)
    assert running.confirmed().upto == 1
    assert running.core.counts["bodies_refused", "layout"] == 1
    connection = connect(running.path, read_only=True)
    assert connection.execute("SELECT reason, body FROM aside").fetchone()["body"] == b"noise"
    assert verify_chain(connection, KEY).broken_at is None
    connection.close()


def test_a_command_is_answered_after_its_commit(run: Any):
    running = run()
    assert running.core.command(lambda tx: tx.now_ms).result(5) <= now_ms()


def test_ready_stays_quick_when_much_is_stored(run: Any, homes: list[Home]):
    running, home, now = run(), homes[0], now_ms()
    for part in range(20):
        records = [home.bands[0].heard(now - 80_000 + 100 * part, counter=now // 1000 - 80 + part) for _ in range(1)]
        running.core.deliver(*relay_of([home.batch(records)], home.gateway))
    while running.confirmed().upto < 20:
        pass
    running.core.stop()
    began = time.monotonic()
    run()
    assert time.monotonic() - began < 2


class Stumbles(Quiet):
    """A judge with a fault of its own."""

    def observe(self, happened: Input) -> None:
        if isinstance(happened, BandHeard) and happened.reading.heart_bpm == 13:
            raise ZeroDivisionError


def test_a_body_that_we_fail_on_ourselves_is_kept_whole_and_stops_nothing(run: Any, homes: list[Home], caplog: Any):
    running, home, now = run(Stumbles()), homes[0], now_ms()
    bad = dataclasses.replace(FINE, heart_bpm=13)
    heard = [home.bands[0].heard(now - 3000), home.bands[0].heard(now - 2000, bad), home.bands[0].heard(now - 1000)]
    relays = [relay_of([home.batch([one])], home.gateway) for one in heard]
    for relay in relays:
        running.core.deliver(*relay)
    while running.confirmed().upto < 3:
        pass
    assert [counter for _, counter in running.readings()] == [(now - 3000) // 1000, (now - 1000) // 1000]
    connection = connect(running.path, read_only=True)
    (kept,) = connection.execute("SELECT body FROM aside WHERE reason = 'internal'").fetchall()
    connection.close()
    assert kept["body"] in relays[1][1]
    assert "put aside" in caplog.text


def test_times_that_no_clock_shows_are_taken_for_what_they_can_be(run: Any, homes: list[Home]):
    running, home = run(), homes[0]
    mad = [MainsChanged(2**62, on=True), MainsChanged(-(2**62), on=False), Unseen(-5, 1, 2**62, 0)]
    running.core.deliver(*relay_of([home.batch(mad)], home.gateway))
    assert running.confirmed().upto == 3
    assert running.core.counts["facts", ""] == 3

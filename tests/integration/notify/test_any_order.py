"""Duplicates, delays and lanes that overtake each other come to the same incidents as everything in its order.

Real sealed batches through the receiver, the judge and the journal. What a gateway's line does: each batch may be late
by up to half a minute, come twice, come before its predecessor (then it is sent again), and homes' batches mix.
"""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ancu.models.frame import Reading, Status
from ancu.models.topics import Lane, Upstream
from ancu.server.bench.fleet import Home
from ancu.server.cases.inputs import Tick

from .street import BEAT_S, WORN, Life, Street, cool

HOMES, SECONDS = 3, 900
LATEST_S = 30
Deed = tuple[str, int]  # what, and at which beat


@dataclass
class Script:
    """What is said, each with the time at which its edge sent it."""

    said: list[tuple[datetime, Upstream, bytes]] = field(default_factory=list)


class Writing(Street):
    """A street whose batches are written down in place of being taken."""

    def __init__(self, folder: Path, script: Script) -> None:
        super().__init__(folder, HOMES)
        self._script = script

    def relay(self, topic: Upstream, body: bytes) -> None:
        self._script.said.append((self.at, topic, body))

    def play(self, deeds: list[Deed]) -> None:
        for beat in range(SECONDS // BEAT_S):
            self.at += timedelta(seconds=BEAT_S)
            for home, life, (what, when) in zip(self.homes, self.lives, deeds, strict=True):
                self._do(home, life, what, beat - when)
                if life.alive:
                    self._beat(home, life)

    def _do(self, home: Home, life: Life, what: str, since: int) -> None:
        if since == 0 and what in {"sos", "cut"}:
            status = Status.SKIN | (Status.SOS if what == "sos" else Status.STRAP_OPEN)
            life.reading = dataclasses.replace(WORN, status=status)
            at_ms = self.now_ms - 2000
            self.say(home, home.bands[0].heard(at_ms, life.reading, urgent=True), lane=Lane.ALARM)
        readings: dict[tuple[str, int], Reading | None] = {
            ("sos", 1): WORN,
            ("leaves", 0): None,
            ("comes back", 0): None,
            ("comes back", 30): WORN,
            ("takes off", 0): cool(dataclasses.replace(WORN, status=Status(0))),
            ("dies", 0): dataclasses.replace(WORN, battery_percent=3),
            ("dies", 3): None,
        }
        life.reading = readings.get((what, since), life.reading)


def written(folder: Path, deeds: list[Deed]) -> Script:
    script = Script()
    Writing(folder, script).play(deeds)
    return script


def told(folder: Path, script: Script, arrivals: list[tuple[datetime, int]]) -> list[tuple[str, str, str, bool]]:
    """Tell everything when it arrives; the incidents: of whom, kind, severity, and whether it goes on.

    Not their ids: an id names when the episode began, as far as was known when it was raised.
    """
    street = Street(folder, HOMES)
    waiting = sorted(arrivals)
    end = street.began + timedelta(seconds=SECONDS + 4 * LATEST_S)
    while street.at < end:
        street.at += timedelta(seconds=1)
        while waiting and waiting[0][0] <= street.at:
            _, topic, body = script.said[waiting.pop(0)[1]]
            street.relay(topic, body)
        if street.at > street.began + timedelta(seconds=BEAT_S + LATEST_S):  # every band has spoken
            street.tell(Tick(street.at))
    rows = street.db.execute("SELECT subject, kind, severity, ended_ms FROM alerts")
    return sorted((row["subject"], row["kind"], row["severity"], row["ended_ms"] is None) for row in rows)


def in_order(script: Script) -> list[tuple[datetime, int]]:
    return [(at, n) for n, (at, _, _) in enumerate(script.said)]


def mixed(script: Script, chance: Random) -> list[tuple[datetime, int]]:
    """Late, twice, and out of order; what came too early for its lane is sent again in order."""
    arrivals = []
    for n, (at, _, _) in enumerate(script.said):
        late = timedelta(seconds=chance.choice((0, 0, 0, 1, 3, 10, LATEST_S)))
        arrivals.append((at + late, n))
        if chance.random() < 0.2:
            arrivals.append((at + late + timedelta(seconds=chance.randint(0, 60)), n))
        arrivals.append((at + timedelta(seconds=LATEST_S), n))
    return arrivals


deeds = st.lists(
    st.tuples(
        st.sampled_from(["stays", "sos", "cut", "leaves", "comes back", "takes off", "dies"]), st.integers(6, 40)
    ),
    min_size=HOMES,
    max_size=HOMES,
)


@pytest.mark.timeout(120)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a story of a quarter of an hour is short enough to read
)
@given(deeds, st.integers(0, 2**32))
def test_any_order_comes_to_the_same_incidents(plan: list[Deed], seed: int):
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / part for part in ("script", "ordered", "mixed")]
        for folder in folders:
            folder.mkdir()
        script = written(folders[0], plan)
        ordered = told(folders[1], script, in_order(script))
        assert told(folders[2], script, mixed(script, Random(seed))) == ordered


def test_the_stories_are_not_about_nothing(tmp_path: Path):
    for part in ("script", "told"):
        (tmp_path / part).mkdir()
    script = written(tmp_path / "script", [("cut", 10), ("leaves", 10), ("dies", 10)])
    found = told(tmp_path / "told", script, in_order(script))
    assert {"strap_cut", "out_of_range", "battery_dead"} <= {kind for _, kind, _, _ in found}

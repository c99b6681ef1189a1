"""A drawn world is what its numbers say, the same for the same seed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ancu.firmware_sim.population import START_MS, draw_world
from ancu.firmware_sim.population_params import PRESETS, load_params
from ancu.models.errors import ConfigError

DAY_MS = 86_400_000


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_draws_a_world(preset: str):
    world = draw_world(load_params(preset), seed=1, people=12, days=1)
    assert [person.number for person in world.people] == list(range(1, 13))
    assert all(person.looks[0].at_ms == START_MS for person in world.people)


def test_the_same_seed_draws_the_same_world_and_another_seed_another():
    params = load_params("city")
    one, two, other = (draw_world(params, seed=s, people=10, days=2) for s in (7, 7, 8))
    assert one == two
    assert one.happenings != other.happenings


def test_gaps_are_in_order_and_apart():
    world = draw_world(load_params("village"), seed=3, people=30, days=3)
    for person in world.people:
        for before, after in zip(person.gaps, person.gaps[1:], strict=False):
            assert before.start_ms < before.end_ms < after.start_ms


def test_rates_are_what_the_parameters_say():
    params = load_params("city")
    world = draw_world(params, seed=5, people=120, days=14)
    counts = Counter(h.cause for h in world.happenings if h.kind == "out")
    expected = params.breaches.walk_per_day * 120 * 14
    walks = sum(count for cause, count in counts.items() if cause != "gate")
    assert 0.5 * expected < walks < 1.6 * expected
    gates = params.breaches.gate_per_day * 120 * 14
    assert 0.8 * gates < counts["gate"] < 1.2 * gates


def test_only_who_has_a_loose_strap_takes_a_whole_one_off():
    params = load_params("city")
    world = draw_world(params, seed=5, people=100, days=7)
    off = {h.who for h in world.happenings if h.kind == "off"}
    assert 0 < len(off) <= 100 * (params.wear.loose_share + 0.1)


def test_a_band_whose_battery_died_is_not_heard_and_a_relayed_one_is():
    world = draw_world(load_params("adversary"), seed=2, people=100, days=10)
    people = {person.name: person for person in world.people}
    for happening in world.happenings:
        gaps = people[happening.who].gaps if happening.who in people else []
        middle = (happening.start_ms + happening.end_ms) // 2
        if happening.kind == "battery_dead" and middle < world.end_ms:
            assert any(gap.start_ms <= middle <= gap.end_ms for gap in gaps)


def test_a_jammer_silences_everybody_at_home():
    world = draw_world(load_params("adversary"), seed=2, people=150, days=10)
    jams = [h for h in world.happenings if h.kind == "jam"]
    assert jams
    people = {person.number: person for person in world.people}
    homes = {home.edge: home for home in world.homes}
    for jam in jams:
        for number in homes[jam.who].people:
            assert any(gap.start_ms <= jam.start_ms + 1 and gap.end_ms >= jam.end_ms for gap in people[number].gaps)


def test_a_file_changes_some_numbers_and_unknown_ones_are_refused(tmp_path: Path):
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text("[breaches]\nwalk_per_day = 0.5\n")
    bad.write_text("[breaches]\nwalks_a_day = 0.5\n")
    assert load_params(good).breaches.walk_per_day == 0.5
    with pytest.raises(ConfigError, match="walks_a_day"):
        load_params(bad)
    with pytest.raises(ConfigError, match="neither a preset"):
        load_params("town")

"""`ancu sim truth` from end to end: small worlds, the same bytes, and a control that must look bad."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from ancu.firmware_sim.population import draw_world
from ancu.firmware_sim.population_params import load_params
from ancu.server.policies import load_policy
from ancu.truth.command import truth
from ancu.truth.invariants import broken
from ancu.truth.match import match
from ancu.truth.run import run_world

ROOT = Path(__file__).parents[3]
_MAIN = "from ancu.truth.command import truth; truth()"


def run(*args: str, hash_seed: str = "0") -> bytes:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", _MAIN, *args]
    return subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60).stdout


@pytest.mark.timeout(90)
@pytest.mark.parametrize("preset", ["city", "storm", "adversary", "site"])
def test_the_same_seed_gives_the_same_bytes_whatever_python_hashes(preset: str):
    args = ("--people", "14", "--days", "1", "--seed", "4", "--preset", preset, "--json")
    one, two = (hashlib.sha256(run(*args, hash_seed=seed)).hexdigest() for seed in ("1", "2"))
    assert one == two


def test_json_holds_what_the_contract_names():
    report = json.loads(run("--people", "14", "--days", "1", "--json"))
    assert {"alerts_per_100_days", "pages_per_100_days", "paged_precision", "recall", "kinds"} <= report.keys()
    for kind in report["kinds"].values():
        assert {"precision", "recall", "latency_s"} <= kind.keys()


@pytest.mark.timeout(120)
def test_a_known_bad_policy_shows_many_more_alerts_in_the_same_table():
    args = ["--people", "40", "--days", "2", "--seed", "2", "--json"]
    good, bad = (json.loads(run(*args, "--policy", policy)) for policy in ("default", "known-bad"))
    assert bad["alerts_per_100_days"] >= 25
    assert bad["alerts_per_100_days"] > 1.2 * good["alerts_per_100_days"]
    assert bad["pages_per_100_days"] > 1.2 * good["pages_per_100_days"]


def test_a_table_is_printed_for_people():
    result = CliRunner().invoke(truth, ["--people", "10", "--days", "1"])
    assert result.exit_code == 0
    assert "paged alerts per 100 a day" in result.output


def test_a_wrong_preset_is_a_clear_error():
    result = CliRunner().invoke(truth, ["--preset", "nowhere"])
    assert "neither a preset" in str(result.exception)


def test_the_verb_is_an_entry_point_and_its_extra_names_the_parts():
    project = tomllib.loads((ROOT / "firmware-sim" / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["ancu.sim_verbs"] == {"truth": "ancu.truth.command:truth"}
    assert set(project["optional-dependencies"]["truth"]) == {"ancu-edge", "ancu-gateway", "ancu-server"}
    assert not {"ancu-edge", "ancu-gateway", "ancu-server"} & set(project["dependencies"])


def check(seed: int, preset: str, people: int, days: float) -> list[str]:
    params = load_params(preset)
    world = draw_world(params, seed=seed, people=people, days=days)
    outcome = run_world(world, params, load_policy("default"), seed=seed)
    return broken(outcome, match(world, outcome.journal))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("preset", ["city", "storm"])
def test_the_invariants_hold_in_a_small_world(preset: str):
    assert check(1, preset, 25, 2) == []


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(200))
def test_the_invariants_hold_in_two_hundred_worlds(seed: int):
    assert check(seed, ("city", "village", "site", "storm", "adversary")[seed % 5], 50, 3) == []

"""`ancu sim truth`: the real decision code against people whose behaviour is known."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ancu.firmware_sim.population import draw_world
from ancu.firmware_sim.population_params import PRESETS, load_params
from ancu.server.policies import load_policy
from ancu.truth.known_bad import known_bad
from ancu.truth.match import match
from ancu.truth.report import figures, table
from ancu.truth.run import run_world

__all__ = ["truth"]


@click.command()
@click.option("--seed", default=1, show_default=True, help="same seed, same bytes")
@click.option("--people", default=100, show_default=True, type=click.IntRange(1, 20_000), help="people under order")
@click.option("--days", default=7.0, show_default=True, type=click.FloatRange(0.05, 60), help="days of virtual time")
@click.option("--preset", default="city", show_default=True, help=f"{', '.join(PRESETS)}, or a TOML of other numbers")
@click.option("--policy", default="default", show_default=True, help="default, demo, known-bad, or a policy's TOML")
@click.option("--json", "as_json", is_flag=True, help="all figures as JSON")
def truth(*, seed: int, people: int, days: float, preset: str, policy: str, as_json: bool) -> None:
    """Run edge, gateway and server in virtual time and hold their alerts against the truth.

    A population is drawn from documented numbers: homes and rooms, sleep, walks, cut straps, bands left on a table,
    dead batteries, power cuts, outages, fading radio. Every alert is matched to what really was so.
    """
    params = load_params(preset)
    rules = known_bad() if policy == "known-bad" else load_policy(_place(policy))
    world = draw_world(params, seed=seed, people=people, days=days)
    outcome = run_world(world, params, rules, seed=seed)
    report = figures(
        outcome,
        match(world, outcome.journal),
        people=people,
        days=days,
        seed=seed,
        preset=Path(preset).name,
        policy=rules.label,
    )
    print(json.dumps(report, indent=1) if as_json else table(report))


def _place(policy: str) -> str | Path:
    return Path(policy) if "/" in policy or policy.endswith(".toml") else policy

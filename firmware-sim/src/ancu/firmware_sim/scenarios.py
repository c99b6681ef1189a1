"""Scripts: what happens to whom, and when. Data, from a TOML file or built in.

[[step]]
at_s = 10          # after the script was started
do = "cut_strap"   # one of `ancu.firmware_sim.actions`
band = 2
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ancu.firmware_sim.actions import Action, CutStrap, Leave
from ancu.models.errors import ConfigError

__all__ = ["Scenario", "Step", "demo", "load_scenario"]


@dataclass(frozen=True, slots=True)
class Step:
    at_s: float  # after the start of the script
    action: Action


@dataclass(frozen=True, slots=True)
class Scenario:
    steps: tuple[Step, ...]

    def after(self, seconds: float) -> Scenario:
        """The same, so much later."""
        return Scenario(tuple(Step(step.at_s + seconds, step.action) for step in self.steps))


def demo(bands: Sequence[int], *, start_s: float = 0.0, away_s: float = 40.0) -> Scenario:
    """One band a home: the first stays, the second cuts its strap, the third walks out and comes back, others stay."""
    steps: list[Step] = []
    if len(bands) > 1:
        steps.append(Step(start_s, CutStrap(band=bands[1])))
    if len(bands) > 2:
        steps.append(Step(start_s + 5, Leave(band=bands[2], for_s=away_s)))
    return Scenario(tuple(steps))


def load_scenario(path: Path) -> Scenario:
    """Read a script; raises ConfigError."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        steps = msgspec.convert(table, dict[str, list[dict[str, object]]]).get("step", [])
        return Scenario(tuple(sorted(map(_step, steps), key=lambda step: step.at_s)))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error.__class__.__name__})") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path}: {error}") from None


def _step(table: dict[str, object]) -> Step:
    rest = dict(table)
    at_s = msgspec.convert(rest.pop("at_s", 0), float)
    return Step(at_s, msgspec.convert(rest, Action))

"""A server's folder as `ancu` finds it, and the verbs as a person runs them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from ancu.server.cli.device import device
from ancu.server.cli.officer import officer
from ancu.server.cli.order import order
from ancu.server.cli.ward import ward
from ancu.server.people.setup import Installation, make_installation


@click.group()
def verbs() -> None: ...


for verb in (device, officer, order, ward):
    verbs.add_command(verb)


@dataclass
class Terminal:
    made: Installation

    def __call__(self, *args: str | Path, stdin: str | None = None) -> str:
        """Run a verb; an error is raised as the command raises it."""
        line = [*map(str, args), "--config", str(self.made.server_toml)]
        result = CliRunner().invoke(verbs, line, input=stdin, catch_exceptions=False, standalone_mode=False)
        self.code = result.return_value if isinstance(result.return_value, int) else result.exit_code
        self.err = result.stderr
        return result.stdout

    def json(self, *args: str | Path, stdin: str | None = None) -> Any:
        return json.loads(self(*args, "--json", stdin=stdin))


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(make_installation(tmp_path / "house", homes=2))

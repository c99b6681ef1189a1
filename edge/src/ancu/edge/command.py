"""`ancu edge`: run the box, or check whether it could run."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import click

from ancu.edge.calibration_command import calibrate
from ancu.models import logs
from ancu.models.findings import report
from ancu.models.process import run_until_stopped

__all__ = ["edge"]

_config = click.option(
    "--config", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The edge's TOML file."
)


@click.group()
def edge() -> None:
    """The box at home: hears wristbands and cameras, keeps facts, sends them."""


edge.add_command(calibrate)


@edge.command()
@_config
@click.option("--json", "as_json", is_flag=True, help="Say what runs as one line of JSON.")
def run(config: Path, *, as_json: bool) -> None:
    """Run until stopped."""
    from ancu.edge.agent import build  # noqa: PLC0415 - `--help` need not load the radio
    from ancu.edge.config import read_edge  # noqa: PLC0415

    logs.set_up()

    async def main() -> None:
        settings = read_edge(config)
        click.echo(json.dumps({"edge": settings.edge}) if as_json else f"edge {settings.edge} runs")
        await build(settings, config.parent).run()

    run_until_stopped(main())


@edge.command()
@_config
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def check(config: Path, *, as_json: bool) -> None:
    """Say whether it could run: files, data folder, broker, radio and camera."""
    from ancu.edge.check import check_edge  # noqa: PLC0415 - `--help` need not load the radio

    if not asyncio.run(report(check_edge(config), as_json=as_json)):
        sys.exit(1)

"""`ancu gateway`: run the relay, or check whether it could run."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import click

from ancu.models import logs
from ancu.models.findings import report
from ancu.models.process import run_until_stopped

__all__ = ["gateway"]

_config = click.option(
    "--config", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The gateway's TOML file."
)


@click.group()
def gateway() -> None:
    """The relay of a ward or a site: many edges in, one way up."""


@gateway.command()
@_config
@click.option("--json", "as_json", is_flag=True, help="Say what runs as one line of JSON.")
def run(config: Path, *, as_json: bool) -> None:
    """Run until stopped."""
    from ancu.gateway.app import build  # noqa: PLC0415 - `--help` need not load the relay
    from ancu.gateway.config import read_gateway  # noqa: PLC0415

    logs.set_up()

    async def main() -> None:
        settings = read_gateway(config)
        click.echo(json.dumps({"gateway": settings.gateway}) if as_json else f"gateway {settings.gateway} runs")
        await build(settings).run()

    run_until_stopped(main())


@gateway.command()
@_config
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def check(config: Path, *, as_json: bool) -> None:
    """Say whether it could run: files, data folder, brokers."""
    from ancu.gateway.check import check_gateway  # noqa: PLC0415 - `--help` need not load the relay

    if not asyncio.run(report(check_gateway(config), as_json=as_json)):
        sys.exit(1)

"""`ancu broker`: the message broker of the device links."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from ancu.models.config import load
from ancu.models.findings import report
from ancu.models.logs import set_up
from ancu.models.process import run_until_stopped
from ancu.server.adapters.broker import Broker
from ancu.server.adapters.nats_config import NatsSettings
from ancu.server.cli.help import example

__all__ = ["broker"]

_CONFIG = click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), default=Path("broker.toml"), show_default=True,
    help="The broker's configuration file.",
)  # fmt: skip


@click.group()
@example("ancu broker check --config broker.toml && ancu broker run --config broker.toml")
def broker() -> None:
    """The message broker of the device links: nats-server, with a certificate for every device."""


@broker.command()
@_CONFIG
@click.option("--json", "as_json", is_flag=True, help="Say the address as one line of JSON.")
def run(config: Path, as_json: bool) -> None:
    """Run until SIGTERM or SIGINT. New and revoked devices take effect within seconds, without a restart."""
    settings = load(config, NatsSettings)
    set_up()
    where = {"host": settings.host, "port": settings.port}
    click.echo(json.dumps(where) if as_json else f"broker on {settings.host} port {settings.port}")
    run_until_stopped(_run(settings))


@broker.command()
@_CONFIG
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def check(config: Path, as_json: bool) -> None:
    """Check the configuration, the certificates, the devices file and the port, and start nothing."""
    from ancu.server.adapters.broker_check import check_broker  # noqa: PLC0415 - `run` need not load cryptography

    if not asyncio.run(report(check_broker(config), as_json=as_json)):
        raise click.exceptions.Exit(1)


async def _run(settings: NatsSettings) -> None:
    async with Broker(settings) as running:
        await running.supervise()

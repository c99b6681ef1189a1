"""`ancu server`: the judge's process."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click
import msgspec

from ancu.models import logs
from ancu.models.config import load
from ancu.models.process import run_until_stopped
from ancu.server.cli.help import example
from ancu.server.config import ServerSettings

__all__ = ["server"]

_CONFIG = click.option(
    "--config", "path", type=click.Path(path_type=Path, dir_okay=False), default=Path("server.toml"), show_default=True,
    help="The server's configuration file.",
)  # fmt: skip
_DATA = click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Another data folder.")


@click.group()
@example("ancu server check --config server.toml && ancu server run --config server.toml")
def server() -> None:
    """The server: takes what edges state, judges it, and shows officers what needs them."""


@server.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--host", "hosts", multiple=True, help="Name or address by which devices reach the broker; repeatable.")
@click.option("--listen", default="127.0.0.1", show_default=True, help="Address that the broker binds.")
@click.option("--broker-port", type=click.IntRange(1, 65535), default=8883, show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Of the pages.")
@click.option("--policy", default="default", show_default=True, help="'default', or the path of a policy file.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@example("ancu server init /srv/ancu --host broker.example.vn --listen 0.0.0.0")
def init(
    *, folder: Path, hosts: tuple[str, ...], listen: str, broker_port: int, port: int, policy: str, as_json: bool
) -> None:
    """Make FOLDER/server and FOLDER/broker: keys, the authority of the device links, an empty register."""
    from ancu.server.people.provision import Link  # noqa: PLC0415 - only this verb needs them
    from ancu.server.people.setup import init_server  # noqa: PLC0415

    names = [*hosts, *(name for name in ("127.0.0.1", "localhost") if name not in hosts)]
    made = init_server(
        folder, hosts=names, broker=Link("127.0.0.1", broker_port), port=port, listen=listen, policy=policy
    )
    broker = folder / "broker" / "broker.toml"
    if as_json:
        click.echo(json.dumps({"server": str(made), "broker": str(broker)}))
        return
    click.echo(f"made {made} and {broker}; next:")
    click.echo(f"  ancu broker run --config {broker}")
    click.echo(f"  ancu server run --config {made}")


@server.command()
@_CONFIG
@click.option("--port", type=click.IntRange(0, 65535), help="Listen here instead; 0 picks a free port.")
@_DATA
@click.option("--json", "as_json", is_flag=True, help="Say the address as one line of JSON.")
def run(path: Path, port: int | None, data: Path | None, as_json: bool) -> None:
    """Run until SIGTERM or SIGINT."""
    from ancu.server.app import Server  # noqa: PLC0415 - `--help` and `check` need none of it

    settings = _changed(load(path, ServerSettings), port, data)
    logs.set_up(settings.log_level)

    def listening(real: int) -> None:
        url = f"http://{settings.host}:{real}"
        click.echo(json.dumps({"url": url}) if as_json else f"listening on {url}")

    run_until_stopped(Server(settings).run(listening))


@server.command()
@_CONFIG
@click.option("--port", type=click.IntRange(0, 65535), help="Check this port instead.")
@_DATA
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def check(path: Path, port: int | None, data: Path | None, as_json: bool) -> None:
    """Check the configuration and every connection, and say what is wrong; changes nothing."""
    from ancu.models.findings import report  # noqa: PLC0415 - `run` need not load them
    from ancu.server.checks import check_server  # noqa: PLC0415

    findings = check_server(path, lambda settings: _changed(settings, port, data))
    if not asyncio.run(report(findings, as_json=as_json)):
        raise click.exceptions.Exit(1)


def _changed(settings: ServerSettings, port: int | None, data: Path | None) -> ServerSettings:
    return msgspec.structs.replace(settings, data=data or settings.data, port=settings.port if port is None else port)

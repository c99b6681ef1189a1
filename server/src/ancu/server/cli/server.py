"""`ancu server`: the judge's process."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
import msgspec

from ancu.models import logs
from ancu.models.config import load
from ancu.models.process import run_until_stopped
from ancu.server.config import ServerSettings

__all__ = ["server"]

_config = click.option(
    "--config", "path", type=click.Path(path_type=Path), required=True, help="The server's TOML file."
)


@click.group()
def server() -> None:
    """The server: takes what edges state, judges it, and shows officers what needs them."""


@server.command()
@_config
@click.option("--port", type=click.IntRange(0, 65535), help="Listen here instead; 0 picks a free port.")
@click.option("--data", type=click.Path(path_type=Path), help="Another data folder.")
@click.option("--json", "as_json", is_flag=True, help="Say the address as one line of JSON.")
def run(path: Path, port: int | None, data: Path | None, *, as_json: bool) -> None:
    """Run until SIGTERM or SIGINT."""
    from ancu.server.app import Server  # noqa: PLC0415 - `--help` needs none of it

    settings = _settings(path, port, data)
    logs.set_up(settings.log_level)

    def listening(real: int) -> None:
        url = f"http://{settings.host}:{real}"
        print(json.dumps({"url": url}) if as_json else f"listening on {url}", flush=True)

    run_until_stopped(Server(settings).run(listening))


@server.command()
@_config
@click.option("--port", type=click.IntRange(0, 65535), help="Check this port instead.")
@click.option("--data", type=click.Path(path_type=Path), help="Another data folder.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def check(path: Path, port: int | None, data: Path | None, *, as_json: bool) -> None:
    """Check the configuration and every connection, and say what is wrong."""
    from ancu.server.checks import check_server  # noqa: PLC0415 - `--help` needs none of it

    checks = check_server(_settings(path, port, data))
    ok = all(one.ok for one in checks)
    if as_json:
        print(json.dumps({"ok": ok, "checks": [asdict(one) for one in checks]}, ensure_ascii=False))
    else:
        for one in checks:
            print(f"{'ok   ' if one.ok else 'WRONG'} {one.name}: {one.says}")
    if not ok:
        sys.exit(1)


def _settings(path: Path, port: int | None, data: Path | None) -> ServerSettings:
    settings = load(path, ServerSettings)
    return msgspec.structs.replace(settings, data=data or settings.data, port=settings.port if port is None else port)

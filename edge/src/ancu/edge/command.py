"""`ancu edge`: run the box, or check whether it could run."""

from __future__ import annotations

from pathlib import Path

import click

from ancu.models import logs
from ancu.models.process import run_until_stopped

__all__ = ["edge"]

_config = click.option(
    "--config", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The edge's TOML file."
)


@click.group()
def edge() -> None:
    """The box at home: hears wristbands and cameras, keeps facts, sends them."""


@edge.command()
@_config
def run(config: Path) -> None:
    """Run until stopped."""
    from ancu.edge.agent import build  # noqa: PLC0415 - `--help` need not load the radio
    from ancu.edge.config import read_edge  # noqa: PLC0415

    logs.set_up()

    async def main() -> None:
        await build(read_edge(config)).run()

    run_until_stopped(main())

"""`ancu sim`: virtual wristbands."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from ancu.firmware_sim import app
from ancu.firmware_sim.settings import SimSettings
from ancu.models import logs
from ancu.models.config import load
from ancu.models.errors import UsageError

__all__ = ["sim"]


@click.group()
def sim() -> None:
    """Virtual wristbands, in real radio frames with real keys."""


@sim.command()
@click.option("--config", type=click.Path(path_type=Path), help="sim.toml: homes, bands, adapters, script")
@click.option("--bands", default=1, show_default=True, type=click.IntRange(1, 5000), help="how many, without --config")
@click.option(
    "--interval", default=2.0, show_default=True, type=click.FloatRange(0.05, 10), help="seconds from advert to advert"
)
@click.option("--seed", default=1, show_default=True, help="same seed, same bodies, walks and fading")
@click.option("--for", "for_s", type=click.FloatRange(min=0), help="stop after so many seconds")
@click.option("--hci-port", default=6402, show_default=True, help="TCP port of the adapter, without --config; 0: free")
@click.option("--bands-out", type=click.Path(path_type=Path), help="write the bands' keys here (0600), for an edge")
@click.option("--json", "as_json", is_flag=True, help="a JSON summary at the end")
def bands(
    *,
    config: Path | None,
    bands: int,
    interval: float,
    seed: int,
    for_s: float | None,
    hci_port: int,
    bands_out: Path | None,
    as_json: bool,
) -> None:
    """Put virtual wristbands on the air: one HCI controller over TCP for each home, for bleak or any HCI host."""
    logs.set_up()
    if config is not None:
        settings = load(config, SimSettings)
    elif bands_out is None:
        raise UsageError("give --config, or --bands-out for the keys of the bands to be made")
    else:
        settings = app.throw_away(bands, interval, seed, hci_port, bands_out)
    summary = asyncio.run(app.run(settings, for_s))
    if as_json:
        print(json.dumps(summary))

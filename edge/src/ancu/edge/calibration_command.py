"""`ancu edge calibrate`: the walk through a home that tells near from far."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import click

from ancu.models import logs
from ancu.models.errors import UsageError

__all__ = ["calibrate"]

_A_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command()
@click.option("--config", required=True, type=_A_FILE, help="The edge's TOML file.")
@click.option("--band", type=int, help="Number of the band that is carried; without it, the home's only one.")
@click.option("--rooms", required=True, help="Names of the rooms, with commas between.")
@click.option(
    "--stand", "stand_s", default=90.0, show_default=True, type=click.FloatRange(10, 600), help="Seconds in each."
)
@click.option("--beside", type=_A_FILE, help="calibration.toml of the home's other box, from the same walk.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object at the end; what guides goes to stderr.")
def calibrate(
    *, config: Path, band: int | None, rooms: str, stand_s: float, beside: Path | None, as_json: bool
) -> None:
    """Walk through the home with a band on: sets how loud is near, and says which room is not covered.

    Exits 0 only if every room is. The result lies in the edge's data folder and is used from its next start on.
    """
    from ancu.edge.adapters.bleak_radio import open_radio  # noqa: PLC0415 - `--help` need not load the radio
    from ancu.edge.calibration_file import Walked, write_walk  # noqa: PLC0415
    from ancu.edge.calibration_walk import Guide, walk  # noqa: PLC0415
    from ancu.edge.config import read_bands, read_edge  # noqa: PLC0415
    from ancu.models.clock import SystemClock  # noqa: PLC0415
    from ancu.models.config import load  # noqa: PLC0415
    from ancu.models.ids import BandNumber  # noqa: PLC0415

    logs.set_up()
    settings = read_edge(config)
    if settings.radio is None or settings.bands_file is None:
        raise UsageError("this edge has no [radio]")
    names = [name.strip() for name in rooms.split(",") if name.strip()]
    if not names or len(set(names)) < len(names):
        raise UsageError("--rooms: at least one name, and none twice")
    bands = read_bands(settings.bands_file)
    number = BandNumber(band) if band is not None else next(iter(bands), None)
    if number is None or number not in bands or (band is None and len(bands) > 1):
        raise UsageError(f"--band: one of {', '.join(str(known) for known in bands) or 'none: bands_file is empty'}")

    def ask(text: str) -> str:
        click.echo(text, err=True)
        return sys.stdin.readline()

    walked = asyncio.run(
        walk(
            open_radio(settings.radio.backend, settings.radio.adapter, settings.radio.proxy_key_file),
            SystemClock(),
            (number, bands[number]),
            names,
            Guide(ask, lambda text: click.echo(text, err=True)),
            stand_s=stand_s,
            beside=None if beside is None else load(beside, Walked),
        )
    )
    path = write_walk(settings.data, walked)
    if as_json:
        click.echo(
            json.dumps(
                {"file": str(path), "proven": walked.proven, "near_dbm": walked.near_dbm, "far_dbm": walked.far_dbm}
            )
        )
    else:
        click.echo(f"written: {path}")
    if not walked.proven:
        raise click.exceptions.Exit(1)

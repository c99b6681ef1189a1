"""`ancu sim`: virtual wristbands."""

from __future__ import annotations

import asyncio
import json
from importlib.metadata import entry_points
from pathlib import Path

import click

from ancu.firmware_sim import app
from ancu.firmware_sim.settings import SimSettings
from ancu.models import logs
from ancu.models.config import load
from ancu.models.errors import AncuError, UsageError

__all__ = ["sim"]

_A_FILE = click.Path(path_type=Path)


class _Unconfirmed(AncuError):
    code = "unconfirmed"


class _Verbs(click.Group):
    """Also finds the verbs `ancu.sim_verbs` of what is installed: those that need other parts beside this one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *(point.name for point in entry_points(group="ancu.sim_verbs"))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        for point in entry_points(group="ancu.sim_verbs", name=cmd_name):
            try:
                command = point.load()
            except ModuleNotFoundError as missing:
                raise UsageError(
                    f"`ancu sim {cmd_name}` needs {missing.name}: pip install 'ancu-firmware-sim[{cmd_name}]'"
                ) from None
            assert isinstance(command, click.Command)  # noqa: S101 - a wrong entry point is our own mistake
            return command
        return None


@click.group(cls=_Verbs)
def sim() -> None:
    """Virtual wristbands, in real radio frames with real keys."""


@sim.command()
@click.option("--config", type=_A_FILE, help="sim.toml: homes, bands, adapters, script")
@click.option(
    "--bands", default=1, show_default=True, type=click.IntRange(1, 100_000), help="how many, without --config"
)
@click.option("--interval", default=2.0, show_default=True, type=click.FloatRange(0.05, 600), help="seconds a reading")
@click.option("--seed", default=1, show_default=True, help="same seed, same bodies, walks and fading")
@click.option("--for", "for_s", type=click.FloatRange(min=0), help="stop after so many seconds")
@click.option("--hci-port", default=6402, show_default=True, help="TCP port of the adapter, without --config; 0: free")
@click.option("--bands-out", type=_A_FILE, help="write the keys of the bands here (0600), for an edge")
@click.option("--to", help="mqtt[s]://host:port: no radio, sealed facts of virtual edges straight to a broker")
@click.option("--keys", type=_A_FILE, help="with --to: the secret file of edges and bands (0600)")
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
    to: str | None,
    keys: Path | None,
    as_json: bool,
) -> None:
    """Put virtual wristbands on the air, or their readings on a broker.

    On the air: one HCI controller over TCP for each home, for bleak or any HCI host. With --to: load, in frames and
    batches as real as from bands and edges, counted by the server's confirms.
    """
    logs.set_up()
    if to is not None:
        _load(to, keys, bands=bands, interval=interval, for_s=for_s, seed=seed, as_json=as_json)
        return
    if keys is not None:
        raise UsageError("--keys goes with --to")
    if config is not None:
        settings = load(config, SimSettings)
    elif bands_out is None:
        raise UsageError("give --config, or --bands-out for the keys of the bands to be made")
    else:
        settings = app.throw_away(bands, interval, seed, hci_port, bands_out)
    summary = asyncio.run(app.run(settings, for_s))
    if as_json:
        print(json.dumps(summary))


def _load(
    to: str, keys: Path | None, *, bands: int, interval: float, for_s: float | None, seed: int, as_json: bool
) -> None:
    from ancu.firmware_sim import load_keys, load_mqtt  # noqa: PLC0415 - the radio's process needs no MQTT

    if keys is None:
        raise UsageError("--to needs --keys: the server believes only edges and bands that it knows")
    if interval < 1:
        raise UsageError("--interval: a band's counter is in seconds, so it can state at most one reading a second")
    target = load_mqtt.Target.parse(to)
    summary = asyncio.run(
        load_mqtt.put_load(
            target,
            load_keys.read_keys(keys),
            bands=bands,
            interval_s=interval,
            for_s=10.0 if for_s is None else for_s,
            seed=seed,
        )
    )
    print(json.dumps(summary) if as_json else "\n".join(f"{key:>16}  {value}" for key, value in summary.items()))
    if not summary["sent"]:
        raise _Unconfirmed("nothing was sent: the broker could not be reached")
    if summary["confirmed"] != summary["sent"]:
        raise _Unconfirmed(f"{summary['confirmed']} of {summary['sent']} readings were confirmed")

"""`ancu device`: bands, edges, gateways and cameras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ancu.models.config import write_secret
from ancu.models.errors import UsageError
from ancu.models.ids import EdgeId, GatewayId, OrderId, WardCode, band_number
from ancu.server.cli.common import as_table, common, emit, open_provisioner, open_register, read_settings
from ancu.server.cli.help import example
from ancu.server.people.listing import KINDS, list_devices
from ancu.server.people.provision import BLUEZ

__all__ = ["device"]

_KIT = click.option(
    "--out", "kit", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the kit; new."
)
_HOST = click.option("--broker-host", help="Where the device finds the broker; default: as the server does.")
_PORT = click.option("--broker-port", type=click.IntRange(1, 65535), help="Its port; default: as the server's.")


@click.group()
@example(
    "ancu device provision gateway gw-1 --ward w-hoa-sen --out gw-1-kit --config server.toml",
    "ancu device provision edge home-001 --ward w-hoa-sen --gateway gw-1 --out home-001-kit --config server.toml",
    "ancu edge run --config home-001-kit/edge.toml",
)
def device() -> None:
    """Bands, edges, gateways and cameras: provision, assign, rotate, revoke, list."""


@device.group()
def provision() -> None:
    """Register a new device, and write what it needs to start.

    A kit is a folder with the device's configuration, key and certificate. It holds secrets: carry it to the device,
    and delete it here.
    """


@provision.command("edge")
@click.argument("edge")
@click.option("--ward", required=True, help="The ward's code.")
@click.option("--gateway", help="The gateway that will relay for it.")
@click.option("--site", help="Label of a quarantine site; without it, the edge is in a home.")
@click.option("--radio", default=BLUEZ["backend"], show_default=True, help="Bluetooth backend; 'none' for camera only.")
@click.option("--adapter", default=BLUEZ["adapter"], show_default=True, help="Adapter of the backend.")
@_KIT
@_HOST
@_PORT
@common
@example("ancu device provision edge home-001 --ward w-hoa-sen --gateway gw-1 --out home-001-kit")
def provision_edge(
    edge: str, *, ward: str, gateway: str | None, site: str | None, radio: str, adapter: str, kit: Path,
    broker_host: str | None, broker_port: int | None, config: Path, as_json: bool,
) -> None:  # fmt: skip
    """Provision an edge: the box at home, or one of a site's."""
    with open_provisioner(config, host=broker_host, port=broker_port) as (_, provisioner):
        path = provisioner.edge(
            EdgeId(edge), WardCode(ward), kit,
            gateway=GatewayId(gateway) if gateway else None, site=site, tables=_radio(radio, adapter),
        )  # fmt: skip
    _kit_made(as_json, "edge", edge, path)


@provision.command("gateway")
@click.argument("gateway")
@click.option("--ward", "wards", multiple=True, required=True, help="A ward that it serves; may be repeated.")
@_KIT
@_HOST
@_PORT
@common
@example("ancu device provision gateway gw-1 --ward w-hoa-sen --ward w-truc-xanh --out gw-1-kit")
def provision_gateway(
    gateway: str, *, wards: tuple[str, ...], kit: Path, broker_host: str | None, broker_port: int | None,
    config: Path, as_json: bool,
) -> None:  # fmt: skip
    """Provision a gateway."""
    with open_provisioner(config, host=broker_host, port=broker_port) as (_, provisioner):
        path = provisioner.gateway(GatewayId(gateway), [WardCode(ward) for ward in wards], kit)
    _kit_made(as_json, "gateway", gateway, path)


@provision.command("band")
@click.argument("band")
@click.option("--order", help="The order that it serves from now on.")
@click.option("--key-out", type=click.Path(path_type=Path), help="File for the band's key in hex.")
@click.option("--sim-out", type=click.Path(path_type=Path), help="Bands file of `ancu sim bands` to add it to.")
@common
@example("ancu device provision band wb-00000042 --order o-7h3kq9x2mb --sim-out sim/bands.toml")
def provision_band(
    band: str, *, order: str | None, key_out: Path | None, sim_out: Path | None, config: Path, as_json: bool
) -> None:
    """Provision a wristband by its printed name."""
    number = band_number(band)
    if sim_out and not order:
        raise UsageError("--sim-out needs --order: a simulated band's keys follow from its order")
    with open_provisioner(config) as (register, provisioner):
        key = register.devices.add_band(number)
        if key_out:
            write_secret(key_out, key.hex().encode() + b"\n")
        if order:
            register.devices.assign(number, OrderId(order))
        if order and sim_out:
            home = register.snapshot().orders[OrderId(order)].edge or ""
            provisioner.write_simulated(number, OrderId(order), home, sim_out)
    emit(as_json, {"kind": "band", "id": band, "order": order}, f"band {band} provisioned")


@provision.command("camera")
@click.argument("edge")
@click.argument("camera")
@click.option("--label", required=True, help="What an officer reads, like 'Cổng A'.")
@click.option("--door", help="Name of the door that it watches.")
@common
@example("ancu device provision camera site-001 cam-a --label 'Cổng A' --door gate")
def provision_camera(edge: str, camera: str, *, label: str, door: str | None, config: Path, as_json: bool) -> None:
    """Register a camera of an edge; its picture's settings are in the [camera] table of edge.toml."""
    with open_register(config) as register:
        register.devices.add_camera(EdgeId(edge), camera, label, door)
    emit(as_json, {"kind": "camera", "id": f"{edge}/{camera}"}, f"camera {edge}/{camera} provisioned")


@device.command()
@click.argument("band")
@click.argument("order")
@common
@example("ancu device assign wb-00000042 o-7h3kq9x2mb && ancu device bands home-001 --out bands.toml")
def assign(band: str, order: str, config: Path, as_json: bool) -> None:
    """Let a band serve an order; its keys change, so its edge needs a new bands file."""
    with open_register(config) as register:
        register.devices.assign(band_number(band), OrderId(order))
    emit(as_json, {"kind": "band", "id": band, "order": order}, f"band {band} serves order {order}")


@device.command()
@click.argument("edge")
@click.option("--out", "path", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file.")
@common
def bands(edge: str, path: Path, config: Path, as_json: bool) -> None:
    """Write an edge's bands file: the identity keys by which it knows its bands. The edge reads it at its start."""
    with open_provisioner(config) as (_, provisioner):
        count = provisioner.write_bands(EdgeId(edge), path)
    emit(as_json, {"edge": edge, "bands": count, "file": path}, f"{path}: {count} bands of {edge}")


@device.group()
def rotate() -> None:
    """Give a device a new key or certificate; the old ones are refused from now on."""


@rotate.command("edge")
@click.argument("edge")
@click.option("--radio", default=BLUEZ["backend"], show_default=True, help="Bluetooth backend; 'none' for camera only.")
@click.option("--adapter", default=BLUEZ["adapter"], show_default=True, help="Adapter of the backend.")
@_KIT
@_HOST
@_PORT
@common
def rotate_edge(
    edge: str, *, radio: str, adapter: str, kit: Path, broker_host: str | None, broker_port: int | None,
    config: Path, as_json: bool,
) -> None:  # fmt: skip
    """Write a new kit for an edge. What the old key sealed and nobody confirmed yet is lost: drain it first."""
    with open_provisioner(config, host=broker_host, port=broker_port) as (_, provisioner):
        path = provisioner.rotate_edge(EdgeId(edge), kit, tables=_radio(radio, adapter))
    _kit_made(as_json, "edge", edge, path)


@rotate.command("gateway")
@click.argument("gateway")
@_KIT
@_HOST
@_PORT
@common
def rotate_gateway(
    gateway: str, *, kit: Path, broker_host: str | None, broker_port: int | None, config: Path, as_json: bool
) -> None:
    """Write a new kit for a gateway."""
    with open_provisioner(config, host=broker_host, port=broker_port) as (_, provisioner):
        path = provisioner.rotate_gateway(GatewayId(gateway), kit)
    _kit_made(as_json, "gateway", gateway, path)


@rotate.command("server")
@common
def rotate_server(config: Path, as_json: bool) -> None:
    """Renew the server's certificate and the broker's listener's. Start the server again at once afterwards."""
    settings = read_settings(config)
    with open_provisioner(config) as (_, provisioner):
        provisioner.rotate_server(settings.broker.cert_file, settings.broker.key_file)
    emit(as_json, {"kind": "server", "id": "server"}, "certificates renewed; start the server again now")


@rotate.command("band")
@click.argument("band")
@click.option("--key-out", type=click.Path(path_type=Path), required=True, help="File for the new key in hex.")
@common
def rotate_band(band: str, key_out: Path, config: Path, as_json: bool) -> None:
    """Give a band a new key, to be written at the depot; its edge needs a new bands file."""
    with open_register(config) as register:
        write_secret(key_out, register.devices.rotate_band(band_number(band)).hex().encode() + b"\n")
    emit(as_json, {"kind": "band", "id": band}, f"band {band}: new key in {key_out}")


@device.command()
@click.argument("kind", type=click.Choice(["band", "edge", "gateway", "camera"]))
@click.argument("id_", metavar="ID")
@common
@example("ancu device revoke edge home-001")
def revoke(kind: str, id_: str, config: Path, as_json: bool) -> None:
    """Shut a device out, for good. A camera's ID is EDGE/CAMERA."""
    with open_provisioner(config) as (register, provisioner):
        match kind:
            case "edge" | "gateway":
                provisioner.revoke(kind, id_)
            case "band":
                register.devices.revoke_band(band_number(id_))
            case _:
                edge, _, camera = id_.partition("/")
                register.devices.revoke_camera(EdgeId(edge), camera)
    emit(as_json, {"kind": kind, "id": id_, "state": "revoked"}, f"{kind} {id_} revoked")


@device.command("list")
@click.option("--kind", type=click.Choice(KINDS), help="Only this kind.")
@common
def list_(kind: str | None, config: Path, as_json: bool) -> None:
    """List devices."""
    with open_register(config) as register:
        rows = [row for row in list_devices(register.snapshot()) if kind in (None, row["kind"])]
    emit(as_json, rows, as_table(rows, "no devices"))


def _radio(backend: str, adapter: str) -> dict[str, Any]:
    return {} if backend == "none" else {"radio": {"backend": backend, "adapter": adapter}}


def _kit_made(as_json: bool, kind: str, id_: str, path: Path) -> None:
    emit(
        as_json,
        {"kind": kind, "id": id_, "config": path},
        f"{kind} {id_}: run it with `ancu {kind} run --config {path}`; the folder holds its secrets",
    )

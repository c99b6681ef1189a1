"""Provisioning: a device in the register, its certificate, and a folder with all that it needs to start.

A kit holds secrets: files of mode 0600 in a folder of mode 0700, to be carried to the device and deleted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from ancu.models.config import read_secret, write_secret
from ancu.models.errors import UsageError
from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode
from ancu.server.adapters.pki import Authority, Issued, hosts_of
from ancu.server.people.devices import SERVER_ID, DeviceKind, Devices
from ancu.server.people.errors import Absent
from ancu.server.people.register import Register
from ancu.server.people.toml import to_toml

__all__ = [
    "AUTHORITY_FOLDER",
    "BLUEZ",
    "DEVICES_FILE",
    "LISTENER_CERTIFICATE",
    "LISTENER_KEY",
    "Link",
    "Provisioner",
    "publish_devices",
]

AUTHORITY_FOLDER: Final = "ca"  # all in the server's data folder
DEVICES_FILE: Final = "devices.toml"
LISTENER_CERTIFICATE: Final = "broker.crt"
LISTENER_KEY: Final = "broker.key"
BLUEZ: Final[Mapping[str, Any]] = {"backend": "bluez", "adapter": "hci0"}
_BANDS_FILE, _EDGE_KEY_FILE = "bands.toml", "edge.key"


@dataclass(frozen=True, slots=True)
class Link:
    """Where devices find the broker."""

    host: str
    port: int


class Provisioner:
    """Makes kits, and keeps the broker's devices file in step with the register."""

    def __init__(self, register: Register, data: Path, link: Link) -> None:
        self._register, self._link = register, link
        self._devices = register.devices
        self._authority = Authority.open(data / AUTHORITY_FOLDER)
        self._data, self._devices_file = data, data / DEVICES_FILE

    def edge(
        self,
        edge: EdgeId,
        ward: WardCode,
        kit: Path,
        *,
        gateway: GatewayId | None = None,
        site: str | None = None,
        tables: Mapping[str, Any] | None = None,
    ) -> Path:
        """A new edge; returns its edge.toml, with `tables` in it: radio (default BlueZ), camera and others."""
        _must_be_new(kit, "edge.toml")
        key = self._devices.add_edge(edge, ward, gateway=gateway, site=site)
        return self._edge_kit(edge, ward, key, kit, tables)

    def rotate_edge(self, edge: EdgeId, kit: Path, *, tables: Mapping[str, Any] | None = None) -> Path:
        """A new key and certificate for an edge, in a new kit; the old ones are refused from now on."""
        _must_be_new(kit, "edge.toml")
        key = self._devices.rotate_edge(edge)
        ward = self._register.snapshot().edges[edge].ward
        return self._edge_kit(edge, ward, key, kit, tables)

    def gateway(
        self, gateway: GatewayId, wards: list[WardCode], kit: Path, *, tables: Mapping[str, Any] | None = None
    ) -> Path:
        """A new gateway; returns its gateway.toml, with `tables` in it."""
        _must_be_new(kit, "gateway.toml")
        self._devices.add_gateway(gateway, wards)
        return self._gateway_kit(gateway, wards, kit, tables)

    def rotate_gateway(self, gateway: GatewayId, kit: Path, *, tables: Mapping[str, Any] | None = None) -> Path:
        """A new certificate for a gateway, in a new kit."""
        _must_be_new(kit, "gateway.toml")
        record = self._register.snapshot().gateways.get(gateway)
        if record is None or record.revoked:
            raise Absent("gateway in use", gateway)
        return self._gateway_kit(gateway, sorted(record.wards), kit, tables)

    def server(self, folder: Path) -> dict[str, Any]:
        """The server's own client certificate; returns the [broker] table of its server.toml, beside `folder`."""
        _private(folder)
        table = self._certificate(SERVER_ID, "server", folder)
        return {key: f"{folder.name}/{value}" if key.endswith("_file") else value for key, value in table.items()}

    def rotate_server(self, certificate: Path, key: Path) -> None:
        """New certificates for the server as a client, and for the broker's listener, with the same host names.

        The broker takes them up by itself; the server does when it is started again, and is refused until then.
        """
        listener = self._data / LISTENER_CERTIFICATE
        self._authority.issue_server(hosts_of(listener), listener, self._data / LISTENER_KEY)
        self._devices.certify("server", self._authority.issue_device(SERVER_ID, certificate, key))
        self.publish()

    def revoke(self, kind: Literal["edge", "gateway"], device: str) -> None:
        """Shut a device out: the broker drops it within seconds, the server at once."""
        self._devices.revoke_device(kind, device)
        self.publish()

    def write_bands(self, edge: EdgeId, path: Path) -> int:
        """Write the identity keys of an edge's bands, for its bands_file; returns how many."""
        keys = self._devices.identity_keys(edge)
        rows = [{"number": number, "identity_key": key.hex()} for number, key in keys.items()]
        write_secret(path, to_toml({"bands": rows}).encode())
        return len(rows)

    def write_simulated(self, band: BandNumber, order: OrderId, home: str, path: Path) -> None:
        """Add a band, with its key, to the bands file of the simulated firmware."""
        before = read_secret(path).decode() if path.exists() else ""
        row = {"number": band, "key": self._devices.band_key(band).hex(), "order": order, "home": home}
        write_secret(path, (before + to_toml({"bands": [row]})).encode())

    def publish(self) -> None:
        """Write the broker's devices file anew."""
        publish_devices(self._devices, self._devices_file)

    def _edge_kit(self, edge: EdgeId, ward: WardCode, key: bytes, kit: Path, tables: Mapping[str, Any] | None) -> Path:
        _private(kit)
        write_secret(kit / _EDGE_KEY_FILE, key.hex().encode() + b"\n")
        self.write_bands(edge, kit / _BANDS_FILE)
        settings = {
            "edge": edge,
            "ward": ward,
            "data": "data",
            "key_file": _EDGE_KEY_FILE,
            "bands_file": _BANDS_FILE,
            "broker": self._certificate(edge, "edge", kit),
            **(tables if tables is not None else {"radio": BLUEZ}),
        }
        return _write(kit / "edge.toml", settings)

    def _gateway_kit(
        self, gateway: GatewayId, wards: list[WardCode], kit: Path, tables: Mapping[str, Any] | None
    ) -> Path:
        _private(kit)
        settings = {
            "gateway": gateway,
            "wards": wards,
            "data": "data",
            "broker": self._certificate(gateway, "gateway", kit),
            **(tables or {}),
        }
        return _write(kit / "gateway.toml", settings)

    def _certificate(self, name: str, kind: DeviceKind, folder: Path) -> dict[str, Any]:
        issued: Issued = self._authority.issue_device(name, folder / "client.crt", folder / "client.key")
        (folder / "ca.crt").write_bytes(self._authority.certificate_file.read_bytes())
        self._devices.certify(kind, issued)
        self.publish()
        return {
            "host": self._link.host,
            "port": self._link.port,
            "ca_file": "ca.crt",
            "cert_file": "client.crt",
            "key_file": "client.key",
        }


def publish_devices(devices: Devices, file: Path) -> None:
    """Write the file by which the broker knows whom to let in."""
    rows = [asdict(admitted) for admitted in devices.admitted()]
    write_secret(file, to_toml({"devices": rows}).encode())


def _must_be_new(kit: Path, name: str) -> None:
    if (kit / name).exists():
        raise UsageError(f"{kit / name} exists already; give a new folder")


def _private(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def _write(path: Path, settings: Mapping[str, Any]) -> Path:
    path.write_text(to_toml(settings), "utf-8")
    return path

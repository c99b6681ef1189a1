"""A broker's folder with an authority, a gateway, two homes and the server."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import pytest

from ancu.server.adapters.nats_config import NatsSettings
from ancu.server.adapters.pki import Authority, Issued

WARD = "w-ben-nghe"
KINDS = {"home-a": "edge", "home-b": "edge", "gw-1": "gateway", "server": "server"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class House:
    folder: Path
    port: int
    authority: Authority
    issued: dict[str, Issued] = field(default_factory=dict)

    @property
    def settings(self) -> NatsSettings:
        return NatsSettings(
            data=self.folder / "data",
            ca_file=self.authority.certificate_file,
            cert_file=self.folder / "broker.crt",
            key_file=self.folder / "broker.key",
            devices_file=self.folder / "devices.toml",
            port=self.port,
        )

    def issue(self, name: str, authority: Authority | None = None) -> Issued:
        """A new certificate; from another authority it lies beside, and is not told to the broker."""
        suffix = "-foreign" if authority else ""
        issued = (authority or self.authority).issue_device(
            name, self.folder / f"{name}{suffix}.crt", self.folder / f"{name}{suffix}.key"
        )
        if authority is None:
            self.issued[name] = issued
        return issued

    def let_in(self, names: Iterable[str]) -> None:
        (self.folder / "devices.toml").write_text(
            "".join(
                f'[[devices]]\nid = "{name}"\nkind = "{KINDS[name]}"\nidentity = "{self.issued[name].identity}"\n'
                f"wards = {[WARD] if name != 'server' else []}\n"
                for name in names
            )
        )

    def write_toml(self) -> Path:
        path = self.folder / "broker.toml"
        path.write_text(
            f'data = "data"\nport = {self.port}\nca_file = "ca/ca.crt"\ncert_file = "broker.crt"\n'
            'key_file = "broker.key"\ndevices_file = "devices.toml"\n'
        )
        return path

    def client(self, name: str, issued: Issued | None = None, *, clean: bool = True) -> aiomqtt.Client:
        issued = issued or self.issued[name]
        context = ssl.create_default_context(cafile=self.authority.certificate_file)
        context.load_cert_chain(issued.certificate_file, issued.key_file)
        return aiomqtt.Client(
            "127.0.0.1", self.port, identifier=f"{name}-k3v97h", tls_context=context, clean_session=clean, timeout=2
        )

    def anonymous(self) -> aiomqtt.Client:
        context = ssl.create_default_context(cafile=self.authority.certificate_file)
        return aiomqtt.Client("127.0.0.1", self.port, identifier="home-a-anon", tls_context=context, timeout=2)


@pytest.fixture
def house(tmp_path: Path) -> House:
    authority = Authority.create(tmp_path / "ca", "test")
    authority.issue_server(["127.0.0.1", "localhost"], tmp_path / "broker.crt", tmp_path / "broker.key")
    house = House(tmp_path, free_port(), authority)
    for name in KINDS:
        house.issue(name)
    house.let_in(KINDS)
    return house

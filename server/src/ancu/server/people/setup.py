"""Setting up: a new server's data folder, and a whole installation on one machine for demonstrations and tests."""

from __future__ import annotations

import random
import shutil
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from ancu.models.clock import SystemClock
from ancu.models.config import read_secret, write_secret
from ancu.models.errors import ConfigError
from ancu.models.ids import BandNumber, EdgeId, GatewayId, WardCode
from ancu.server.adapters.pki import Authority
from ancu.server.people.passwords import make_password
from ancu.server.people.provision import (
    AUTHORITY_FOLDER,
    DEVICES_FILE,
    LISTENER_CERTIFICATE,
    LISTENER_KEY,
    Link,
    Provisioner,
)
from ancu.server.people.register import DATABASE_FILE, Register
from ancu.server.people.sample import PROVINCE, SITE, WARDS, sample_person
from ancu.server.people.toml import to_toml
from ancu.server.people.vault import MASTER_KEY_FILE, Vault
from ancu.server.ports import Role

__all__ = ["Citizen", "Installation", "Login", "Ports", "init_server", "make_installation"]

GATEWAY = GatewayId("gw-1")
CAMERA_EDGE = EdgeId("site-001")
_SUMMARY = "installation.json"
_HOST = "127.0.0.1"
# Below what systems give to outgoing connections: one of those could take a port before its owner listens.
_QUIET_PORTS = range(15_000, 32_000)


class Ports(msgspec.Struct, frozen=True):
    """Loopback ports of an installation on one machine."""

    broker: int
    server: int
    control: int  # of the simulated bands
    hci: tuple[int, ...]  # one a home

    @classmethod
    def free(cls, homes: int, *, server: int | None = None) -> Ports:
        """Ports that are free now; `server` if the console's is given."""
        with ExitStack() as held:
            found: list[int] = []
            for port in random.SystemRandom().sample(_QUIET_PORTS, len(_QUIET_PORTS)):
                probe = held.enter_context(socket.socket())
                with suppress(OSError):
                    probe.bind((_HOST, port))
                    found.append(port)
                if len(found) == homes + 3:
                    break
        return cls(found[0], server or found[1], found[2], tuple(found[3:]))


class Login(msgspec.Struct, frozen=True):
    login: str
    password: str
    role: Role
    ward: str | None  # None: all


class Citizen(msgspec.Struct, frozen=True):
    person: str
    access_code: str
    order: str
    band: int
    home: str
    ward: str


class Installation(msgspec.Struct, frozen=True):
    """Where everything of an installation lies, and who may log in. Files are relative to `root`."""

    root: Path
    ports: Ports
    gateway: str
    homes: tuple[str, ...]  # edge ids; also the names of the simulated homes
    camera: str | None  # the camera's edge id
    logins: tuple[Login, ...]
    citizens: tuple[Citizen, ...]

    @property
    def broker_toml(self) -> Path:
        return self.root / "broker" / "broker.toml"

    @property
    def server_toml(self) -> Path:
        return self.root / "server" / "server.toml"

    @property
    def gateway_toml(self) -> Path:
        return self.root / self.gateway / "gateway.toml"

    @property
    def sim_toml(self) -> Path:
        return self.root / "sim" / "sim.toml"

    @property
    def truth_file(self) -> Path:
        return self.root / "sim" / "truth.jsonl"

    @property
    def control_file(self) -> Path:
        return self.root / "sim" / "control"

    def edge_toml(self, edge: str) -> Path:
        """The configuration of a home's edge, or of the camera's."""
        return self.root / edge / "edge.toml"

    @classmethod
    def load(cls, root: Path) -> Installation:
        """Read the summary of an installation that was made before; raises ConfigError."""
        try:
            return msgspec.json.decode(read_secret(root / _SUMMARY), type=cls, dec_hook=lambda _, text: Path(text))
        except msgspec.DecodeError:
            raise ConfigError(f"{root / _SUMMARY}: not the summary of an installation") from None


@dataclass(frozen=True, slots=True)
class _Plan:
    root: Path
    ports: Ports
    camera: Mapping[str, Any] | None
    edge: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Home:
    edge: EdgeId
    ward: WardCode
    band: BandNumber


def init_server(
    root: Path, *, hosts: Sequence[str], broker: Link, port: int = 8080, listen: str = _HOST, policy: str = "default"
) -> Path:
    """Make `server/` and `broker/` in `root`, ready to run, with no ward and no device yet; returns server.toml.

    `hosts` are the names and addresses by which devices reach the broker, `broker` how the server does, `listen` the
    address that the broker binds. Raises ConfigError where a server exists: its keys are never made anew.
    """
    folder, data = root / "server", root / "server" / "data"
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    Vault.create(data / MASTER_KEY_FILE)
    authority = Authority.create(data / AUTHORITY_FOLDER, f"An Cư {root.absolute().name}")
    authority.issue_server(hosts, data / LISTENER_CERTIFICATE, data / LISTENER_KEY)
    register = Register.open(data, actor="setup")
    (data / DATABASE_FILE).chmod(0o600)  # names and addresses are in it; its journal files follow its mode
    try:
        link = Provisioner(register, data, broker).server(folder / "client")
    finally:
        register.connection.close()
    _write_broker(root, broker.port, listen)
    settings = {"data": "data", "host": _HOST, "port": port, "policy": policy, "broker": link}
    (folder / "server.toml").write_text(to_toml(settings), "utf-8")
    return folder / "server.toml"


def make_installation(
    root: Path,
    *,
    homes: int,
    ports: Ports | None = None,
    camera: Mapping[str, Any] | None = None,
    seed: int = 1,
    policy: str = "demo",
    sim: Mapping[str, Any] | None = None,
    edge: Mapping[str, Any] | None = None,
) -> Installation:
    """Make a whole installation in `root`; raises ConfigError where one exists, and removes a half-made one.

    Homes alternate between two wards, each with an officer; one gateway serves both. `camera` is the [camera] table of
    a quarantine site's edge. `sim` and `edge` add to sim.toml and to each home's edge.toml.
    """
    if (root / _SUMMARY).exists():
        raise ConfigError(f"{root}: an installation exists already")
    plan = _Plan(root.absolute(), ports or Ports.free(homes), camera, edge or {})
    if len(plan.ports.hci) != homes:
        raise ValueError("one HCI port a home")
    for part in ("server", "broker", "sim", GATEWAY, CAMERA_EDGE):
        shutil.rmtree(root / part, ignore_errors=True)
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o700)
    link = Link(_HOST, plan.ports.broker)
    init_server(root, hosts=[_HOST, "localhost"], broker=link, port=plan.ports.server, policy=policy)
    register = Register.open(root / "server" / "data", actor="setup")
    try:
        made = _fill(register, Provisioner(register, root / "server" / "data", link), plan)
    finally:
        register.connection.close()
    _write_sim(made, seed, sim or {})
    write_secret(root / _SUMMARY, msgspec.json.format(msgspec.json.encode(made, enc_hook=str)))
    return made


def _fill(register: Register, provisioner: Provisioner, plan: _Plan) -> Installation:
    root, wards = plan.root, list(WARDS)
    for ward, name in WARDS.items():
        register.wards.put(ward, name, PROVINCE)
    provisioner.gateway(GATEWAY, wards, root / GATEWAY)
    homes = [
        _Home(EdgeId(f"home-{i + 1:03d}"), wards[i % len(wards)], BandNumber(i + 1)) for i in range(len(plan.ports.hci))
    ]
    citizens = []
    for home, port in zip(homes, plan.ports.hci, strict=True):
        shutil.rmtree(root / home.edge, ignore_errors=True)
        radio = {**plan.edge.get("radio", {}), "backend": "virtual", "adapter": f"tcp-client:{_HOST}:{port}"}
        provisioner.edge(home.edge, home.ward, root / home.edge, gateway=GATEWAY, tables={**plan.edge, "radio": radio})
        citizens.append(_move_in(register, provisioner, root, home))
    if plan.camera is not None:
        provisioner.edge(
            CAMERA_EDGE, wards[0], root / CAMERA_EDGE, gateway=GATEWAY, site=SITE, tables={"camera": plan.camera}
        )
        doors = plan.camera.get("doors") or [{}]
        register.devices.add_camera(CAMERA_EDGE, str(plan.camera["id"]), SITE, doors[0].get("name"))
    return Installation(
        root=root,
        ports=plan.ports,
        gateway=GATEWAY,
        homes=tuple(home.edge for home in homes),
        camera=CAMERA_EDGE if plan.camera is not None else None,
        logins=_add_officers(register),
        citizens=tuple(citizens),
    )


def _move_in(register: Register, provisioner: Provisioner, root: Path, home: _Home) -> Citizen:
    person = register.orders.add_person(sample_person(home.band, home.ward))
    start = SystemClock().now()
    order = register.orders.add(person, start, start + timedelta(days=14), edge=home.edge)
    register.devices.add_band(home.band)
    register.devices.assign(home.band, order)
    provisioner.write_bands(home.edge, root / home.edge / "bands.toml")
    provisioner.write_simulated(home.band, order, home.edge, root / "sim" / "bands.toml")
    code = register.officers.add_access_code(person)
    return Citizen(person, code, order, home.band, home.edge, home.ward)


def _add_officers(register: Register) -> tuple[Login, ...]:
    first, second = WARDS
    logins = (
        Login("lan", make_password(), Role.OFFICER, first),
        Login("minh", make_password(), Role.OFFICER, second),
        Login("tinh", make_password(), Role.PROVINCE, None),
    )
    names = ("Cán bộ Lan", "Cán bộ Minh", "Trực ban tỉnh")
    for login, name in zip(logins, names, strict=True):
        wards = [WardCode(login.ward)] if login.ward else []
        register.officers.add(login.login, name, login.role, wards, password=login.password, phone="0000 000 000")
    return logins


def _write_broker(root: Path, port: int, listen: str) -> None:
    data = "../server/data"
    settings = {
        "data": "data",
        "host": listen,
        "port": port,
        "ca_file": f"{data}/{AUTHORITY_FOLDER}/ca.crt",
        "cert_file": f"{data}/{LISTENER_CERTIFICATE}",
        "key_file": f"{data}/{LISTENER_KEY}",
        "devices_file": f"{data}/{DEVICES_FILE}",
    }
    (root / "broker").mkdir(exist_ok=True)
    (root / "broker" / "broker.toml").write_text(to_toml(settings), "utf-8")


def _write_sim(made: Installation, seed: int, more: Mapping[str, Any]) -> None:
    settings = {
        "seed": seed,
        "bands_file": "bands.toml",
        "truth_file": "truth.jsonl",
        "flash_file": "flash",
        "control_port": made.ports.control,
        "control_file": "control",
        **more,
        "homes": [
            {"name": citizen.home, "hci_port": port, "bands": [citizen.band]}
            for citizen, port in zip(made.citizens, made.ports.hci, strict=True)
        ],
    }
    made.sim_toml.parent.mkdir(exist_ok=True)
    made.sim_toml.write_text(to_toml(settings), "utf-8")

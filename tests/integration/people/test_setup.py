from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ancu.edge.config import read_bands, read_edge, read_edge_keys
from ancu.firmware_sim.settings import SimSettings, homes_of
from ancu.gateway.config import read_gateway
from ancu.models.config import load
from ancu.models.errors import ConfigError
from ancu.server.adapters.broker_check import check_broker
from ancu.server.adapters.nats_config import NatsSettings
from ancu.server.config import ServerSettings
from ancu.server.people.provision import Link
from ancu.server.people.register import Register
from ancu.server.people.setup import Installation, Ports, init_server, make_installation
from ancu.server.ports import Role

CAMERA = {"id": "cam-a", "source": "door.mp4", "doors": [{"name": "gate", "area": [[0.1, 0.5], [0.9, 0.5]]}]}


@pytest.fixture
def made(tmp_path: Path) -> Installation:
    return make_installation(tmp_path / "house", homes=3, camera=CAMERA, sim={"script": {"name": "demo"}})


def test_every_part_reads_its_configuration(made: Installation) -> None:
    for edge in made.homes:
        settings = read_edge(made.edge_toml(edge))
        assert settings.bands_file is not None
        assert len(read_bands(settings.bands_file)) == 1
        read_edge_keys(settings.key_file)
    assert made.camera is not None
    camera = read_edge(made.edge_toml(made.camera))
    assert (camera.camera, camera.radio) == (CAMERA, None)
    assert read_gateway(made.gateway_toml).wards == ("w-hoa-sen", "w-truc-xanh")
    server = load(made.server_toml, ServerSettings)
    assert (server.port, server.policy, server.broker.port) == (made.ports.server, "demo", made.ports.broker)
    sim = load(made.sim_toml, SimSettings)
    assert [home.hci_port for home in sim.homes] == list(made.ports.hci)
    assert (sim.truth_file, sim.control_file) == (made.truth_file, made.control_file)


async def test_the_broker_would_run(made: Installation) -> None:
    findings = [finding async for finding in check_broker(made.broker_toml)]
    assert all(finding.ok for finding in findings)
    assert any("6 are let in" in finding.says for finding in findings)


def test_bands_simulated_and_registered_have_the_same_keys(made: Installation) -> None:
    register = Register.open(made.server_toml.parent / "data", actor="test")
    snapshot = register.snapshot()
    register.connection.close()
    simulated = {
        band.number: band.keys for home in homes_of(load(made.sim_toml, SimSettings), None) for band in home.bands
    }
    assert simulated == {number: band.keys for number, band in snapshot.bands.items()}
    for citizen in made.citizens:
        assert snapshot.orders[citizen.order].person == citizen.person  # type: ignore[index]


def test_those_who_may_log_in_can(made: Installation) -> None:
    register = Register.open(made.server_toml.parent / "data", actor="test")
    try:
        for login in made.logins:
            officer = register.officers.log_in(login.login, login.password)
            assert officer.role is login.role
            assert officer.wards == ({login.ward} if login.ward else set())
        for citizen in made.citizens:
            assert register.officers.person_of_code(citizen.access_code) == citizen.person
    finally:
        register.connection.close()
    assert [login.role for login in made.logins] == [Role.OFFICER, Role.OFFICER, Role.PROVINCE]
    assert len({login.ward for login in made.logins}) == 3


def test_everything_secret_is_its_owners_alone(made: Installation) -> None:
    assert stat.S_IMODE(made.root.stat().st_mode) == 0o700
    for path in made.root.rglob("*"):
        if path.suffix in {".key", ".db", ".json"} or path.name == "bands.toml":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_an_installation_is_found_again_and_not_made_twice(made: Installation) -> None:
    assert Installation.load(made.root) == made
    with pytest.raises(ConfigError, match="exists already"):
        make_installation(made.root, homes=1)


def test_a_half_made_installation_is_made_anew(tmp_path: Path) -> None:
    root = tmp_path / "house"
    made = make_installation(root, homes=1)
    (root / "installation.json").unlink()
    again = make_installation(root, homes=1)
    assert again.logins != made.logins
    read_edge(again.edge_toml("home-001"))


def test_ports_are_given_or_free(tmp_path: Path) -> None:
    ports = Ports.free(2, server=8099)
    assert (ports.server, len(set(ports.hci))) == (8099, 2)
    assert make_installation(tmp_path / "house", homes=2, ports=ports).ports == ports
    with pytest.raises(ValueError, match="one HCI port a home"):
        make_installation(tmp_path / "other", homes=3, ports=ports)


async def test_a_new_server_is_ready_to_run_and_is_not_made_over(tmp_path: Path) -> None:
    hosts = ["broker.example.vn", "10.0.0.1"]
    made = init_server(tmp_path, hosts=hosts, broker=Link("127.0.0.1", 8883), listen="0.0.0.0")
    settings = load(made, ServerSettings)
    assert (settings.policy, settings.broker.port) == ("default", 8883)
    config = tmp_path / "broker" / "broker.toml"
    assert load(config, NatsSettings).host == "0.0.0.0"
    assert all([finding.ok async for finding in check_broker(config)])
    with pytest.raises(ConfigError, match="exists already"):
        init_server(tmp_path, hosts=["localhost"], broker=Link("127.0.0.1", 8883))

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import click
import pytest

from ancu.edge.config import read_bands, read_edge, read_edge_keys
from ancu.gateway.config import read_gateway
from ancu.models.config import load
from ancu.models.errors import ConfigError, UsageError
from ancu.models.ids import OrderId
from ancu.models.keys import derive_band_keys
from ancu.server.adapters.nats_config import Devices
from ancu.server.adapters.pki import check_certificate, hosts_of
from ancu.server.people.errors import Exists, LoginRefused
from ancu.server.people.register import Register

from .conftest import Terminal, verbs

PERSON = '{"ward": "w-hoa-sen", "name": "Nguyễn Văn Mẫu", "guardians": [{"name": "Trần Thị Ví Dụ"}]}'


def let_in(terminal: Terminal) -> set[str]:
    data = terminal.made.server_toml.parent / "data"
    return {device.identity for device in load(data / "devices.toml", Devices).devices}


def test_a_new_home_from_kit_to_order(terminal: Terminal, tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    made = terminal.json(
        "device", "provision", "edge", "home-009", "--ward", "w-hoa-sen", "--gateway", "gw-1", "--out", kit,
        "--broker-host", "10.0.0.1", "--broker-port", "8883",
    )  # fmt: skip
    settings = read_edge(Path(made["config"]))
    assert (settings.broker.host, settings.broker.port) == ("10.0.0.1", 8883)
    read_edge_keys(settings.key_file)
    check_certificate(settings.broker.cert_file, settings.broker.key_file, settings.broker.ca_file)
    assert stat.S_IMODE(kit.stat().st_mode) == 0o700
    assert {stat.S_IMODE((kit / name).stat().st_mode) for name in ("edge.key", "client.key", "bands.toml")} == {0o600}

    ordered = terminal.json(
        "order", "add", "--person", "-", "--days", "14", "--edge", "home-009", "--band", "wb-00000042",
        "--bands-out", kit / "bands.toml", "--sim-out", tmp_path / "sim.toml", stdin=PERSON,
    )  # fmt: skip
    assert settings.bands_file is not None
    simulated = tomllib.loads((tmp_path / "sim.toml").read_text())["bands"][0]
    keys = derive_band_keys(bytes.fromhex(simulated["key"]), OrderId(ordered["id"]))
    assert read_bands(settings.bands_file) == {42: keys.identity}
    assert (simulated["number"], simulated["order"], simulated["home"]) == (42, ordered["id"], "home-009")
    rows = terminal.json("order", "list", "--open")
    assert {row["id"]: row["band"] for row in rows}[ordered["id"]] == "wb-00000042"
    terminal("order", "end", ordered["id"])
    assert ordered["id"] not in {row["id"] for row in terminal.json("order", "list", "--open")}


def test_a_revoked_edge_is_no_longer_let_in_and_a_rotated_one_by_its_new_certificate(
    terminal: Terminal, tmp_path: Path
) -> None:
    before = let_in(terminal)
    terminal("device", "rotate", "edge", "home-001", "--out", tmp_path / "kit")
    rotated = let_in(terminal)
    assert len(before - rotated) == len(rotated - before) == 1
    terminal("device", "revoke", "edge", "home-001")
    assert len(rotated - let_in(terminal)) == 1
    states = {row["id"]: row["state"] for row in terminal.json("device", "list", "--kind", "edge")}
    assert states == {"home-001": "revoked", "home-002": "in use"}


def test_the_servers_certificates_are_renewed_in_place(terminal: Terminal) -> None:
    folder = terminal.made.server_toml.parent
    files = [folder / "client" / "client.crt", folder / "data" / "broker.crt"]
    before, admitted = [file.read_bytes() for file in files], let_in(terminal)
    names = hosts_of(files[1])
    terminal("device", "rotate", "server")
    assert all(file.read_bytes() != old for file, old in zip(files, before, strict=True))
    assert hosts_of(files[1]) == names == ["127.0.0.1", "localhost"]
    for file in files:
        check_certificate(file, file.with_suffix(".key"), folder / "data" / "ca" / "ca.crt")
    assert len(let_in(terminal) - admitted) == 1


def test_a_gateway_kit_is_one_that_the_gateway_reads(terminal: Terminal, tmp_path: Path) -> None:
    made = terminal.json("device", "provision", "gateway", "gw-2", "--ward", "w-truc-xanh", "--out", tmp_path / "kit")
    assert read_gateway(Path(made["config"])).wards == ("w-truc-xanh",)
    terminal("device", "rotate", "gateway", "gw-2", "--out", tmp_path / "again")
    assert read_gateway(tmp_path / "again" / "gateway.toml").gateway == "gw-2"


def test_a_kit_is_not_written_over_another(terminal: Terminal, tmp_path: Path) -> None:
    args = ("device", "provision", "edge", "home-009", "--ward", "w-hoa-sen", "--out", tmp_path / "kit")
    terminal(*args)
    with pytest.raises(UsageError, match="give a new folder"):
        terminal(*args)
    with pytest.raises(Exists):
        terminal(*args[:-1], tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_bands_and_cameras(terminal: Terminal, tmp_path: Path) -> None:
    terminal("device", "provision", "band", "wb-00000007", "--key-out", tmp_path / "key")
    assert len(bytes.fromhex((tmp_path / "key").read_text())) == 16
    old = (tmp_path / "key").read_text()
    terminal("device", "rotate", "band", "wb-00000007", "--key-out", tmp_path / "key")
    assert (tmp_path / "key").read_text() != old
    order = terminal.made.citizens[0].order
    terminal("device", "assign", "wb-00000007", order)
    assert terminal.json("device", "bands", "home-001", "--out", tmp_path / "bands.toml")["bands"] == 1
    assert set(read_bands(tmp_path / "bands.toml")) == {7}
    terminal("device", "provision", "camera", "home-001", "cam-a", "--label", "Cổng A")
    terminal("device", "revoke", "camera", "home-001/cam-a")
    terminal("device", "revoke", "band", "wb-00000007")
    states = {row["id"]: row["state"] for row in terminal.json("device", "list")}
    assert states["home-001/cam-a"] == states["wb-00000007"] == "revoked"
    assert "wb-00000007" in terminal("device", "list", "--kind", "band")


def test_an_officers_password_is_printed_once_or_goes_to_a_file(terminal: Terminal, tmp_path: Path) -> None:
    printed = terminal.json("officer", "add", "hoa", "--name", "Cán bộ Hoa", "--ward", "w-hoa-sen")["password"]
    quiet = terminal(
        "officer", "add", "mai", "--name", "Mai", "--role", "province", "--password-out", tmp_path / "mai.txt"
    )
    given = tmp_path / "given.txt"
    given.write_text("correct horse battery\n")
    given.chmod(0o600)
    terminal("officer", "add", "cuc", "--name", "Cúc", "--ward", "w-hoa-sen", "--password-file", given)
    stored = (tmp_path / "mai.txt").read_text().strip()
    assert stored not in quiet
    register = Register.open(terminal.made.server_toml.parent / "data", actor="test")
    try:
        for login, password in (("hoa", printed), ("mai", stored), ("cuc", "correct horse battery")):
            assert register.officers.log_in(login, password).login == login
        terminal("officer", "disable", "hoa")
        with pytest.raises(LoginRefused):
            register.officers.log_in("hoa", printed)
        assert register.ledger.verify() is None
        assert register.ledger.entries(limit=1000)[-1].actor.startswith("cli:")
    finally:
        register.connection.close()
    assert {row["login"]: row["state"] for row in terminal.json("officer", "list")}["hoa"] == "disabled"


def test_a_lost_telephone_leaves_the_password_and_signs_everybody_out(terminal: Terminal) -> None:
    printed = terminal.json("officer", "add", "hoa", "--name", "Cán bộ Hoa", "--ward", "w-hoa-sen")["password"]
    register = Register.open(terminal.made.server_toml.parent / "data", actor="test")
    try:
        id_ = register.officers.log_in("hoa", printed).id
        register.officers.factors.add_passkey(id_, b"k", b"", 0, "phone")
        device = register.officers.factors.remember_device(id_)
        register.connection.execute("INSERT INTO web_sessions VALUES (x'01', ?, NULL, 0, 0, 9)", (id_,))
        terminal("officer", "reset-factors", "hoa")
        assert register.officers.factors.passkeys(id_) == []
        assert not register.officers.factors.knows_device(id_, device)
        assert register.connection.execute("SELECT count(*) FROM web_sessions").fetchone()[0] == 0
        assert register.officers.log_in("hoa", printed).id == id_
        last = register.ledger.entries(limit=1000)[-1]
        assert (last.action, last.subject) == ("reset_factors", id_)
        assert last.actor.startswith("cli:")
    finally:
        register.connection.close()
    with pytest.raises(UsageError):
        terminal("officer", "reset-factors", "nobody")


def test_a_password_file_that_others_can_read_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    given = tmp_path / "given.txt"
    given.write_text("correct horse battery\n")
    given.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 0600"):
        terminal("officer", "add", "cuc", "--name", "C", "--ward", "w-hoa-sen", "--password-file", given)


def test_wards_are_imported_and_bad_rows_make_the_exit_code_1(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "wards.csv"
    file.write_text("code,name,province\nw-mai,Phường Mai,Tỉnh Minh Hoạ\nXX,Phường Sai,Tỉnh\n", "utf-8-sig")
    assert "1 added" in terminal("ward", "import", file)
    assert terminal.code == 1
    assert "line 3" in terminal.err
    assert terminal.err.count("\n") == 1
    assert "w-mai" in terminal("ward", "list")
    file.write_bytes("code,name,province\nw-x,Phường,Tỉnh\n".encode("utf-16"))
    with pytest.raises(UsageError, match="UTF-8"):
        terminal("ward", "import", file)


@pytest.mark.parametrize(
    ("args", "stdin", "says"),
    [
        (("order", "add", "--days", "3"), None, "--person FILE or --person-id"),
        (("order", "add", "--person", "-"), PERSON, "--until TIME or --days"),
        (("order", "add", "--person", "-", "--until", "tomorrow"), PERSON, "write it like"),
        (("order", "add", "--person", "-", "--until", "2030-01-01T00:00"), PERSON, "zone"),
        (("order", "add", "--person", "-", "--days", "3"), "{", "not a person"),
        (("order", "add", "--person", "-", "--days", "3"), '{"ward": "w-hoa-sen", "nmae": "x"}', "not a person"),
        (("order", "add", "--person", "-", "--days", "3", "--sim-out", "x"), PERSON, "--sim-out needs"),
        (("order", "end", "o-none"), None, "no order"),
        (("device", "provision", "band", "42"), None, "wb-00000042"),
        (("device", "revoke", "edge", "home-404"), None, "no edge"),
    ],
)
def test_a_mistake_is_said_in_one_line(terminal: Terminal, args: tuple[str, ...], stdin: str | None, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        terminal(*args, stdin=stdin)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_failed_order_leaves_no_person_behind(terminal: Terminal) -> None:
    register = Register.open(terminal.made.server_toml.parent / "data", actor="test")
    before = set(register.snapshot().persons)
    with pytest.raises(UsageError):
        terminal("order", "add", "--person", "-", "--days", "3", "--edge", "home-404", stdin=PERSON)
    assert set(register.snapshot().persons) == before
    register.connection.close()


def all_commands(group: click.Group, *path: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found.append((*path, name))
        if isinstance(command, click.Group):
            found.extend(all_commands(command, *path, name))
    return found


@pytest.mark.parametrize("path", all_commands(verbs), ids=" ".join)
def test_every_verb_explains_itself(terminal: Terminal, path: tuple[str, ...]) -> None:
    command: click.Command = verbs
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    assert command.help
    options = {option for parameter in command.params for option in parameter.opts}
    if not isinstance(command, click.Group):
        assert {"--config", "--json"} <= options

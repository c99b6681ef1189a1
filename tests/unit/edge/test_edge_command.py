"""`ancu edge`: what a person reads when something is wrong."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from ancu.edge.command import edge
from ancu.edge.config import read_bands, read_edge, read_edge_keys
from ancu.models.config import write_secret
from ancu.models.errors import ConfigError

GOOD = """
edge = "edge-1"
ward = "ward-1"
data = "data"
key_file = "edge.key"
bands_file = "bands.toml"
[broker]
host = "127.0.0.1"
port = {port}
ca_file = "ca.crt"
cert_file = "edge.crt"
key_file = "edge.tls"
[radio]
backend = "{backend}"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = tmp_path / "edge.toml"
    path.write_text(GOOD.format(port=port, backend="none-such"))
    write_secret(tmp_path / "edge.key", bytes(32).hex().encode())
    write_secret(tmp_path / "bands.toml", f'[[bands]]\nnumber = 1\nidentity_key = "{bytes(16).hex()}"'.encode())
    return path


def test_a_check_says_all_that_is_wrong_one_line_each(config: Path):
    result = CliRunner().invoke(edge, ["check", "--config", str(config)])
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert [line.split(":")[0].split() for line in lines] == [
        ["ok", "configuration"],
        ["ok", "key"],
        ["ok", "bands"],
        ["ok", "data"],
        ["FAIL", "broker"],
        ["FAIL", "radio"],
    ]
    assert "bluez" in lines[-1]


def test_a_check_as_json_is_one_object(config: Path):
    (config.parent / "edge.key").chmod(0o644)
    result = CliRunner().invoke(edge, ["check", "--json", "--config", str(config)])
    said = json.loads(result.output)
    assert result.exit_code == 1
    assert said["ok"] is False
    key = next(finding for finding in said["findings"] if finding["what"] == "key")
    assert "0600" in key["says"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[radio]", "[radar]", "unknown field `radar`"),
        ('edge = "edge-1"', 'edge = "Edge 1"', "edge 'Edge 1'"),
        ("port = ", "port = 0.5 # ", "port"),
        ('bands_file = "bands.toml"', "", "needs a bands_file"),
        ("[radio]", "[radio]\nunseen_s = 0", "radio.unseen_s must be greater than 0"),
        ("[radio]\nbackend", "[journal]\n#", "needs a [radio], a [camera] or both"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_the_reason(config: Path, old: str, new: str, says: str):
    config.write_text(config.read_text().replace(old, new))
    with pytest.raises(ConfigError, match=says.replace("[", r"\[")):
        read_edge(config)


def test_secrets_are_read_from_files_that_only_their_owner_reads(config: Path):
    assert set(read_bands(config.parent / "bands.toml")) == {1}
    (config.parent / "bands.toml").chmod(0o640)
    with pytest.raises(ConfigError, match="0600"):
        read_bands(config.parent / "bands.toml")
    write_secret(config.parent / "edge.key", b"not hex")
    with pytest.raises(ConfigError, match="32 bytes in hex"):
        read_edge_keys(config.parent / "edge.key")

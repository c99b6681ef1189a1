"""`ancu gateway`: what a person reads when something is wrong."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from ancu.gateway.command import gateway
from ancu.gateway.config import read_edges, read_gateway
from ancu.models.errors import ConfigError

GOOD = """
gateway = "gw-1"
wards = ["ward-1"]
data = "data"
edges_file = "edges.toml"
[broker]
host = "127.0.0.1"
port = {port}
ca_file = "ca.crt"
cert_file = "gw.crt"
key_file = "gw.tls"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = tmp_path / "gateway.toml"
    path.write_text(GOOD.format(port=port))
    (tmp_path / "edges.toml").write_text('edges = ["edge-1"]')
    return path


def test_a_check_says_all_that_is_wrong(config: Path):
    result = CliRunner().invoke(gateway, ["check", "--json", "--config", str(config)])
    said = json.loads(result.output)
    assert result.exit_code == 1
    assert {finding["what"]: finding["ok"] for finding in said["findings"]} == {
        "configuration": True,
        "edges": True,
        "data": True,
        "broker": False,
    }


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("data =", "dada =", "unknown field `dada`"),
        ('["ward-1"]', "[]", "wards is empty"),
        ('["ward-1"]', '["up/#"]', "ward"),
        ('gateway = "gw-1"', 'gateway = "gw-1"\nheartbeat_s = 0', "heartbeat_s must be greater than 0"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(config: Path, old: str, new: str, says: str):
    config.write_text(config.read_text().replace(old, new))
    with pytest.raises(ConfigError, match=says):
        read_gateway(config)


def test_the_list_of_edges_is_read(config: Path):
    assert read_edges(config.parent / "edges.toml") == {"edge-1"}

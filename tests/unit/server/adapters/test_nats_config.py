from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from ancu.models.errors import UsageError
from ancu.server.adapters.nats_config import Device, NatsSettings, render

SETTINGS = NatsSettings(
    data=Path("data"),
    ca_file=Path("ca.crt"),
    cert_file=Path("b.crt"),
    key_file=Path("b.key"),
    devices_file=Path("devices.toml"),
)
ids = st.from_regex(r"[a-z0-9][a-z0-9-]{1,39}", fullmatch=True)


def permissions(device: Device) -> tuple[list[str], list[str]]:
    (user,) = json.loads(render(SETTINGS, [device]))["accounts"]["ANCU"]["users"]
    assert user["user"] == device.identity
    assert user["allowed_connection_types"] == ["MQTT"]
    return user["permissions"]["publish"]["allow"], user["permissions"]["subscribe"]["allow"]


@given(ids, ids)
def test_an_edge_says_and_hears_its_own_branch_alone(edge: str, ward: str) -> None:
    says, hears = permissions(Device(id=edge, kind="edge", identity="urn:x", wards=(ward,)))
    branch = f"ancu.v1.{ward}.{edge}."
    assert says == [f"{branch}facts.*", f"{branch}status"]
    assert hears == [f"{branch}confirm", f"{branch}command", "$MQTT.sub.>"]


@given(ids, st.lists(ids, max_size=4))
def test_a_gateway_hears_its_wards_and_says_under_its_own_name(gateway: str, wards: list[str]) -> None:
    says, hears = permissions(Device(id=gateway, kind="gateway", identity="urn:x", wards=tuple(wards)))
    assert says == [f"ancu.v1.up.*.{gateway}"]
    assert hears[-1] == "$MQTT.sub.>"
    assert {each.split(".")[2] for each in hears[:-1]} == set(wards)


@pytest.mark.parametrize("name", ["", "*", ">", "a.b", "a*", "A", "a b", "$SYS", "a\n"])
@pytest.mark.parametrize("field", ["id", "ward"])
def test_a_name_that_could_reach_beyond_its_branch_is_refused(name: str, field: str) -> None:
    given = {"id": "home-001", "ward": "w-sen", field: name}
    with pytest.raises(UsageError):
        render(SETTINGS, [Device(id=given["id"], kind="edge", identity="urn:x", wards=(given["ward"],))])


def test_only_the_device_link_is_open_to_the_outside() -> None:
    config: dict[str, Any] = json.loads(render(SETTINGS, []))
    assert config["host"] == "127.0.0.1"
    assert not {"http", "http_port", "https", "monitor_port", "cluster", "leafnodes", "websocket"} & set(config)
    for tls in (config["tls"], config["mqtt"]["tls"]):
        assert tls["verify_and_map"] is True
        assert tls["min_version"] == "1.2"
        assert Path(tls["key_file"]).is_absolute()


def test_what_a_client_can_make_the_broker_hold_is_bounded() -> None:
    config = json.loads(render(SETTINGS, []))
    assert config["jetstream"]["max_file_store"] == 512 * 1024 * 1024
    assert config["mqtt"]["consumer_inactive_threshold"] == "10m"
    for limit in ("max_payload", "max_pending", "max_connections"):
        assert config[limit] > 0

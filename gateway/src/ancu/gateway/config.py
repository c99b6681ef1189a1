"""The gateway's configuration file."""

from __future__ import annotations

from pathlib import Path

from ancu.models.config import Settings, load
from ancu.models.errors import ConfigError, UsageError
from ancu.models.ids import EdgeId, GatewayId, WardCode, check_id
from ancu.models.mqtt import BrokerSettings

__all__ = ["GatewaySettings", "SpoolSettings", "read_edges", "read_gateway"]


class SpoolSettings(Settings, frozen=True):
    """What is kept while the server does not confirm. What does not fit stays with its edge."""

    cap_bodies: int = 20_000
    cap_bytes: int = 256 * 1024 * 1024
    refused: int = 200  # refused bodies kept aside, newest


class GatewaySettings(Settings, frozen=True):
    """gateway.toml"""

    gateway: str
    wards: tuple[str, ...]
    data: Path  # folder for the spool and the client id
    broker: BrokerSettings  # where the edges publish
    upstream: BrokerSettings | None = None  # where the server listens; the same broker by default
    edges_file: Path | None = None  # `edges = ["edge-1", ...]`; only these are relayed; read again when it changes
    heartbeat_s: float = 10.0
    spool: SpoolSettings = SpoolSettings()

    @property
    def gateway_id(self) -> GatewayId:
        return GatewayId(self.gateway)

    @property
    def ward_codes(self) -> tuple[WardCode, ...]:
        return tuple(WardCode(ward) for ward in self.wards)


class _EdgesFile(Settings, frozen=True):
    edges: tuple[str, ...]


def read_gateway(path: Path) -> GatewaySettings:
    """Read and check gateway.toml; raises ConfigError."""
    settings = load(path, GatewaySettings)
    try:
        check_id("gateway", settings.gateway)
        for ward in settings.wards:
            check_id("ward", ward)
    except UsageError as error:
        raise ConfigError(f"{path}: {error}") from None
    if not settings.wards:
        raise ConfigError(f"{path}: wards is empty: there would be nothing to relay")
    numbers = {
        "heartbeat_s": settings.heartbeat_s,
        "spool.cap_bodies": settings.spool.cap_bodies,
        "spool.cap_bytes": settings.spool.cap_bytes,
    }
    for name, number in numbers.items():
        if not number > 0:
            raise ConfigError(f"{path}: {name} must be greater than 0")
    return settings


def read_edges(path: Path) -> frozenset[EdgeId]:
    """The edges that may be relayed; raises ConfigError."""
    return frozenset(EdgeId(edge) for edge in load(path, _EdgesFile).edges)

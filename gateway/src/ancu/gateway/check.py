"""Whether a gateway could run: its files, its folder and every broker, one finding each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from ancu.gateway.config import GatewaySettings, read_edges, read_gateway
from ancu.models import topics
from ancu.models.errors import AncuError
from ancu.models.findings import Finding, writable
from ancu.models.mqtt import BrokerSettings, try_link

__all__ = ["check_gateway"]


async def check_gateway(config: Path) -> AsyncIterator[Finding]:
    """Findings about a configuration file; raises ConfigError when it cannot be read at all."""
    settings = read_gateway(config)
    wards = ", ".join(settings.wards)
    yield Finding("configuration", ok=True, says=f"{config}: gateway {settings.gateway} of {wards}")
    if settings.edges_file is not None:
        yield _edges(settings.edges_file)
    yield writable(settings.data)
    if settings.upstream is None:
        yield await _broker("broker", settings, settings.broker, ("facts/+", "confirm"))
    else:
        yield await _broker("broker", settings, settings.broker, ("facts/+", "status"))
        yield await _broker("upstream", settings, settings.upstream, ("confirm", "command"))


def _edges(path: Path) -> Finding:
    try:
        edges = read_edges(path)
    except AncuError as error:
        return Finding("edges", ok=False, says=str(error))
    return Finding("edges", ok=True, says=f"{path}: {len(edges)} edges are relayed")


async def _broker(what: str, settings: GatewaySettings, broker: BrokerSettings, leaves: tuple[str, ...]) -> Finding:
    filters = [topics.edges_of_ward(ward, leaf) for ward in settings.ward_codes for leaf in leaves]
    try:
        await try_link(broker, settings.gateway, filters)
    except AncuError as error:
        return Finding(what, ok=False, says=str(error))
    return Finding(what, ok=True, says=f"{broker.host}:{broker.port}: connected, may hear its wards")

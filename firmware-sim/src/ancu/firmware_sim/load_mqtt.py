"""Load over MQTT: connects the virtual edges to a broker, runs them for a time, waits for the server's confirms."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import aiomqtt

from ancu.firmware_sim.flash import MemoryFlash
from ancu.firmware_sim.load import LoadBand, Tally, VirtualEdge
from ancu.firmware_sim.load_keys import EdgeSecret, LoadKeys
from ancu.models import topics
from ancu.models.clock import SystemClock, to_ms
from ancu.models.errors import ConfigError, UsageError
from ancu.models.ids import BandNumber, EdgeId, OrderId, WardCode
from ancu.models.keys import derive_band_keys, derive_edge_keys

__all__ = ["Target", "put_load"]

_STEP_S = 0.02
_RETRY_S = 1.0
_DRAIN_S = 20.0  # after the time is up, confirms may still come
_WINDOW = 64  # messages on their way to the broker
_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Target:
    host: str
    port: int
    tls: bool

    @classmethod
    def parse(cls, url: str) -> Target:
        """Read mqtt://host:port or mqtts://host:port; raises UsageError."""
        parts = urlsplit(url)
        try:
            port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        except ValueError:
            raise UsageError("--to: the port is no number") from None
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname or parts.username or parts.path.strip("/"):
            raise UsageError("--to: expected mqtt://host:port or mqtts://host:port, without user or path")
        return cls(parts.hostname, port, parts.scheme == "mqtts")


async def put_load(
    target: Target, keys: LoadKeys, *, bands: int, interval_s: float, for_s: float, seed: int
) -> dict[str, object]:
    """State `bands` readings an interval for so long; gives back what was sent and confirmed."""
    if bands > len(keys.bands):
        raise UsageError(f"--bands {bands}: the keys file holds {len(keys.bands)}")
    tally = Tally()
    links = _links(target, keys, tally, bands=bands, interval_s=interval_s, seed=seed)
    until = asyncio.get_running_loop().time() + for_s
    async with asyncio.TaskGroup() as group:
        for link in links:
            group.create_task(link.run(until))
    latencies = sorted(tally.confirm_ms)
    return {
        "bands": bands,
        "edges": sum(len(link.edges) for link in links),
        "for_s": for_s,
        "sent": tally.sent,
        "confirmed": tally.confirmed,
        "batches": tally.batches,
        "resent": tally.resent,
        "p50_confirm_ms": _percentile(latencies, 0.50),
        "p99_confirm_ms": _percentile(latencies, 0.99),
    }


class _Link:
    """One MQTT connection and the edges that share it: one edge each where certificates say who speaks."""

    def __init__(
        self, target: Target, context: ssl.SSLContext | None, edges: Sequence[VirtualEdge], interval_s: float
    ) -> None:
        self.edges = edges
        self._target, self._context, self._interval_s = target, context, interval_s
        self._name = f"{edges[0].edge}-{secrets.token_hex(8)}"
        self._by_topic = {topics.confirm(edge.ward, edge.edge): edge for edge in edges}

    async def run(self, until: float) -> None:
        """Until the time is up and everything is confirmed, or no confirm comes any more."""
        loop = asyncio.get_running_loop()
        while loop.time() < until + _DRAIN_S:
            try:
                await self._connected(until)
            except aiomqtt.MqttError:
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def _connected(self, until: float) -> None:
        async with aiomqtt.Client(
            self._target.host,
            self._target.port,
            identifier=self._name,
            tls_context=self._context,
            timeout=30,
            max_inflight_messages=_WINDOW,
        ) as client:
            for topic, edge in self._by_topic.items():
                await client.subscribe(topic, qos=1)
                edge.reconnected()
            reader = asyncio.create_task(self._read(client))
            try:
                await self._write(client, until)
            finally:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)

    async def _read(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            edge = self._by_topic.get(str(message.topic))
            if edge is not None and isinstance(message.payload, bytes):
                edge.confirmed(message.payload, _now_ms())

    async def _write(self, client: aiomqtt.Client, until: float) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        spread = self._interval_s / len(self.edges)  # edges take turns, as homes do
        due = [start + spread * i for i in range(len(self.edges))]
        while True:
            now = loop.time()
            for i, edge in enumerate(self.edges):
                if due[i] <= now < until:
                    due[i] += self._interval_s
                    edge.listen(_now_ms())
                while (body := edge.next_batch(_now_ms())) is not None:
                    await client.publish(topics.facts(edge.ward, edge.edge, topics.Lane.STATE), body, qos=1)
            if now >= until and (now >= until + _DRAIN_S or not any(edge.waiting for edge in self.edges)):
                return
            await asyncio.sleep(_STEP_S)


def _links(target: Target, keys: LoadKeys, tally: Tally, *, bands: int, interval_s: float, seed: int) -> list[_Link]:
    now = _now_ms()
    heard: dict[str, list[LoadBand]] = {}
    for mine in keys.bands[:bands]:
        band = LoadBand(
            BandNumber(mine.number),
            derive_band_keys(bytes.fromhex(mine.key), OrderId(mine.order)),
            MemoryFlash(),
            Random(f"{seed}/band/{mine.number}"),
            at_ms=now,
            interval_ms=round(interval_s * 1000) - 50,  # due at each turn, for all the band's own jitter
        )
        heard.setdefault(mine.edge, []).append(band)
    shared: list[VirtualEdge] = []
    links: list[_Link] = []
    for secret in keys.edges:
        if secret.edge not in heard:
            continue
        edge = VirtualEdge(
            EdgeId(secret.edge),
            WardCode(secret.ward),
            derive_edge_keys(bytes.fromhex(secret.key)),
            heard[secret.edge],
            tally,
            at_ms=now,
        )
        if secret.cert_file is None:
            shared.append(edge)
        else:
            links.append(_Link(target, _context(target, keys.ca_file, secret), [edge], interval_s))
    if shared:
        links.append(_Link(target, _context(target, keys.ca_file, None), shared, interval_s))
    return links


def _context(target: Target, ca_file: Path | None, edge: EdgeSecret | None) -> ssl.SSLContext | None:
    if not target.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=ca_file)
        if edge is not None and edge.cert_file is not None:
            context.load_cert_chain(edge.cert_file, edge.key_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"certificates of {edge.edge if edge else 'the broker'}: {error.strerror}") from None
    return context


def _percentile(ordered: list[int], share: float) -> int | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _now_ms() -> int:
    return to_ms(_CLOCK.now())

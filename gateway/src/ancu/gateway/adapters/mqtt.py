"""A broker over MQTT."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import aiomqtt

from ancu.gateway.ports import Broker, Delivery, Session
from ancu.models.mqtt import BrokerSettings, Link, client_id, publish, subscribe

__all__ = ["MqttBroker"]


class MqttBroker(Broker):
    """mTLS sessions under the gateway's own name."""

    def __init__(self, broker: BrokerSettings, gateway: str, data: Path) -> None:
        self._link = Link(broker, client_id(gateway, data))

    async def run(self, converse: Callable[[Session], Awaitable[None]]) -> None:
        async def session(client: aiomqtt.Client) -> None:
            await converse(_MqttSession(client))

        await self._link.run(session)


class _MqttSession(Session):
    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def subscribe(self, filters: Sequence[str]) -> None:
        await subscribe(self._client, filters)

    async def publish(self, topic: str, body: bytes, *, retain: bool = False) -> None:
        await publish(self._client, topic, body, retain=retain)

    async def deliveries(self) -> AsyncIterator[Delivery]:
        async for message in self._client.messages:
            payload = message.payload
            if isinstance(payload, bytes):
                yield Delivery(message.topic.value, payload, message.retain)

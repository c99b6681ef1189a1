"""The uplink over MQTT."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiomqtt

from ancu.edge.ports import Conversation, Uplink
from ancu.models import topics
from ancu.models.ids import EdgeId, WardCode
from ancu.models.mqtt import BrokerSettings, Link, client_id, publish, subscribe
from ancu.models.topics import Lane
from ancu.models.wire import EdgeStatus, encode_status

__all__ = ["MqttUplink"]


GOODBYE_S = 1.0


class MqttUplink(Uplink):
    """One mTLS session under the edge's own branch of topics."""

    def __init__(self, broker: BrokerSettings, ward: WardCode, edge: EdgeId, data: Path, version: str) -> None:
        self._ward, self._edge, self._version = ward, edge, version
        self._status = topics.status(ward, edge)
        will = aiomqtt.Will(self._status, self._body(online=False), qos=1, retain=True)
        self._link = Link(broker, client_id(edge, data), will=will)

    @property
    def connected(self) -> bool:  # type: ignore[override]
        return self._link.connected

    async def run(self, converse: Callable[[Conversation], Awaitable[None]]) -> None:
        async def session(client: aiomqtt.Client) -> None:
            await subscribe(client, [topics.confirm(self._ward, self._edge), topics.command(self._ward, self._edge)])
            await publish(client, self._status, self._body(online=True), retain=True)
            try:
                await converse(_MqttConversation(client, self._ward, self._edge, self.commanded))
            except asyncio.CancelledError:
                # A proper goodbye keeps the broker from publishing the last will: say it ourselves.
                with contextlib.suppress(aiomqtt.MqttError):
                    await client.publish(self._status, self._body(online=False), qos=1, retain=True, timeout=GOODBYE_S)
                raise

        await self._link.run(session)

    def _body(self, *, online: bool) -> bytes:
        return encode_status(EdgeStatus(online=online, version=self._version))


class _MqttConversation(Conversation):
    def __init__(
        self, client: aiomqtt.Client, ward: WardCode, edge: EdgeId, commanded: Callable[[bytes], None] | None
    ) -> None:
        self._client, self._commanded = client, commanded
        self._command = topics.command(ward, edge)
        self._topics = {lane: topics.facts(ward, edge, lane) for lane in Lane}
        self._confirm = topics.confirm(ward, edge)

    async def publish(self, lane: Lane, body: bytes) -> None:
        await publish(self._client, self._topics[lane], body)

    async def confirms(self) -> AsyncIterator[bytes]:
        async for message in self._client.messages:
            if message.topic.value == self._confirm:
                yield message.payload
            elif message.topic.value == self._command and self._commanded is not None:
                self._commanded(message.payload)

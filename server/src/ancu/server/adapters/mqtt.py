"""The server's link to its broker: relays in, confirms out."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping
from pathlib import Path

import aiomqtt

from ancu.models.errors import TopicError
from ancu.models.ids import EdgeId, WardCode
from ancu.models.mqtt import BrokerSettings, Link, client_id, publish, subscribe
from ancu.models.topics import ALL_UPSTREAM, Lane, Upstream, command, confirm, parse
from ancu.models.wire import Confirmation

__all__ = ["ServerLink"]

log = logging.getLogger(__name__)
_COMMANDS = 1_000  # waiting at most; the oldest is given up, and made anew by whoever needs it


class ServerLink:
    """Hands relays to `deliver`, which may leave one (False): whoever sent it sends it again until it is confirmed."""

    def __init__(
        self,
        broker: BrokerSettings,
        data: Path,
        *,
        deliver: Callable[[Upstream, bytes], bool],
        seal: Callable[[Confirmation], bytes | None],
    ) -> None:
        self._link = Link(broker, client_id("server", data))
        self._deliver = deliver
        self._seal = seal
        self._pending: dict[tuple[EdgeId, int, Lane], tuple[Confirmation, str]] = {}
        self._commands: deque[tuple[WardCode, EdgeId, bytes]] = deque(maxlen=_COMMANDS)
        self._wake = asyncio.Event()
        self.counts: Counter[tuple[str, str]] = Counter()

    @property
    def connected(self) -> bool:
        return self._link.connected

    def confirm(self, confirms: Mapping[Confirmation, str]) -> None:
        """Send these when there is a session; a newer one of the same lane takes the place of an older."""
        for confirmation, ward in confirms.items():
            self._pending[confirmation.edge, confirmation.epoch, confirmation.lane] = (confirmation, ward)
        self._wake.set()

    def command(self, ward: WardCode, edge: EdgeId, body: bytes) -> None:
        """Send a sealed command if there is a session; whoever needs it done looks whether it was."""
        if self._link.connected:
            self._commands.append((ward, edge, body))
            self._wake.set()

    async def run(self) -> None:
        """Hold the link until cancelled; raises ConfigError."""
        await self._link.run(self._session)

    async def _session(self, client: aiomqtt.Client) -> None:
        await subscribe(client, [ALL_UPSTREAM])
        self._commands.clear()
        self._pending.clear()  # whoever still waits sends again, and is answered from the watermark
        async with asyncio.TaskGroup() as group:
            group.create_task(self._receive(client))
            group.create_task(self._send(client))

    async def _receive(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            try:
                topic = parse(str(message.topic))
            except TopicError:
                self.counts["bodies_refused", "topic"] += 1
                continue
            if not isinstance(topic, Upstream) or not isinstance(message.payload, bytes):
                self.counts["bodies_refused", "topic"] += 1
            elif not self._deliver(topic, message.payload):
                self.counts["relays_left", ""] += 1

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._commands:
                of_ward, edge, sealed = self._commands.popleft()
                await publish(client, command(of_ward, edge), sealed)
                self.counts["commands", ""] += 1
            while self._pending:
                confirmation, ward = self._pending.pop(next(iter(self._pending)))
                body = self._seal(confirmation)
                if body is not None:
                    # QoS 0: a confirm that is lost is asked for again by a resend
                    await client.publish(confirm(WardCode(ward), confirmation.edge), body, qos=0)
                    self.counts["confirms", ""] += 1

"""The gateway: builds its parts and runs them together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from importlib.metadata import version

from ancu.gateway.adapters.mqtt import MqttBroker
from ancu.gateway.config import GatewaySettings, read_edges
from ancu.gateway.ports import Broker, Delivery, Session
from ancu.gateway.relay import Item, Limits, Message, Relays
from ancu.gateway.spool import Aside, Spool
from ancu.gateway.store import Store
from ancu.models import topics
from ancu.models.clock import Clock, SystemClock, to_ms
from ancu.models.errors import AncuError, ConfigError, TopicError, WireRefused
from ancu.models.topics import Confirm, Facts
from ancu.models.wire import GatewayHealth, Relay, Relayed, encode_relay, peek_confirm

__all__ = ["Gateway", "build"]

log = logging.getLogger(__name__)

TICK_S = 1.0
VERSION = version("ancu-gateway")


class Gateway:
    """One gateway between the edges' broker and the server's; they may be the same."""

    def __init__(
        self, settings: GatewaySettings, *, spool: Spool, down: Broker, up: Broker | None, clock: Clock
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._began_s = clock.monotonic()
        self._down, self._up = down, up
        self._below: Session | None = None
        self._above: Session | None = None
        limits = Limits(bodies=settings.spool.cap_bodies, bytes=settings.spool.cap_bytes)
        self._relays = Relays(settings.ward_codes, limits=limits)
        self._store = Store(spool, self._kept)
        self._ready = asyncio.Event()
        self._edges_stamp = 0

    async def run(self) -> None:
        """Run until cancelled."""
        self._read_edges()
        held = await self._store.load()
        self._relays.admitted(held)
        self._relays.keep(held)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._store.run())
                group.create_task(self._tick())
                if self._up is None:
                    group.create_task(self._down.run(self._converse_with_both))
                else:
                    group.create_task(self._down.run(self._converse_below))
                    group.create_task(self._up.run(self._converse_above))
        finally:
            self._store.close()

    # --- sessions ----------------------------------------------------------------------------------------------------

    async def _converse_with_both(self, session: Session) -> None:
        await session.subscribe(self._filters("facts/+", "confirm"))
        await self._converse(session)

    async def _converse_below(self, session: Session) -> None:
        await session.subscribe(self._filters("facts/+", "status"))
        self._below = session
        try:
            await self._listen(session)
        finally:
            self._below = None

    async def _converse_above(self, session: Session) -> None:
        await session.subscribe(self._filters("confirm", "command"))
        self._above = session
        try:
            await self._converse(session)
        finally:
            self._above = None

    async def _converse(self, session: Session) -> None:
        self._relays.restart()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(session))
            group.create_task(self._send(session))
            group.create_task(self._beat(session))

    async def _listen(self, session: Session) -> None:
        async for delivery in session.deliveries():
            await self._take(delivery)

    def _filters(self, *leaves: str) -> list[str]:
        return [topics.edges_of_ward(ward, leaf) for ward in self._settings.ward_codes for leaf in leaves]

    # --- what comes in -----------------------------------------------------------------------------------------------

    async def _take(self, delivery: Delivery) -> None:
        try:
            topic = topics.parse(delivery.topic)
        except TopicError:
            topic = None
        if isinstance(topic, Confirm):
            self._confirm(delivery.body)
        elif topic is None or isinstance(topic, Facts):
            self._arrive(delivery)
        if self._up is not None and topic is not None and not isinstance(topic, Facts):
            await self._bridge(delivery, upwards=isinstance(topic, topics.StatusOf))

    def _arrive(self, delivery: Delivery) -> None:
        at_ms = to_ms(self._clock.now())
        judged = self._relays.arrive(delivery.topic, delivery.body, at_ms, self._clock.monotonic())
        if isinstance(judged, str):
            if judged != "duplicate":
                self._store.aside(Aside(at_ms, delivery.topic, judged, delivery.body))
            return
        self._store.forget(judged.given_up)
        self._store.put(judged.item, delivery.body)

    def _confirm(self, body: bytes) -> None:
        try:
            confirm = peek_confirm(body)
        except WireRefused as refused:
            self._relays.refused[f"confirm_{refused.reason}"] += 1
            return
        self._store.forget(self._relays.confirmed(confirm, self._clock.monotonic()))
        self._ready.set()

    async def _bridge(self, delivery: Delivery, *, upwards: bool) -> None:
        session = self._above if upwards else self._below
        if session is None:
            return  # the server answers again when an edge sends again; a status is only a hint
        try:
            await session.publish(delivery.topic, delivery.body, retain=delivery.retain and upwards)
        except AncuError:
            log.debug("not bridged", extra={"topic": delivery.topic})

    # --- what goes out -----------------------------------------------------------------------------------------------

    def _kept(self, items: Sequence[Item]) -> None:
        self._relays.keep(items)
        self._ready.set()

    async def _send(self, up: Session) -> None:
        while True:
            self._ready.clear()
            message = self._relays.next(self._clock.monotonic())
            if message is None:
                await self._ready.wait()
            else:
                await self._publish(up, message)

    async def _publish(self, up: Session, message: Message) -> None:
        bodies = await self._store.read([item.key for item in message.items])
        items = tuple(
            Relayed(item.ward, item.key.edge, item.key.lane, item.received_ms, body)
            for item, body in zip(message.items, bodies, strict=True)
            if body is not None  # confirmed meanwhile
        )
        if items:
            await self._up_publish(up, message.partition, Relay(self._settings.gateway_id, self._ms(), items))

    async def _beat(self, up: Session) -> None:
        while True:
            relay = Relay(self._settings.gateway_id, self._ms(), health=self._health())
            await self._up_publish(up, 0, relay)
            await asyncio.sleep(self._settings.heartbeat_s)

    async def _up_publish(self, up: Session, partition: int, relay: Relay) -> None:
        await up.publish(topics.upstream(partition, self._settings.gateway_id), encode_relay(relay))

    def _health(self) -> GatewayHealth:
        relays = self._relays
        return GatewayHealth(
            uptime_s=int(self._clock.monotonic() - self._began_s),
            spooled=relays.bodies,
            dropped=relays.dropped,
            refused=dict(relays.refused),
            version=VERSION,
        )

    def _ms(self) -> int:
        return to_ms(self._clock.now())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._relays.tick(self._clock.monotonic())
            self._ready.set()
            self._read_edges()

    def _read_edges(self) -> None:
        path = self._settings.edges_file
        if path is None:
            return
        try:
            stamp = path.stat().st_mtime_ns
            if stamp != self._edges_stamp:
                self._relays.allowed = read_edges(path)
                self._edges_stamp = stamp
        except (OSError, ConfigError) as error:
            if self._relays.allowed is None:
                raise ConfigError(f"{path}: the list of edges cannot be read") from error
            if self._edges_stamp != -1:
                self._edges_stamp = -1
                log.warning("the list of edges cannot be read; the last one stays", extra={"error": str(error)})


def build(settings: GatewaySettings) -> Gateway:
    """The gateway that a configuration asks for; raises ConfigError."""
    spool = Spool(settings.data / "spool.db", refused=settings.spool.refused)
    return Gateway(
        settings,
        spool=spool,
        down=MqttBroker(settings.broker, settings.gateway, settings.data),
        up=MqttBroker(settings.upstream, settings.gateway, settings.data) if settings.upstream else None,
        clock=SystemClock(),
    )

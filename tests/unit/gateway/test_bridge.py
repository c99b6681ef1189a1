"""A gateway between two brokers: facts and status go up, confirms and commands come down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

from ancu.gateway.app import Gateway
from ancu.gateway.config import GatewaySettings
from ancu.gateway.ports import Broker, Delivery, Session
from ancu.gateway.spool import Spool
from ancu.models import topics
from ancu.models.clock import SystemClock
from ancu.models.ids import EdgeId, WardCode
from ancu.models.mqtt import BrokerSettings
from ancu.models.topics import Lane
from ancu.models.wire import (
    BatchHeader,
    Confirmation,
    EdgeStarted,
    decode_relay,
    encode_confirm,
    pack_record,
    seal_batch,
)

WARD, EDGE, KEY = WardCode("ward-1"), EdgeId("edge-1"), bytes(32)


class FakeBroker(Broker, Session):
    """One session that stays; what is published is kept, what is put into `inbox` comes in."""

    def __init__(self) -> None:
        self.filters: list[str] = []
        self.published: list[Delivery] = []
        self.inbox: asyncio.Queue[Delivery] = asyncio.Queue()

    async def run(self, converse: Callable[[Session], Awaitable[None]]) -> None:
        await converse(self)

    async def subscribe(self, filters: Sequence[str]) -> None:
        self.filters += filters

    async def publish(self, topic: str, body: bytes, *, retain: bool = False) -> None:
        self.published.append(Delivery(topic, body, retain))

    async def deliveries(self) -> AsyncIterator[Delivery]:
        while True:
            yield await self.inbox.get()


async def test_facts_and_status_go_up_and_confirms_and_commands_come_down(tmp_path: Path):
    own = BrokerSettings(host="", port=1, ca_file=tmp_path, cert_file=tmp_path, key_file=tmp_path)
    settings = GatewaySettings(gateway="gw-1", wards=(WARD,), data=tmp_path, broker=own, upstream=own)
    below, above = FakeBroker(), FakeBroker()
    spool = Spool(tmp_path / "spool.db", refused=3)
    gateway = asyncio.create_task(Gateway(settings, spool=spool, down=below, up=above, clock=SystemClock()).run())
    record = pack_record(EdgeStarted(1, "0"))
    body = seal_batch(BatchHeader(EDGE, Lane.STATE, 5, 1, 1, 1, 0), [record], KEY)
    facts = Delivery(topics.facts(WARD, EDGE, Lane.STATE), body)
    status = Delivery(topics.status(WARD, EDGE), b"{}", retain=True)
    confirm = Delivery(topics.confirm(WARD, EDGE), encode_confirm(Confirmation(EDGE, Lane.STATE, 5, 1), KEY))
    command = Delivery(topics.command(WARD, EDGE), b"anything", retain=True)

    await asyncio.sleep(0.05)
    for delivery in (facts, status):
        below.inbox.put_nowait(delivery)
    async with asyncio.timeout(5):
        while len(above.published) < 3:  # noqa: ASYNC110 - a fake has no event to wait for
            await asyncio.sleep(0.01)
    assert status in above.published
    relayed = [item for sent in above.published if sent != status for item in decode_relay(sent.body).items]
    assert [item.body for item in relayed] == [body]

    for delivery in (confirm, command):
        above.inbox.put_nowait(delivery)
    async with asyncio.timeout(5):
        while len(below.published) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert [(sent.topic, sent.body, sent.retain) for sent in below.published] == [
        (confirm.topic, confirm.body, False),
        (command.topic, command.body, False),
    ]
    assert not any(topic.endswith("confirm") for topic in below.filters)
    gateway.cancel()
    await asyncio.gather(gateway, return_exceptions=True)
    left = Spool(tmp_path / "spool.db", refused=3)
    assert left.items() == []
    left.close()

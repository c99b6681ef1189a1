"""Edge, gateway and a server that confirms, over a real broker."""

from __future__ import annotations

import asyncio

import aiomqtt
import pytest

from ancu.gateway.spool import Spool
from ancu.models import topics
from ancu.models.mqtt import Link, subscribe
from ancu.models.topics import Lane
from ancu.models.wire import EdgeHeartbeat, EdgeStarted, EdgeStatus, Unseen, decode_status
from ancu.server.adapters.broker import Broker

from .conftest import BAND, EDGE, IDENTITY, WARD, FakeRadio, House, until

pytestmark = pytest.mark.timeout(150)  # several processes and a broker, on machines that do other things too


async def test_what_the_radio_hears_the_server_gets_and_the_edge_then_forgets(house: House, fake_radio: FakeRadio):
    server = house.server()
    house.start(server.run())
    house.start(house.gateway().run())
    agent = house.edge(fake_radio)
    house.start(agent.run())
    await until(lambda: fake_radio.starts > 0)
    said = [fake_radio.advert(urgent=True) for _ in range(5)]
    await until(lambda: set(said) <= set(server.bodies()))
    await until(lambda: any(isinstance(fact, EdgeStarted) for fact in server.facts()))
    await until(lambda: any(isinstance(fact, EdgeHeartbeat) for fact in server.facts()))
    held = agent._recorder.journal.held
    await until(lambda: agent._recorder.journal.held[Lane.ALARM].base == 6)
    assert held[Lane.ALARM].next == 6
    await until(lambda: any(relay.health for relay in server.relays))
    assert server.gaps == 0


async def test_what_was_said_without_a_link_arrives_within_ten_seconds_of_its_return(
    house_without_broker: House, fake_radio: FakeRadio
):
    house = house_without_broker
    server = house.server()
    for part in (server.run(), house.gateway().run(), house.edge(fake_radio).run()):
        house.start(part)
    await until(lambda: fake_radio.starts > 0)
    said = [fake_radio.advert(urgent=True) for _ in range(5)]
    await asyncio.sleep(2)
    async with Broker(house.nats):
        await until(lambda: set(said) <= set(server.bodies()), within_s=10)
        for task in list(house.tasks):
            await house.stop(task)


async def test_a_server_that_comes_back_gets_from_the_gateway_what_it_missed_in_time(
    house: House, fake_radio: FakeRadio
):
    server = house.server()
    server.mute = True
    for part in (server.run(), house.gateway().run()):
        house.start(part)
    agent = house.start(house.edge(fake_radio).run())
    await until(lambda: fake_radio.starts > 0)
    said = fake_radio.advert(urgent=True)
    await until(lambda: said in server.bodies())
    await house.stop(agent)  # the home's power is cut: only the gateway has it now
    server.records.clear()
    server.mute = False
    await until(lambda: said in server.bodies(), within_s=10)


async def test_garbage_on_an_edges_topic_is_kept_aside_and_stops_nothing(house: House, fake_radio: FakeRadio):
    server = house.server()
    gateway = house.gateway()
    for part in (server.run(), gateway.run()):
        house.start(part)

    async def shout(client: aiomqtt.Client) -> None:
        for garbage in (b"", b"garbage" * 10, b"AB" + bytes(100)):
            await client.publish(topics.facts(WARD, EDGE, Lane.ALARM), garbage, qos=1)
        await asyncio.sleep(60)

    await until(lambda: bool(server.relays))  # the gateway listens
    attacker = house.start(Link(house.broker_of(EDGE), "edge-1-attacker").run(shout))
    await until(lambda: any(relay.health and sum(relay.health.refused.values()) == 3 for relay in server.relays))
    await house.stop(attacker)
    house.start(house.edge(fake_radio).run())
    await until(lambda: fake_radio.starts > 0)
    said = fake_radio.advert(urgent=True)
    await until(lambda: said in server.bodies())
    spool = Spool(house.folder / "gw-1" / "spool.db", refused=10)
    assert [aside.reason for aside in spool.refused()] == ["short", "magic", "version"]
    spool.close()


async def test_a_band_that_leaves_is_stated_unseen_after_a_restarted_scan(house: House, fake_radio: FakeRadio):
    server = house.server()
    for part in (server.run(), house.gateway().run(), house.edge(fake_radio).run()):
        house.start(part)
    await until(lambda: fake_radio.starts > 0)
    fake_radio.advert()
    await until(lambda: any(isinstance(fact, Unseen) for fact in server.facts()))
    unseen = next(fact for fact in server.facts() if isinstance(fact, Unseen))
    assert unseen.band == BAND
    assert unseen.last_heard_ms is not None
    assert unseen.rescans >= 1
    assert fake_radio.starts >= 2


async def test_a_stopped_edge_says_goodbye_and_a_dead_one_has_a_last_will(house: House, fake_radio: FakeRadio):
    status: list[EdgeStatus] = []

    async def watch(client: aiomqtt.Client) -> None:
        await subscribe(client, [topics.status(WARD, EDGE)])
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            status.append(decode_status(message.payload))

    house.start(Link(house.broker_of("server"), "server-watch").run(watch))
    agent = house.start(house.edge(fake_radio).run())
    await until(lambda: [each.online for each in status[-1:]] == [True])
    await house.stop(agent)
    await until(lambda: [each.online for each in status[-1:]] == [False])


async def test_a_band_added_while_the_edge_runs_is_heard_without_a_restart(house: House, fake_radio: FakeRadio):
    server = house.server()
    for part in (server.run(), house.gateway().run(), house.edge(fake_radio).run()):
        house.start(part)
    await until(lambda: fake_radio.starts > 0)
    house.write_bands({BAND: bytes(16)})
    await asyncio.sleep(1)
    strange = fake_radio.advert(urgent=True)
    house.write_bands({BAND: IDENTITY})
    await asyncio.sleep(1)
    known = fake_radio.advert(urgent=True)
    await until(lambda: known in server.bodies())
    assert strange not in server.bodies()

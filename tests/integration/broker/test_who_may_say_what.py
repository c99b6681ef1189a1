from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest

from ancu.server.adapters.broker import Broker
from ancu.server.adapters.pki import Authority

from .conftest import WARD, House


@pytest.fixture
async def running(house: House) -> AsyncIterator[House]:
    async with Broker(house.settings):
        yield house


async def heard(client: aiomqtt.Client, for_s: float = 0.5) -> list[tuple[str, bytes]]:
    got: list[tuple[str, bytes]] = []
    try:
        async with asyncio.timeout(for_s):
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                got.append((str(message.topic), message.payload))
    except TimeoutError:
        pass
    return got


async def refused(client: aiomqtt.Client, topic: str) -> bool:
    codes = await client.subscribe(topic, qos=1)
    return codes[0].value >= 0x80 if hasattr(codes[0], "value") else codes[0] >= 0x80


async def test_the_whole_chain_of_topics_is_open_to_those_it_is_meant_for(running: House) -> None:
    async with running.client("gw-1") as gateway, running.client("home-a") as edge, running.client("server") as server:
        for leaf in ("facts/+", "status", "confirm"):
            assert not await refused(gateway, f"ancu/v1/{WARD}/+/{leaf}")
        for leaf in ("confirm", "command"):
            assert not await refused(edge, f"ancu/v1/{WARD}/home-a/{leaf}")
        for topic in ("ancu/v1/up/#", "ancu/v1/+/+/status"):
            assert not await refused(server, topic)
        await edge.publish(f"ancu/v1/{WARD}/home-a/facts/alarm", b"fact", qos=1)
        await edge.publish(f"ancu/v1/{WARD}/home-a/status", b"online", qos=1, retain=True)
        await gateway.publish("ancu/v1/up/3/gw-1", b"relay", qos=1)
        await server.publish(f"ancu/v1/{WARD}/home-a/confirm", b"confirm", qos=1)
        at_gateway, at_edge, at_server = await asyncio.gather(heard(gateway), heard(edge), heard(server))
    assert {body for _, body in at_gateway} == {b"fact", b"online", b"confirm"}
    assert at_edge == [(f"ancu/v1/{WARD}/home-a/confirm", b"confirm")]
    assert {body for _, body in at_server} == {b"relay", b"online"}


async def test_an_edge_is_not_delivered_on_anothers_branch(running: House) -> None:
    async with running.client("gw-1") as gateway, running.client("home-a") as edge:
        await gateway.subscribe(f"ancu/v1/{WARD}/+/facts/+", qos=1)
        await edge.publish(f"ancu/v1/{WARD}/home-b/facts/alarm", b"forged", qos=1)
        await edge.publish(f"ancu/v1/{WARD}/home-b/confirm", b"forged", qos=1)
        await edge.publish("ancu/v1/up/3/gw-1", b"forged", qos=1)
        await edge.publish(f"ancu/v1/{WARD}/home-a/facts/alarm", b"own", qos=1)
        assert await heard(gateway) == [(f"ancu/v1/{WARD}/home-a/facts/alarm", b"own")]


@pytest.mark.parametrize(
    "topic",
    [
        f"ancu/v1/{WARD}/home-b/confirm",
        f"ancu/v1/{WARD}/+/confirm",
        f"ancu/v1/{WARD}/home-b/facts/+",
        "ancu/v1/up/#",
        "#",
        "+/v1/#",
        "$MQTT/#",
        "$MQTT/sub/#",
        "$SYS/#",
    ],
)
async def test_an_edge_cannot_listen_beyond_its_branch(running: House, topic: str) -> None:
    async with running.client("home-a") as edge:
        assert await refused(edge, topic)


async def test_a_gateway_cannot_speak_for_another_nor_confirm(running: House) -> None:
    async with running.client("server") as server, running.client("gw-1") as gateway, running.client("home-a") as edge:
        await server.subscribe("ancu/v1/up/#", qos=1)
        await edge.subscribe(f"ancu/v1/{WARD}/home-a/confirm", qos=1)
        await gateway.publish("ancu/v1/up/3/gw-2", b"forged", qos=1)
        await gateway.publish(f"ancu/v1/{WARD}/home-a/confirm", b"forged", qos=1)
        await gateway.publish("ancu/v1/up/3/gw-1", b"own", qos=1)
        assert await heard(server) == [("ancu/v1/up/3/gw-1", b"own")]
        assert await heard(edge, 0.1) == []


async def test_no_certificate_is_refused(running: House) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with running.anonymous():
            pass


async def test_a_certificate_of_another_authority_is_refused(running: House, tmp_path: Path) -> None:
    other = Authority.create(tmp_path / "other", "other")
    with pytest.raises(aiomqtt.MqttError):
        async with running.client("home-a", running.issue("home-a", other)):
            pass


async def test_a_certificate_that_the_register_does_not_know_is_refused(running: House) -> None:
    issued = running.authority.issue_device("home-a", running.folder / "x.crt", running.folder / "x.key")
    with pytest.raises(aiomqtt.MqttError):
        async with running.client("home-a", issued):
            pass


async def test_plain_text_is_refused(running: House) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client("127.0.0.1", running.port, identifier="home-a-plain", timeout=2):
            pass

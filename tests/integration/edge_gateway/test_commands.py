"""Commands over a real broker: the server's word changes what an edge knows, and its heartbeat shows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import aiomqtt

from ancu.edge.agent import Agent
from ancu.edge.config import read_bands
from ancu.models import topics
from ancu.models.commands import BANDS, Command, SetBands, bands_mark, seal_command
from ancu.models.ids import BandNumber
from ancu.models.keys import derive_edge_keys
from ancu.models.mqtt import Link, publish
from ancu.models.wire import EdgeHeartbeat

from .conftest import EDGE, EDGE_KEY, WARD, FakeRadio, House, LittleServer, until

NEW = {BandNumber(77): bytes([77]) * 16}


@dataclass
class Voice:
    """The server's own client on the command topic."""

    house: House
    client: aiomqtt.Client | None = None

    async def run(self) -> None:
        async def session(client: aiomqtt.Client) -> None:
            self.client = client
            async for _ in client.messages:
                pass

        await Link(self.house.broker_of("server"), "server-voice").run(session)

    async def say(self, counter: int, command: Command, key: bytes = EDGE_KEY) -> None:
        await until(lambda: self.client is not None)
        assert self.client is not None
        body = seal_command(EDGE, counter, command, derive_edge_keys(key).down)
        await publish(self.client, topics.command(WARD, EDGE), body)


def marks(server: LittleServer) -> list[int | None]:
    return [fact.applied.get(BANDS) for fact in server.facts() if isinstance(fact, EdgeHeartbeat)]


def start(house: House) -> tuple[LittleServer, Voice, Agent, Path]:
    agent = house.edge(FakeRadio())
    server, voice = house.server(), Voice(house)
    for part in (server.run(), house.gateway().run(), agent.run(), voice.run()):
        house.start(part)
    return server, voice, agent, house.folder / "bands.toml"


async def test_the_bands_of_a_home_change_by_command_and_the_heartbeat_says_so(house: House):
    server, voice, _, file = start(house)
    await until(lambda: bool(marks(server)))
    assert bands_mark(NEW) not in marks(server)
    await voice.say(10, SetBands(dict(NEW)))
    await until(lambda: bands_mark(NEW) in marks(server))
    assert read_bands(file) == NEW


async def test_nobody_but_the_server_commands_and_nothing_is_taken_twice(house: House):
    server, voice, agent, file = start(house)
    await until(lambda: bool(marks(server)))
    assert agent._commanded is not None
    refused = agent._commanded.refused
    before = read_bands(file)
    await voice.say(10, SetBands({}), key=bytes(32))
    await until(lambda: refused["seal"] == 1)
    assert read_bands(file) == before
    await voice.say(11, SetBands(dict(NEW)))
    await until(lambda: read_bands(file) == NEW)
    await voice.say(11, SetBands({}))
    await until(lambda: refused["replay"] == 1)
    assert read_bands(file) == NEW

"""Edge, gateway and a server that confirms, over a real broker."""

from __future__ import annotations

from ancu.models.topics import Lane
from ancu.models.wire import EdgeHeartbeat, EdgeStarted

from .conftest import FakeRadio, House, until


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

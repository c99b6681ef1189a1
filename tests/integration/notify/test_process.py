"""The server's own process: a strap is cut, and an officer's telephone says so."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import signal
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import aiomqtt
import pytest

from ancu.models.clock import to_ms
from ancu.models.config import read_secret
from ancu.models.frame import Status
from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode
from ancu.models.keys import derive_band_keys, derive_edge_keys
from ancu.models.mqtt import BrokerSettings, tls_context
from ancu.models.topics import Lane, upstream
from ancu.server.bench.fleet import FINE, Band, Home, relay_of
from ancu.server.notify.rota import Rota
from ancu.server.people.register import Register
from ancu.server.people.setup import Installation, make_installation
from tests.integration.processes import process

from .conftest import Certificates, HttpDouble, Reply

CUT = dataclasses.replace(FINE, status=Status.SKIN | Status.STRAP_OPEN)


async def page(made: Installation, path: str) -> str:
    """A page of the server; empty while it does not answer."""

    def ask() -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{made.ports.server}{path}", timeout=2) as answer:
                return answer.read().decode()
        except OSError:
            return ""

    return await asyncio.to_thread(ask)


async def until(what: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not await what():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.1)


async def say(made: Installation, home: Home, reading: object, lane: Lane) -> None:
    """What the home's edge would say, through its gateway."""
    folder = made.gateway_toml.parent
    broker = BrokerSettings(
        host="127.0.0.1", port=made.ports.broker, ca_file=folder / "ca.crt", cert_file=folder / "client.crt",
        key_file=folder / "client.key",
    )  # fmt: skip
    async with aiomqtt.Client(
        broker.host, broker.port, identifier=f"{made.gateway}-test", tls_context=tls_context(broker), timeout=5
    ) as client:
        at_ms = to_ms(datetime.now(UTC)) - (0 if lane is Lane.ALARM else 2000)  # a second has one frame
        heard = home.bands[0].heard(at_ms, reading, urgent=lane is Lane.ALARM)
        topic, body = relay_of([home.batch([heard], lane=lane)], home.gateway)
        await client.publish(upstream(topic.partition, topic.gateway), body, qos=1)


def home_of(made: Installation, register: Register) -> Home:
    citizen = made.citizens[0]
    order = OrderId(citizen.order)
    keys = derive_band_keys(register.devices.band_key(BandNumber(citizen.band)), order)
    edge_key = bytes.fromhex(read_secret(made.edge_toml(citizen.home).parent / "edge.key").decode())
    band = Band(BandNumber(citizen.band), order, citizen.person, keys, b"\x40abcde")
    return Home(
        EdgeId(citizen.home), WardCode(citizen.ward), GatewayId(made.gateway), derive_edge_keys(edge_key), [band], 77
    )


@pytest.mark.timeout(200)
async def test_a_cut_strap_rings_a_telephone_and_says_nothing_of_the_person(
    tmp_path: Path, https: HttpDouble, certificates: Certificates
):
    made = make_installation(tmp_path / "here", homes=1)
    https.replies = [Reply(503)]
    with made.server_toml.open("a", encoding="utf-8") as file:
        file.write(
            f'\n[notify]\nlink = "https://ancu.example"\nretry_first_s = 0.2\n[notify.sms]\nurl = "{https.url}/sms"\n'
            f'ca_file = "{certificates.ca_file}"\nfields = {{ to = "{{to}}", text = "{{text}}" }}\n'
        )
    register = Register.open(made.root / "server" / "data", actor="test")
    home = home_of(made, register)
    for officer in register.officers.all():
        Rota(register.ledger).set_contact(officer.login, "sms", "0900000001")
    register.connection.close()
    log, config = tmp_path / "log", str(made.server_toml)
    async with (
        process(log, "broker", "run", "--config", str(made.broker_toml)),
        process(log, "server", "run", "--config", config) as server,
    ):

        async def ready() -> bool:
            return bool(await page(made, "/readyz"))

        async def told() -> bool:
            return len(https.requests) >= 2

        async def settled() -> bool:
            return 'ancu_deliveries_total{channel="sms",state="sent"}' in await page(made, "/metrics")

        await until(ready)
        await say(made, home, FINE, Lane.STATE)
        await say(made, home, CUT, Lane.ALARM)
        await until(told)
        await until(settled)
        text = json.loads(https.requests[-1].body)["text"]
        assert "Dây vòng tay bị cắt" in text
        assert "https://ancu.example/alerts/" in text
        for private in (home.bands[0].person, "Nguyễn", "Nhà mẫu"):
            assert private not in text
        metrics = await page(made, "/metrics")
        assert 'ancu_deliveries_total{channel="sms",state="failed"} 1.0' in metrics
        assert "ancu_delivery_queue_age_seconds" in metrics
        server.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(server.wait(), 30) == 0
    said = log.read_text("utf-8")
    assert "0900000001" not in said
    assert "trace" not in said, said

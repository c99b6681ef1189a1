"""The server's own process on a real broker: ready, confirm, alert, stop."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from ancu.models.topics import Lane, confirm, upstream
from ancu.models.wire import Confirmation, decode_confirm
from ancu.server.bench.fleet import FINE, Band, Home, relay_of
from ancu.server.people.register import Register
from ancu.server.people.setup import Installation, make_installation
from tests.integration.processes import process

CUT = dataclasses.replace(FINE, status=Status.SKIN | Status.STRAP_OPEN)


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


async def until_ready(made: Installation, log: Path) -> None:
    for _ in range(150):
        status, _ = await asyncio.to_thread(get, f"http://127.0.0.1:{made.ports.server}/readyz")
        if status == 200:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(log.read_text())  # noqa: ASYNC240 - it is over


def home_of(made: Installation) -> Home:
    """The first home, as its edge would be: with the real keys of the installation."""
    citizen = made.citizens[0]
    root = made.edge_toml(citizen.home).parent
    register = Register.open(made.root / "server" / "data", actor="test")
    band_key = register.devices.band_key(BandNumber(citizen.band))
    register.connection.close()
    order = OrderId(citizen.order)
    band = Band(BandNumber(citizen.band), order, citizen.person, derive_band_keys(band_key, order), b"\x40abcde")
    edge_key = bytes.fromhex(read_secret(root / "edge.key").decode())
    return Home(
        EdgeId(citizen.home), WardCode(citizen.ward), GatewayId(made.gateway), derive_edge_keys(edge_key), [band], 77
    )


@asynccontextmanager
async def gateway(made: Installation) -> AsyncIterator[aiomqtt.Client]:
    """The gateway's certificate in the hands of a test."""
    folder = made.gateway_toml.parent
    broker = BrokerSettings(
        host="127.0.0.1",
        port=made.ports.broker,
        ca_file=folder / "ca.crt",
        cert_file=folder / "client.crt",
        key_file=folder / "client.key",
    )
    async with aiomqtt.Client(
        broker.host, broker.port, identifier=f"{made.gateway}-test", tls_context=tls_context(broker), timeout=5
    ) as client:
        yield client


async def relay(client: aiomqtt.Client, home: Home, *heard: object, lane: Lane = Lane.ALARM) -> Confirmation:
    """Publish a batch and give back the confirm that the server answers."""
    topic, body = relay_of([home.batch(heard, lane=lane)], home.gateway)  # type: ignore[arg-type]
    await client.publish(upstream(topic.partition, topic.gateway), body, qos=1)
    message = await asyncio.wait_for(anext(client.messages), 5)
    assert isinstance(message.payload, bytes)
    return decode_confirm(message.payload, home.keys.down)


@pytest.mark.timeout(60)
async def test_the_process_confirms_judges_survives_a_kill_and_stops_quickly(tmp_path: Path):
    made = make_installation(tmp_path / "here", homes=1)
    home, log = home_of(made), tmp_path / "log"
    config = str(made.server_toml)
    async with process(log, "broker", "run", "--config", str(made.broker_toml)):
        async with process(log, "server", "run", "--config", config) as server, gateway_ready(made, log) as client:
            await client.subscribe(confirm(home.ward, home.edge), qos=1)
            await client.publish(upstream(0, home.gateway), b"noise", qos=1)
            now = to_ms(datetime.now(UTC))
            first = home.bands[0].heard(now - 2000)
            assert (await relay(client, home, first, lane=Lane.STATE)).upto == 1
            server.kill()
            await server.wait()
        async with process(log, "server", "run", "--config", config) as server, gateway_ready(made, log) as client:
            await client.subscribe(confirm(home.ward, home.edge), qos=1)
            assert (await relay(client, home, first, lane=Lane.STATE)).upto == 2
            cut = home.bands[0].heard(to_ms(datetime.now(UTC)), CUT, urgent=True)
            assert (await relay(client, home, cut)).upto == 1
            began = time.monotonic()
            server.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(server.wait(), 6) == 0
            assert time.monotonic() - began < 5
    database = sqlite3.connect(made.root / "server" / "data" / "ancu.db")
    assert database.execute("SELECT count(*) FROM alerts WHERE kind = 'strap_cut'").fetchone() == (1,)
    assert database.execute("SELECT count FROM counters WHERE name = 'frames_refused'").fetchone() == (1,)
    assert database.execute("SELECT count(*) FROM aside").fetchone() == (1,)
    database.close()
    verified = await asyncio.to_thread(
        subprocess.run,
        [
            sys.executable,
            "-c",
            "from ancu.server.cli.audit import audit; audit()",
            "verify",
            "--config",
            config,
            "--json",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(verified.stdout)["ok"], verified.stderr
    assert "trace" not in log.read_text(), log.read_text()


@asynccontextmanager
async def gateway_ready(made: Installation, log: Path) -> AsyncIterator[aiomqtt.Client]:
    await until_ready(made, log)
    async with gateway(made) as client:
        yield client

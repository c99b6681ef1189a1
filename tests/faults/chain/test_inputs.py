"""Garbage at every door of a running installation: counted or answered, never a trace, and good data goes on."""

from __future__ import annotations

import asyncio
import http.client
import random
import re
import socket
from collections import Counter
from pathlib import Path
from urllib.request import urlopen

import aiomqtt
import pytest

from ancu.models import topics
from ancu.models.ids import EdgeId, GatewayId, WardCode, partition_of
from ancu.models.mqtt import BrokerSettings, tls_context
from ancu.models.topics import Lane
from ancu.models.wire import MAX_BATCH_BYTES, Relay, Relayed, encode_relay
from ancu.server.demo.chain import Chain
from ancu.server.people.setup import Installation

from .conftest import Maker, alerts, complaints, until, verify_audit
from .evidence import look

DICE = random.Random(11)
REASONS = {"short", "magic", "version", "layout", "seal", "topic", "too_large", "unknown_edge", "critical"}


def noise() -> list[bytes]:
    """Bodies of many sizes, some of which begin as ours do."""
    bodies = [b"", b"\0", b"AB", b"AK", b"{}", b"[]", b"null", b"\xff" * 9, b"[" * 20_000, b"\x91" * 20_000]
    bodies += [DICE.randbytes(size) for size in (1, 7, 40, 64, 500, 5000)]
    bodies += [head + DICE.randbytes(200) for head in (b"AB\x01\x01", b"AB\x01\x02", b"AB\x02", b"AK\x01\x01", b"\x85")]
    return bodies


def refused(chain: Chain) -> Counter[str]:
    """Bodies that the server refused, by reason."""
    with urlopen(f"{chain.url}/metrics", timeout=5) as answer:  # noqa: S310 - our own server
        text = answer.read().decode()
    found = re.findall(r'^ancu_bodies_refused_total\{of="(\w+)"\} ([\d.]+)', text, re.MULTILINE)
    return Counter({reason: int(float(count)) for reason, count in found})


async def publish(made: Installation, folder: Path, name: str, said: list[tuple[str, bytes]]) -> None:
    """Publish with the certificate of a device; the broker acknowledges also what it drops."""
    broker = BrokerSettings(
        host="127.0.0.1",
        port=made.ports.broker,
        ca_file=folder / "ca.crt",
        cert_file=folder / "client.crt",
        key_file=folder / "client.key",
    )
    tls = tls_context(broker)
    async with aiomqtt.Client(broker.host, broker.port, identifier=f"{name}-intruder", tls_context=tls) as client:
        for topic, body in said:
            await client.publish(topic, body, qos=1)


def doors(made: Installation) -> tuple[list[str], list[str]]:
    """Topics that an edge and a gateway try: their own, and everybody else's."""
    ward, edge, gateway = WardCode(made.citizens[0].ward), EdgeId(made.homes[0]), GatewayId(made.gateway)
    own = [topics.facts(ward, edge, lane) for lane in Lane] + [topics.status(ward, edge)]
    others = [
        topics.confirm(ward, edge),
        topics.command(ward, edge),
        topics.facts(ward, EdgeId("home-999"), Lane.ALARM),
    ]
    up = [topics.upstream(partition_of(edge), gateway), topics.upstream(0, gateway)]
    odd = [f"ancu/v1/up/{partition}/{gateway}" for partition in ("64", "-1", "x", "\u0663", "9" * 5000)]
    return own + others + up, up + odd + own + others + [topics.upstream(0, GatewayId("gw-9"))]


def relays(made: Installation) -> list[bytes]:
    """Relays that can be read, of batches that cannot."""
    ward, edge, gateway = WardCode(made.citizens[0].ward), EdgeId(made.homes[0]), GatewayId(made.gateway)
    bodies = [*noise(), b"AB" + b"\0" * (MAX_BATCH_BYTES + 1)]
    items = tuple(Relayed(ward, edge, Lane.STATE, 0, body) for body in bodies)
    stranger = Relayed(ward, EdgeId("home-999"), Lane.ALARM, -1, b"AB")
    return [
        encode_relay(Relay(gateway, 0, (*items, stranger))),
        encode_relay(Relay(GatewayId("gw-9"), 0, items)),
        encode_relay(Relay(gateway, -(2**62), (stranger,) * 500)),
    ]


@pytest.mark.timeout(120)
async def test_garbage_from_devices_and_the_web_stops_nothing(installation: Maker):
    made = installation(homes=1)
    async with Chain(made) as chain:
        officer = await chain.province()
        await chain.first_readings(officer, 60)
        by_edge, by_gateway = doors(made)
        edge, gateway = made.root / made.homes[0], made.root / made.gateway
        await publish(made, edge, made.homes[0], [(topic, body) for topic in by_edge for body in noise()])
        said = [(topic, body) for topic in by_gateway for body in noise()]
        said += [(by_gateway[0], relay) for relay in relays(made)]
        await publish(made, gateway, made.gateway, said)
        await until(lambda: refused(chain).keys() >= {"layout", "topic", "short", "unknown_edge"}, 15, "not counted")

        await asyncio.to_thread(knock, chain)
        band = "/api/v1/devices?kind=band&limit=1"
        before = (await officer.get(band))["items"][0]["last_seen_at"]
        await until(lambda: _moved(officer, band, before), 15, "the band is not heard any more")
        counted = refused(chain)
        told = await alerts(chain, officer)
        restarts = {name: child.restarts for name, child in chain.children.all.items() if child.restarts}
    assert restarts == {}
    assert counted.keys() <= REASONS
    assert set(told) <= {("technical", 1)}
    assert max(told.values(), default=0) <= 1
    assert look(made.root, made).wrong == []
    assert verify_audit(made)["ok"] is True
    assert complaints(made, disturbed=True) == []


def knock(chain: Chain) -> None:
    """Everything that is no HTTP, and HTTP that makes no sense; nothing is answered with a fault of ours."""
    lines = [
        b"\0" * 5000, b"GET", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 500, b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", DICE.randbytes(4000),
        b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * 200_000 + b"\r\n\r\n",
    ]  # fmt: skip
    for line in lines:
        with socket.create_connection((chain.host, chain.made.ports.server), timeout=5) as door:
            try:
                door.sendall(line)
                door.shutdown(socket.SHUT_WR)
                answer = door.recv(1000)
            except (ConnectionError, BrokenPipeError):
                continue
            assert not answer.startswith(b"HTTP/1.1 5"), (line[:60], answer)
    paths = [
        "/%00", "/%ff%fe", "/../../etc/passwd", "/static/../../../etc/passwd", "/static/%2e%2e/%2e%2e/x", "/alerts/%00",
        "/api/v1/alerts?limit=-1", "/api/v1/alerts?cursor=%ff", "/api/v1/alerts/x:acknowledge", "/api/v1/me", "/me",
        "/api/v1/readings?band=wb-99999999999&from=x&to=y&every=0", "/api/v1/alerts/stream",
        "/login?next=//evil.example",
    ]  # fmt: skip
    bodies: list[tuple[bytes, dict[str, str]]] = [
        (b"", {}),
        (DICE.randbytes(3000), {"Content-Type": "application/json"}),
        (b"[" * 50_000, {"Content-Type": "application/json", "Idempotency-Key": "k"}),
        (b"csrf=%ff&login=%00&password=" + b"x" * 5000, {"Content-Type": "application/x-www-form-urlencoded"}),
        (b"--x\r\n\r\n", {"Content-Type": "multipart/form-data; boundary=x", "Cookie": "\xff=\xff; ;;="}),
        (b"{}", {"Authorization": "Bearer \xff", "Last-Event-ID": "9" * 5000, "Accept-Language": ",;q=x" * 300}),
    ]
    for path in [*paths, "/login", "/enter"]:
        for method in ("GET", "POST", "DELETE", "NO-SUCH"):
            for body, headers in bodies if method == "POST" else [bodies[0], (b"", bodies[-1][1])]:
                connection = http.client.HTTPConnection(chain.host, chain.made.ports.server, timeout=5)
                try:
                    connection.request(method, path, body, headers)
                    status = connection.getresponse().status
                    assert 300 <= status < 500 or path in {"/login?next=//evil.example", "/login", "/enter"}, (
                        path,
                        status,
                    )
                    assert status < 500, (method, path, headers, status)
                finally:
                    connection.close()


async def _moved(officer: object, path: str, before: str) -> bool:
    return bool((await officer.get(path))["items"][0]["last_seen_at"] != before)  # type: ignore[attr-defined]

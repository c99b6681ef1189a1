"""A link to a broker: mutual TLS, a client id that nobody can guess, and a session that is taken up again by itself."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import aiomqtt

from ancu.models.config import Host, Port, Settings, read_secret, write_secret
from ancu.models.errors import AncuError, ConfigError

__all__ = ["BrokerSettings", "Link", "LinkLost", "client_id", "publish", "subscribe", "tls_context", "try_link"]

log = logging.getLogger(__name__)
_client_log = logging.getLogger(f"{__name__}.client")
_client_log.setLevel(logging.CRITICAL)  # a line for each discarded message would be a flood of its own

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0  # facts have to flow within 10 s after a link heals
STEADY_S = 10.0  # a session that lasted so long starts the back-off anew
ANSWER_S = 5.0  # for a broker to answer anything; a slower one is taken for lost
INCOMING = 10_000  # messages waiting to be read; bounds what a flood costs, and what is discarded comes again
KEEPALIVE_S = 15  # a dead peer is noticed within twice this, sooner when something is published


class BrokerSettings(Settings, frozen=True):
    """Where a broker listens, and who we are to it."""

    host: Host
    port: Port
    ca_file: Path
    cert_file: Path
    key_file: Path


class LinkLost(AncuError):
    """The session cannot go on; the link reconnects."""

    code = "link_lost"


class Link:
    """Keeps one session with a broker alive. `connected` says whether there is one now."""

    def __init__(self, broker: BrokerSettings, identifier: str, *, will: aiomqtt.Will | None = None) -> None:
        self.connected = False
        self._broker = broker
        self._identifier = identifier
        self._will = will
        self._said: str | None = None  # what the log knows: None is 'nothing yet'
        self._random = random.SystemRandom()

    async def run(self, session: Callable[[aiomqtt.Client], Awaitable[None]]) -> None:
        """Connect and hold `session`, again and again with growing waits, until cancelled; raises ConfigError."""
        tls = tls_context(self._broker)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - inside a coroutine
        cancelled = task.cancelling()
        wait_s = FIRST_WAIT_S
        while True:
            began = time.monotonic()
            # In a task of its own: under Python 3.11 a task in which a task group failed looks cancelled for ever.
            why = await asyncio.create_task(self._hold(session, tls))
            if task.cancelling() > cancelled:
                # A goodbye that the broker does not answer raises in place of the cancellation.
                raise asyncio.CancelledError
            self._tell_lost(why)
            if time.monotonic() - began > STEADY_S:
                wait_s = FIRST_WAIT_S
            await asyncio.sleep(wait_s * self._random.uniform(0.5, 1))
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    async def _hold(self, session: Callable[[aiomqtt.Client], Awaitable[None]], tls: ssl.SSLContext) -> str:
        """One session from its beginning to its end; returns why it ended."""
        why = "the session ended"
        client = _client(self._broker, self._identifier, tls, self._will)
        try:
            async with client:
                _unless_cancelled()
                self._tell_back()
                await session(client)
        except* (aiomqtt.MqttError, LinkLost, OSError) as group:
            why = _first(group)
        finally:
            self.connected = False
            _hear_out(client)
        return why

    def _tell_back(self) -> None:
        self.connected = True
        self._say("connected", logging.INFO)

    def _tell_lost(self, why: str) -> None:
        self._say("lost", logging.WARNING, why=why)

    def _say(self, state: str, level: int, **more: str) -> None:
        if self._said != state:
            self._said = state
            log.log(level, "broker %s", state, extra={"broker": f"{self._broker.host}:{self._broker.port}", **more})


async def subscribe(client: aiomqtt.Client, topics: Sequence[str]) -> None:
    """Subscribe with QoS 1; raises LinkLost when the broker refuses one, for a part that hears nothing must say so."""
    for topic in topics:
        granted = await client.subscribe(topic, qos=1)
        _unless_cancelled()
        if any(getattr(code, "value", code) >= 0x80 for code in granted):
            raise LinkLost(f"the broker refused the subscription {topic}")


async def publish(client: aiomqtt.Client, topic: str, body: bytes, *, retain: bool = False) -> None:
    """Publish with QoS 1; raises LinkLost. The broker's acknowledgement means nothing for durability."""
    try:
        await client.publish(topic, body, qos=1, retain=retain)
    except aiomqtt.MqttError as error:
        raise LinkLost(str(error)) from error
    _unless_cancelled()


async def try_link(broker: BrokerSettings, name: str, topics: Sequence[str]) -> None:
    """Connect and subscribe once, beside a process that may be running; raises LinkLost or ConfigError: why not."""
    tls = tls_context(broker)
    try:
        async with _client(broker, f"{name}-check-{secrets.token_hex(8)}", tls, None) as client:
            await subscribe(client, topics)
    except (aiomqtt.MqttError, OSError) as error:
        raise LinkLost(f"{broker.host}:{broker.port}: {error}") from None


def client_id(name: str, folder: Path) -> str:
    """`<name>-<suffix>`; the suffix is drawn once and kept in `folder`, so that nobody else can throw us off."""
    path = folder / "client-id"
    if not path.exists():
        write_secret(path, secrets.token_hex(8).encode())
    return f"{name}-{read_secret(path).decode().strip()}"


def tls_context(broker: BrokerSettings) -> ssl.SSLContext:
    """TLS 1.2 or newer with both sides' certificates checked; raises ConfigError that names the wrong file."""
    read_secret(broker.key_file)
    try:
        context = ssl.create_default_context(cafile=str(broker.ca_file))
    except (OSError, ssl.SSLError):
        raise ConfigError(f"{broker.ca_file}: not a readable certificate authority file") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(broker.cert_file, broker.key_file)
    except (OSError, ssl.SSLError):
        raise ConfigError(f"{broker.cert_file}: not a certificate that fits the key {broker.key_file}") from None
    return context


def _client(broker: BrokerSettings, identifier: str, tls: ssl.SSLContext, will: aiomqtt.Will | None) -> aiomqtt.Client:
    return aiomqtt.Client(
        broker.host,
        broker.port,
        identifier=identifier,
        will=will,
        clean_session=True,  # nothing relies on a broker's memory
        timeout=ANSWER_S,
        keepalive=KEEPALIVE_S,
        max_queued_incoming_messages=INCOMING,
        max_queued_outgoing_messages=1000,
        logger=_client_log,
        tls_context=tls,
    )


def _unless_cancelled() -> None:
    # Python 3.11's wait_for, within the client, swallows a cancellation that comes together with the answer.
    if (task := asyncio.current_task()) is not None and task.cancelling():
        raise asyncio.CancelledError


def _hear_out(client: aiomqtt.Client) -> None:
    # When the link breaks while nobody reads, the client leaves a future behind that asyncio then complains of.
    end = getattr(client, "_disconnected", None)
    if isinstance(end, asyncio.Future) and end.done() and not end.cancelled():
        end.exception()


def _first(group: BaseExceptionGroup[Exception]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{error.__class__.__name__}: {error}"

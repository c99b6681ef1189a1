"""A real nats-server as a child: killed, reloaded, locked."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiomqtt
import pytest

from ancu.models.errors import ConfigError
from ancu.server.adapters.broker import Broker

from .conftest import KINDS, WARD, House


@asynccontextmanager
async def supervised(house: House) -> AsyncIterator[Broker]:
    async with Broker(house.settings) as broker:
        task = asyncio.create_task(broker.supervise())
        try:
            yield broker
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def child_of(pid: int) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


async def until(condition: Callable[[], bool], within_s: float = 8.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "not in time"
        await asyncio.sleep(0.05)


async def can_connect(house: House, name: str) -> bool:
    try:
        async with house.client(name):
            return True
    except aiomqtt.MqttError:
        return False


async def until_connected(house: House, name: str) -> None:
    end = time.monotonic() + 10
    while not await can_connect(house, name):
        assert time.monotonic() < end, "not in time"
        await asyncio.sleep(0.1)


async def start(house: House) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from ancu.server.cli.broker import broker; broker()", "run",
        "--config", str(house.write_toml()), stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    await until_connected(house, "server")
    return process


async def read_to_the_end(client: aiomqtt.Client) -> None:
    async for _ in client.messages:
        pass


async def test_a_session_and_a_retained_status_survive_kill_9_of_the_broker(house: House) -> None:
    topic = f"ancu/v1/{WARD}/home-a/facts/alarm"
    async with supervised(house) as broker:
        async with house.client("gw-1", clean=False) as gateway:
            await gateway.subscribe(f"ancu/v1/{WARD}/+/facts/+", qos=1)
        async with house.client("home-a") as edge:
            for number in range(50):
                await edge.publish(topic, b"%d" % number, qos=1)
            await edge.publish(f"ancu/v1/{WARD}/home-a/status", b"online", qos=1, retain=True)
        old = broker.pid
        assert old is not None
        os.kill(old, signal.SIGKILL)
        await until(lambda: broker.pid not in {None, old} and broker.ready)
        got: list[bytes] = []
        async with house.client("gw-1", clean=False) as gateway, asyncio.timeout(5):
            await gateway.subscribe(f"ancu/v1/{WARD}/+/status", qos=1)
            async for message in gateway.messages:
                assert isinstance(message.payload, bytes)
                got.append(message.payload)
                if len(got) == 51:
                    break
    assert sorted(got, key=lambda body: (body == b"online", body.zfill(3))) == [
        *(b"%d" % number for number in range(50)),
        b"online",
    ]


async def test_kill_9_of_the_parent_kills_the_broker_and_frees_its_folder(house: House) -> None:
    parent = await start(house)
    child = child_of(parent.pid)
    parent.kill()
    await parent.wait()
    await until(lambda: not is_alive(child), 2.0)
    async with Broker(house.settings):
        assert await can_connect(house, "server")


async def test_sigterm_ends_the_process_and_its_child_within_5_s(house: House) -> None:
    parent = await start(house)
    child = child_of(parent.pid)
    parent.terminate()
    async with asyncio.timeout(5):
        assert await parent.wait() == 0
    assert not is_alive(child)


async def test_a_new_device_is_let_in_and_a_removed_one_put_out_without_a_restart(house: House) -> None:
    house.let_in(["gw-1", "server", "home-b"])
    async with supervised(house) as broker:
        pid = broker.pid
        assert not await can_connect(house, "home-a")
        async with house.client("home-b") as removed, house.client("gw-1") as unchanged:
            await unchanged.subscribe(f"ancu/v1/{WARD}/+/facts/+", qos=1)
            house.let_in(["gw-1", "server", "home-a"])
            with pytest.raises(aiomqtt.MqttError):
                await read_to_the_end(removed)
            await until_connected(house, "home-a")
            async with house.client("home-a") as edge, asyncio.timeout(3):
                await edge.publish(f"ancu/v1/{WARD}/home-a/facts/alarm", b"new", qos=1)
                assert (await anext(unchanged.messages)).payload == b"new"
        assert not await can_connect(house, "home-b")
        assert broker.pid == pid


async def test_after_a_rotation_the_old_certificate_is_refused(house: House) -> None:
    old = house.issued["home-a"]
    kept = [path.rename(path.with_suffix(path.suffix + ".old")) for path in (old.certificate_file, old.key_file)]
    house.issue("home-a")
    house.let_in(KINDS)
    async with Broker(house.settings):
        assert await can_connect(house, "home-a")
        kept[0].rename(old.certificate_file)
        kept[1].rename(old.key_file)
        assert not await can_connect(house, "home-a")


async def test_a_damaged_devices_file_changes_nothing(house: House) -> None:
    async with supervised(house):
        (house.folder / "devices.toml").write_text("not toml at all [")
        await asyncio.sleep(1.5)
        assert await can_connect(house, "home-a")


async def test_two_brokers_do_not_share_a_folder(house: House) -> None:
    async with Broker(house.settings):
        with pytest.raises(ConfigError, match="another broker"):
            async with Broker(house.settings):
                pass


async def test_a_taken_port_is_said_in_one_line(house: House) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", house.port)
    async with server:
        with pytest.raises(ConfigError, match="address already in use"):
            async with Broker(house.settings):
                pass

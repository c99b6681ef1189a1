"""A site's receivers: boards with ESPHome's Bluetooth proxy, spoken to over their own protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ancu.edge.config import read_edge
from ancu.edge.ports import Advert, RadioLost
from ancu.firmware_sim.bench_radio import _Place
from ancu.models.errors import ConfigError, FrameRefused
from ancu.models.topics import Lane

pytest.importorskip("bleak_esphome", reason="needs ancu-edge[site]")

from habluetooth import get_manager

from ancu.edge.adapters.bleak_radio import open_radio

from .esp32 import Esp32

pytestmark = pytest.mark.timeout(120)  # a process and two servers, on machines that do other things too


@pytest.fixture
async def boards(sim: Any) -> AsyncIterator[list[Esp32]]:
    made = [Esp32(number, sim.adapter(number)) for number in (1, 2)]
    for board in made:
        await board.start()
    yield made
    for board in made:
        await board.stop()


def places(boards: list[Esp32]) -> str:
    return " ".join(f"127.0.0.1:{board.port}" for board in boards)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - boards' and libraries' tasks
            await asyncio.sleep(0.05)


async def test_every_board_is_heard_and_every_frame_opens(sim: Any, boards: list[Esp32]):
    heard: list[Advert] = []
    radio = open_radio("proxies", places(boards))
    await radio.start(heard.append, lambda: None)
    counters: dict[int, list[int]] = {1: [], 2: []}
    await until(lambda: len(heard) >= 20 and radio.adverts >= 20)
    assert {scanner.name.split(" ")[0] for scanner in get_manager().async_current_scanners()} == {"proxy-1", "proxy-2"}
    await radio.stop()
    assert get_manager().async_current_scanners() == []
    for advert in heard:
        for band, opened in counters.items():
            with suppress(FrameRefused):  # the other one's
                opened.append(sim.open(band, advert.address, advert.body).counter)
    assert sum(map(len, counters.values())) == len(heard)
    assert all(len(each) >= 5 and each == sorted(set(each)) for each in counters.values())


async def test_a_board_that_goes_leaves_the_other_and_is_taken_back(boards: list[Esp32]):
    heard: list[Advert] = []
    lost: list[bool] = []
    radio = open_radio("proxies", places(boards))
    await radio.start(heard.append, lambda: lost.append(True))
    await until(lambda: all(board.hosts for board in boards) and len(heard) > 4)
    await boards[0].stop()
    before = len(heard)
    await until(lambda: len(heard) > before + 4)
    assert not lost
    await boards[1].stop()
    await until(lambda: lost)
    await boards[0].start()
    await until(lambda: boards[0].hosts >= 2)
    before = len(heard)
    await until(lambda: len(heard) > before + 2)
    await radio.stop()


async def test_without_any_board_the_radio_is_lost(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ancu.edge.adapters.proxy_radio.CONNECT_S", 0.5)
    radio = open_radio("proxies", "127.0.0.1:1")
    with pytest.raises(RadioLost, match="no board"):
        await radio.start(lambda _: None, lambda: None)
    await radio.stop()


@pytest.mark.parametrize("boards_said", ["", "host:x", ":6053"])
def test_what_is_no_board_is_named(boards_said: str):
    with pytest.raises(ConfigError, match=r"radio\.adapter"):
        open_radio("proxies", boards_said)


def test_connections_through_boards_are_not_promised(tmp_path: Path):
    path = tmp_path / "edge.toml"
    path.write_text(
        'edge = "e-1"\nward = "w-1"\ndata = "d"\nkey_file = "k"\nbands_file = "b"\n'
        '[radio]\nbackend = "proxies"\nadapter = "10.0.0.11"\n'
        '[broker]\nhost = "h"\nport = 1\nca_file = "a"\ncert_file = "c"\nkey_file = "k"\n'
    )
    with pytest.raises(ConfigError, match="visit_s must be 0"):
        read_edge(path)


@pytest.mark.long  # three hundred bands, for half a minute
@pytest.mark.timeout(180)
async def test_a_site_of_three_hundred_bands_is_heard_through_a_board(tmp_path: Path):
    place = _Place(tmp_path / "site", 300, 1)
    place.write_sim(interval_s=2.0, loss=0.0)
    async with place._process("sim", "bands", "--config", "sim.toml"):
        await until((tmp_path / "site" / "control.json").exists)
        port = (await place.ask({"do": "status"}))["homes"][0]["hci_port"]
        board = Esp32(1, f"tcp-client:127.0.0.1:{port}")
        await board.start()
        (tmp_path / "site" / "edge.toml").write_text(
            'edge = "bench"\nward = "bench"\ndata = "edge"\nkey_file = "edge.key"\nbands_file = "bands.toml"\n'
            f'[radio]\nbackend = "proxies"\nadapter = "127.0.0.1:{board.port}"\nreport_s = 0.001\nvisit_s = 0\n'
            '[broker]\nhost = "127.0.0.1"\nport = 9\nca_file = "edge.crt"\ncert_file = "edge.crt"\n'
            'key_file = "edge.tls"\n'
        )
        async with place._process("edge", "run", "--config", "edge.toml") as place._edge:
            await until(lambda: place.count(Lane.STATE) >= 300)
            await asyncio.sleep(2)
            sent, held, cpu_s = await place.sent(), place.count(Lane.STATE), place.edge_cpu_s()
            await asyncio.sleep(20)
            sent, held, cpu_s = await place.sent() - sent, place.count(Lane.STATE) - held, place.edge_cpu_s() - cpu_s
            print(f"{held} of {sent} frames, {cpu_s / 20:.1%} of a core, {place.edge_rss_mib():.0f} MiB")  # noqa: T201
            assert held >= 0.99 * sent
            assert place.edge_rss_mib() <= 80
        await board.stop()

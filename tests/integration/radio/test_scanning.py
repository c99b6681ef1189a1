"""Real bleak, real HCI over TCP, real bands in another process."""

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any

import pytest
from bleak import BleakScanner
from bleak.exc import BleakError

from ancu.models.address import parse_address, resolves
from ancu.models.errors import FrameReason, FrameRefused
from ancu.models.frame import Status, is_urgent

FCD2 = "0000fcd2-0000-1000-8000-00805f9b34fb"
BACKEND = entry_points(group="ancu.bleak_backends")["virtual"].load()


@dataclass
class Ear:
    """What a scanner heard."""

    adverts: list[tuple[float, bytes, bytes, int]] = field(default_factory=list)  # (at, address, body, rssi)
    lost: int = 0

    def heard(self, device: Any, data: Any) -> None:
        self.adverts.append((time.time(), parse_address(device.address), data.service_data[FCD2], data.rssi))

    def on_lost(self) -> None:
        self.lost += 1

    def scanner(self, adapter: str, mode: Any = "active") -> BleakScanner:
        return BleakScanner(
            self.heard,
            scanning_mode=mode,
            backend=BACKEND.scanner,
            **BACKEND.scanner_kwargs(adapter, on_lost=self.on_lost),
        )

    async def wait(self, count: int, timeout_s: float = 10) -> None:
        await until(lambda: len(self.adverts) >= count, timeout_s)


async def until(true: Callable[[], bool], timeout_s: float = 10) -> None:
    for _ in range(int(timeout_s / 0.02)):
        if true():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


@asynccontextmanager
async def listening(sim: Any, home: int = 1, mode: Any = "active"):
    ear = Ear()
    async with ear.scanner(sim.adapter(home), mode):
        yield ear


@pytest.mark.parametrize("mode", ["active", "passive"])
async def test_sealed_frames_arrive_once_each_and_open(sim: Any, mode: str):
    async with listening(sim, 1, mode) as ear:
        await ear.wait(8)
    opened = [sim.open(1, address, body) for _, address, body, _ in ear.adverts]
    counters = [each.counter for each in opened]
    assert counters == sorted(set(counters))  # neither doubled nor repeated
    assert abs(opened[-1].counter - time.time()) < 10
    assert all(each.reading.status & Status.SKIN for each in opened)
    assert all(resolves(sim.keys[1].identity, address) for _, address, _, _ in ear.adverts)


async def test_signal_strength_is_that_of_a_room_and_moves(sim: Any):
    async with listening(sim) as ear:
        await ear.wait(10)
    rssi = [each[3] for each in ear.adverts]
    assert len(set(rssi)) > 2
    assert all(-97 <= each <= -50 for each in rssi)


async def test_homes_do_not_hear_one_another(sim: Any):
    async with listening(sim, 1) as one, listening(sim, 2) as two:
        await asyncio.gather(one.wait(4), two.wait(4))
    assert all(resolves(sim.keys[1].identity, address) for _, address, _, _ in one.adverts)
    assert all(resolves(sim.keys[2].identity, address) for _, address, _, _ in two.adverts)


async def test_a_cut_strap_is_heard_within_a_second_and_written_down_as_truth(sim: Any):
    async with listening(sim) as ear:
        await ear.wait(2)
        cut_ms = await sim.do("cut_strap")
        await until(lambda: sum(is_urgent(body) for _, _, body, _ in ear.adverts) >= 3)
    first = next(each for each in ear.adverts if is_urgent(each[2]))
    assert first[0] - cut_ms / 1000 < 1
    reading = sim.open(1, first[1], first[2]).reading
    assert reading.status & Status.STRAP_OPEN
    assert reading.tamper
    assert sim.truth() == [{"at_ms": cut_ms, "home": "home-1", "band": 1, "event": "strap_cut"}]


async def test_a_band_that_walks_out_falls_silent_and_is_heard_again_when_it_returns(sim: Any):
    async with listening(sim) as ear:
        await ear.wait(2)
        left_ms = await sim.do("leave")
        await asyncio.sleep(max(0, left_ms / 1000 - time.time()) + 1.5)
        outside = len(ear.adverts)
        await asyncio.sleep(6 * 0.25)
        assert len(ear.adverts) <= outside + 1  # a lucky packet at the fence
        await sim.do("return")
        await ear.wait(outside + 4)
    await asyncio.sleep(0.2)
    assert sim.truth()[0]["event"] == "left"


async def test_a_silenced_band_says_nothing_and_speaks_again(sim: Any):
    async with listening(sim) as ear:
        await ear.wait(1)
        await sim.do("silence", for_s=1.5)
        await asyncio.sleep(0.1)
        silent = len(ear.adverts)
        await asyncio.sleep(1.2)
        assert len(ear.adverts) == silent
        await ear.wait(silent + 2)
    assert [line["event"] for line in sim.truth()] == ["silenced", "speaks"]


async def test_a_rebooted_band_goes_on_with_higher_counters_under_a_new_address(sim: Any):
    async with listening(sim) as ear:
        await ear.wait(2)
        before = len(ear.adverts)
        await sim.do("reboot")
        await ear.wait(before + 3)
    opened = [sim.open(1, address, body).counter for _, address, body, _ in ear.adverts]
    assert opened == sorted(set(opened))
    assert ear.adverts[0][1] != ear.adverts[-1][1]


async def test_a_simulator_that_was_killed_reuses_no_counter(sim: Any):
    async with listening(sim) as ear:
        await ear.wait(4)
        await sim.kill()
    await sim.start()
    async with listening(sim) as later:
        await later.wait(2)
    last = sim.open(1, *ear.adverts[-1][1:3]).counter
    assert sim.open(1, *later.adverts[0][1:3]).counter > last


@pytest.mark.parametrize(("attack", "reason"), [("flip", FrameReason.SEAL), ("forge", FrameReason.SEAL)])
async def test_frames_that_an_attacker_altered_or_made_up_are_on_the_air(sim: Any, attack: str, reason: FrameReason):
    async with listening(sim) as ear:
        await ear.wait(2)
        await sim.do(attack, copies=3)
        await asyncio.sleep(0.3)
    refused = []
    for _, address, body, _ in ear.adverts:
        try:
            sim.open(1, address, body)
        except FrameRefused as error:
            refused.append(error.reason)
    assert refused
    assert set(refused) == {reason}
    assert {line["kind"] for line in sim.truth()} == {attack}


async def test_a_replayed_frame_comes_from_the_same_address_bit_for_bit(sim: Any):
    async with listening(sim) as ear:
        await ear.wait(3)
        await sim.do("replay", copies=3)
        await asyncio.sleep(0.3)
    frames = [(address, body) for _, address, body, _ in ear.adverts]
    assert len(frames) > len(set(frames)) or sim.open(1, *frames[-1]).counter < sim.open(1, *frames[0]).counter


async def test_a_lost_adapter_is_told_once_and_a_new_start_reconnects(sim: Any):
    ear = Ear()
    scanner = ear.scanner(sim.adapter())
    await scanner.start()
    await ear.wait(1)
    await sim.kill()
    await until(lambda: ear.lost > 0, 2)
    with pytest.raises(BleakError):
        await scanner.start()
    await sim.start()
    heard = len(ear.adverts)
    await scanner.start()
    await ear.wait(heard + 2)
    await scanner.stop()
    assert ear.lost == 1


async def test_an_adapter_that_is_not_there_is_an_error_at_once():
    with pytest.raises(BleakError, match="cannot be opened"):
        await Ear().scanner("tcp-client:127.0.0.1:1").start()


async def test_a_host_that_was_killed_leaves_nothing_behind(sim: Any):
    """kill -9 of the scanning process; the next one gets a fresh controller."""
    code = (
        "import asyncio, sys\n"
        "from bleak import BleakScanner\n"
        "from ancu.firmware_sim.bleak_backend import BACKEND\n"
        "async def main():\n"
        "    scanner = BleakScanner(lambda device, data: print('heard', flush=True), backend=BACKEND.scanner,\n"
        "                           **BACKEND.scanner_kwargs(sys.argv[1]))\n"
        "    await scanner.start()\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    for _ in range(2):
        host = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, sim.adapter(), stdout=asyncio.subprocess.PIPE
        )
        assert host.stdout is not None
        async with asyncio.timeout(8):
            assert await host.stdout.readline() == b"heard\n"
        host.kill()
        await host.wait()
    async with listening(sim) as ear:
        await ear.wait(3)
    counters = [sim.open(1, address, body).counter for _, address, body, _ in ear.adverts]
    assert counters == sorted(set(counters))


async def test_two_scanners_of_one_process_share_the_adapter(sim: Any):
    async with listening(sim) as one:
        async with listening(sim) as two:
            await asyncio.gather(one.wait(2), two.wait(2))
        heard = len(one.adverts)
        await one.wait(heard + 2)


async def test_the_simulator_stops_within_five_seconds_and_removes_its_token(sim: Any):
    async with listening(sim) as ear:
        await ear.wait(1)
        assert await sim.stop() == 0
    assert not (sim.folder / "control.json").exists()


async def test_the_demo_script_runs_on_command(sim: Any):
    assert (await sim.ask(do="demo", start_s=0.1, away_s=1))["ok"]
    await until(lambda: bool(sim.truth()))
    assert [(line["band"], line["event"]) for line in sim.truth()] == [(2, "strap_cut")]


async def test_the_control_port_refuses_a_wrong_token_and_what_it_does_not_know(sim: Any):
    assert "token" in (await sim.ask(do="status", token="wrong"))["error"]
    assert not (await sim.ask(do="dance"))["ok"]
    assert not (await sim.ask(do="cut_strap", band=99))["ok"]
    assert not (await sim.ask(do="cut_strap"))["ok"]
    assert (await sim.ask(do="status"))["ok"]


async def test_an_empty_battery_silences_a_band_and_costs_it_its_clock(sim: Any):
    def newest() -> Status:
        return sim.open(1, *ear.adverts[-1][1:3]).reading.status

    async with listening(sim) as ear:
        await ear.wait(1)
        await sim.do("battery", percent=0)
        await asyncio.sleep(0.1)
        silent = len(ear.adverts)
        await asyncio.sleep(0.8)
        assert len(ear.adverts) == silent
        await sim.do("battery", percent=50)
        await ear.wait(silent + 2)
        assert newest() & Status.UNSYNCED
        await sim.do("set_clock")
        await until(lambda: not newest() & Status.UNSYNCED)
    counters = [sim.open(1, address, body).counter for _, address, body, _ in ear.adverts]
    assert counters == sorted(set(counters))

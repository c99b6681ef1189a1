"""`ancu demo` as a person runs it: plays its script, checks itself, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from ancu.server.demo.chain import Chain
from ancu.server.people.setup import make_installation

ANCU = Path(sys.executable).with_name("ancu")
READY_S = 60
END_S = 8
SCRIPT = {("strap_cut", 2), ("out_of_range", 3), ("camera_exit", None)}
MOST_MIB = 600
MOST_CPU_PERCENT = 80  # of one core; 40 on a quiet machine, and a wide margin for others


class Demo:
    """A demo in a process of its own, whose throw-away folder is in `folder`."""

    def __init__(self, folder: Path, *args: str) -> None:
        folder.mkdir()
        self.folder = folder
        self.log = folder.with_suffix(".err")
        with self.log.open("wb") as log, folder.with_suffix(".out").open("wb") as out:
            self.process = subprocess.Popen(
                [ANCU, "demo", *args], env={**os.environ, "TMPDIR": str(folder)}, stdout=out, stderr=log
            )

    @property
    def said(self) -> str:
        return self.log.read_text("utf-8")

    @property
    def answer(self) -> Any:
        return json.loads(self.folder.with_suffix(".out").read_text("utf-8"))

    def address(self) -> str:
        until(lambda: "Open   http" in self.said or self.process.poll() is not None, READY_S, f"not ready: {self.said}")
        found = re.search(r"Open   (http://\S+)", self.said)
        assert found, self.said
        return found[1]

    def processes(self) -> list[str]:
        """Command lines that name the demo's folder, or whose working directory lies in it."""
        found = []
        for proc in Path("/proc").glob("[0-9]*"):
            try:
                command = (proc / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                if str(self.folder) in command or str(self.folder) in str((proc / "cwd").readlink()):
                    found.append(f"{proc.name} {command}")
            except OSError:
                continue
        return found

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def until(true: Callable[[], Any], within_s: float, otherwise: str) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, otherwise
        time.sleep(0.1)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    started: list[Demo] = []

    def start(*args: str) -> Demo:
        started.append(Demo(tmp_path / f"demo{len(started)}", *args))
        return started[-1]

    yield start
    for one in started:
        one.end()


def is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/readyz", timeout=5) as answer:  # noqa: S310 - our own server
            return bool(answer.status == 200)
    except OSError:  # refused, or reset by a server that is being killed
        return False


@pytest.mark.timeout(130)
@pytest.mark.parametrize("for_s", [50, pytest.param(90, marks=pytest.mark.long)])
def test_the_script_leads_to_exactly_its_alerts(for_s: int, demo: Callable[..., Demo]):
    one = demo("--for", str(for_s), "--seed", "1", "--json", "--camera", "demo")
    assert one.process.wait(for_s + 30) == 0, one.said
    answer = one.answer
    assert len(answer["alerts"]) == len(SCRIPT)
    assert {(alert["kind"], alert["home"]) for alert in answer["alerts"]} == SCRIPT
    assert answer["good"]
    assert answer["resident_mib_total"] <= MOST_MIB * 2  # with the camera's detector
    assert set(answer["restarts"].values()) == {0}
    assert one.processes() == []
    assert list(one.folder.iterdir()) == []


@pytest.mark.long
@pytest.mark.timeout(100)
def test_the_control_a_script_that_does_not_come_true_is_a_failure(demo: Callable[..., Demo]):
    """The box of home 2 stands still from the start of the script on, so nobody can hear its strap."""
    one = demo("--homes", "2", "--camera", "none", "--for", "40")
    one.address()
    (line,) = [line for line in one.processes() if "home-002/edge.toml" in line]
    os.kill(int(line.split()[0]), signal.SIGSTOP)
    assert one.process.wait(70) == 1, one.said
    assert re.search(r"NOT as expected.*missing=.*strap_cut", one.said), one.said
    assert one.processes() == []


@pytest.mark.timeout(120)
def test_two_demos_run_side_by_side_and_leave_nothing_however_they_end(demo: Callable[..., Demo]):
    first, second = demo("--homes", "1", "--camera", "none"), demo("--homes", "1", "--camera", "none")
    urls = [first.address(), second.address()]
    assert urls[0] != urls[1]
    assert all(map(is_ready, urls))
    first.process.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert first.process.wait(END_S + 10) == 0
    took_s = time.monotonic() - began
    assert took_s <= END_S
    assert first.processes() == []
    assert list(first.folder.iterdir()) == []
    assert "Traceback" not in first.said

    assert is_ready(urls[1])
    second.process.kill()
    second.process.wait()
    until(lambda: not second.processes(), 5, f"orphans: {second.processes()}")
    assert not is_ready(urls[1])


@pytest.mark.timeout(60)
def test_an_interrupt_while_it_starts_leaves_nothing_either(demo: Callable[..., Demo]):
    one = demo("--homes", "1", "--camera", "none")
    until(one.processes, READY_S, "nothing started")
    one.process.send_signal(signal.SIGINT)
    one.process.wait(END_S + 10)
    until(lambda: not one.processes(), 5, f"orphans: {one.processes()}")
    assert "Traceback" not in one.said
    assert list(one.folder.iterdir()) == []


@pytest.mark.timeout(120)
async def test_three_idle_homes_fit_into_a_small_machine(tmp_path: Path, record_property: Callable[..., None]):
    import asyncio  # noqa: PLC0415 - the others need none

    made = make_installation(tmp_path / "chain", homes=3)
    async with Chain(made) as chain:
        await chain.first_readings(await chain.province(), READY_S)
        await asyncio.sleep(5)  # what starting costs is over
        before, began = chain.children.cpu_s(), time.monotonic()
        await asyncio.sleep(20)
        after, took_s = chain.children.cpu_s(), time.monotonic() - began
        resident = {name: round(kib / 1024) for name, kib in chain.children.resident_kib().items()}
    percent = {name: round(100 * (after[name] - before[name]) / took_s, 1) for name in after}
    record_property("resident_mib", resident)
    record_property("cpu_percent", percent)
    sys.stderr.write(f"resident MiB {resident}, together {sum(resident.values())}; CPU % {percent}\n")
    assert len(resident) == 7
    assert sum(resident.values()) <= MOST_MIB
    assert sum(percent.values()) <= MOST_CPU_PERCENT

"""`ancu demo`: the whole chain on this machine, in one command."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from ancu.models.clock import SystemClock
from ancu.models.errors import UsageError
from ancu.server.demo.chain import Chain
from ancu.server.demo.play import Play
from ancu.server.demo.screen import Screen
from ancu.server.demo.script import Verdict, expected, judge, scenes
from ancu.server.people.setup import Ports, make_installation
from ancu.server.policies import load_policy

__all__ = ["demo"]

START_S = 60.0  # for all processes to be up and every band to be heard: a slow machine needs half of it
SLACK_S = 5.0  # above the policy's wait, from the true moment to the officer's page
POLICY = "demo"
UNSEEN_S = 8  # an edge scans anew after so long without a band, to testify before the policy's shortened wait is over


@dataclass(frozen=True, slots=True)
class _Options:
    homes: int
    port: int | None
    seed: int
    for_s: float | None
    camera: str
    as_json: bool


@click.command()
@click.option(
    "--homes", default=3, show_default=True, type=click.IntRange(1, 200), help="Simulated homes, a band each."
)
@click.option("--port", type=click.IntRange(1, 65535), help="The console's port; a free one if not given.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same people, walks and fading.")
@click.option("--for", "for_s", type=click.FloatRange(min=1), help="End after so many seconds and check the alerts.")
@click.option(
    "--camera",
    default="demo",
    show_default=True,
    help="A file, an RTSP address or /dev/video0; 'demo' is a clip with one exit, 'none' no camera.",
)
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep data and logs in this new folder.")
@click.option("--json", "as_json", is_flag=True, help="Print what was raised, with latencies, as JSON at the end.")
def demo(*, keep: Path | None, as_json: bool, **given: Any) -> None:
    """Run broker, gateway, server, simulated homes and a camera here, and show an officer's console.

    A script is played: home 1 stays, home 2 cuts the strap, home 3 walks out and comes back, and the camera sees one
    exit. The policy `demo` is in force, whose waits are shortened. With --for, the exit code is 0 only if exactly the
    alerts of the script were raised in time.

    \b
    ancu demo                            keeps running; Ctrl-C ends it
    ancu demo --for 90 --seed 1 --json   plays once and checks itself
    """  # noqa: D301 - \b is for click: keep these lines
    options = _Options(as_json=as_json, **given)
    folder = keep or Path(tempfile.mkdtemp(prefix="ancu-demo-"))
    if keep and keep.exists() and any(keep.iterdir()):
        raise UsageError(f"--keep {keep}: the folder is not empty; name a new one")
    try:
        good = asyncio.run(_until_interrupted(_run(folder, options)))
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    if not good:
        sys.exit(1)


async def _until_interrupted(main: Any) -> bool:
    task: asyncio.Task[bool] = asyncio.ensure_future(main)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return True  # a person ended it: nothing was promised


async def _run(folder: Path, options: _Options) -> bool:
    began = time.monotonic()
    camera = None if options.camera == "none" else {"id": "camera-1", "source": options.camera}
    if camera is not None and options.camera == "demo":
        camera["stills"] = "asked"  # a public clip: doors can be drawn on its picture
    made = make_installation(
        folder,
        homes=options.homes,
        ports=Ports.free(options.homes, server=options.port),
        camera=camera,
        seed=options.seed,
        policy=POLICY,
        edge={"radio": {"unseen_s": UNSEEN_S}},
    )
    chain = Chain(made)
    played = scenes(options.homes, camera=options.camera == "demo")
    screen = Screen(chain, quiet=options.as_json)
    play = Play(chain, played, SystemClock(), screen.tell)
    screen.welcome(load_policy(POLICY))
    watching: asyncio.Task[None] | None = None
    try:
        await chain.start()
        await chain.ready(START_S)
        officer = await chain.province()
        watching = asyncio.create_task(play.watch(officer))
        await chain.first_readings(officer, START_S)
        ready_s = time.monotonic() - began
        screen.ready(ready_s)
        if options.camera not in ("demo", "none"):
            chain.start_camera()
        left_s = None if options.for_s is None else options.for_s - ready_s
        await _play(play, screen, left_s)
        if left_s is None:
            return True
        due = expected(played, load_policy(POLICY).rules.out_of_range.opens_after_s, left_s, SLACK_S)
        verdict = judge(due, play.raised, SLACK_S)
        _report(ready_s, play, verdict, as_json=options.as_json)
        return verdict.good
    finally:
        if watching is not None:
            watching.cancel()
        await chain.end()
        screen.farewell()


async def _play(play: Play, screen: Screen, left_s: float | None) -> None:
    """Play the script; then wait for the end of the run, or for ever."""
    drawing = asyncio.create_task(screen.draw(play))
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left_s):
                await play.run()
                await asyncio.Event().wait()
    finally:
        drawing.cancel()


def _report(ready_s: float, play: Play, verdict: Verdict, *, as_json: bool) -> None:
    children = play.chain.children
    if as_json:
        resident = children.resident_kib()
        print(
            json.dumps(
                {
                    "good": verdict.good,
                    "policy": POLICY,
                    "first_reading_s": round(ready_s, 1),
                    "alerts": [asdict(alert) for alert in play.raised],
                    **asdict(verdict),
                    "resident_mib": {name: round(kib / 1024) for name, kib in resident.items()},
                    "resident_mib_total": round(sum(resident.values()) / 1024),
                    "cpu_percent": children.cpu_percent(),
                    "restarts": {name: child.restarts for name, child in children.all.items()},
                },
                indent=1,
            )
        )
    play.tell("exactly the expected alerts" if verdict.good else f"NOT as expected: {verdict}")

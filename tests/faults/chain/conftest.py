"""Whole installations of a few homes, every process for itself, with journals that a test can look into."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from ancu.server.demo.chain import Chain
from ancu.server.demo.officer import Officer
from ancu.server.people.setup import Installation, make_installation

from .evidence import open_file, watch_journal

OUT_OF_RANGE_S = 10
_PLAIN_TROUBLE = re.compile(r"^(Traceback|  File|Exception ignored|\w*(Error|Exception|Warning)\b|ancu: )")
Maker = Callable[..., Installation]


def quick_policy(folder: Path) -> Path:
    """The policy `demo`, with less patience for a band that is out of range."""
    text = files("ancu.server.cases").joinpath("policies", "demo.toml").read_text("utf-8")
    head, rule, rest = text.partition("[rules.out_of_range]")
    patient = re.compile(r"^opens_after_s = \d+$", re.MULTILINE)
    path = folder / "quick.toml"
    path.write_text(head + rule + patient.sub(f"opens_after_s = {OUT_OF_RANGE_S}", rest, count=1), "utf-8")
    return path


def make_quick(
    folder: Path, homes: int = 3, *, seed: int = 1, report_s: float = 1.0, loss: float = 0.08, **more: Any
) -> Installation:
    """An installation whose bands speak often and whose edges report nearly all they hear."""
    made = make_installation(
        folder / "chain",
        homes=homes,
        seed=seed,
        policy=str(quick_policy(folder)),
        sim={"interval_s": 1.0, "loss": loss},
        edge={"heartbeat_s": 2.0, "radio": {"unseen_s": 5.0, "report_s": report_s}},
        **more,
    )
    for edge in made.homes:
        watch_journal(made, edge)
    return made


@pytest.fixture
def installation(tmp_path: Path) -> Maker:
    """Make an installation in the test's own folder."""
    return partial(make_quick, tmp_path)


async def until(true: Callable[[], Any], within_s: float, otherwise: str) -> None:
    """Wait for something that is looked up again and again; `true` may be a coroutine function."""
    end = time.monotonic() + within_s
    while True:
        answer = true()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return
        if time.monotonic() > end:
            raise AssertionError(f"{otherwise} within {within_s:.0f} s")
        await asyncio.sleep(0.2)


async def alerts(chain: Chain, officer: Officer) -> Counter[tuple[str, int | None]]:
    """Every alert there is as (kind, home)."""
    items = (await officer.get("/api/v1/alerts?limit=500"))["items"]
    assert len({item["id"] for item in items}) == len(items)
    return Counter((item["kind"], chain.home_of(item)) for item in items)


def waiting(made: Installation) -> int:
    """Records of all edges that the server has not confirmed."""
    held = 0
    for edge in made.homes:
        with open_file(made.root / edge / "data" / "journal.db") as journal:
            held += journal.execute("SELECT sum(next - base) FROM lanes").fetchone()[0]
    return held


def verify_audit(made: Installation) -> dict[str, Any]:
    """What `ancu audit verify` says of an installation."""
    ancu = Path(sys.executable).with_name("ancu")
    said = subprocess.run(
        [ancu, "audit", "verify", "--config", made.server_toml, "--json"],
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert said.returncode == 0, said.stdout + said.stderr
    answer: dict[str, Any] = json.loads(said.stdout)
    return answer


def complaints(made: Installation, *, disturbed: bool) -> list[str]:
    """Lines of the logs that nobody should have to read: traces always; undisturbed, also warnings and errors."""
    lines = []
    for log in made.root.glob("*.log"):
        for line in log.read_text("utf-8", "replace").splitlines():
            said = json.loads(line) if line.startswith("{") else {"says": line, "level": "info"}
            trace = "trace" in said or _PLAIN_TROUBLE.search(line)
            if trace or (not disturbed and said["level"] != "info"):
                lines.append(f"{log.name}: {line}"[:600])
    return lines

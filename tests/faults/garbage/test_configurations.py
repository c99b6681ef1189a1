"""Every process's configuration, with every value replaced by nonsense: one clear line, never a traceback."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ancu.server.people.setup import Installation
from ancu.server.people.toml import to_toml

from .conftest import Ancu

PROCESSES = {
    "broker": "broker/broker.toml",
    "server": "server/server.toml",
    "gateway": "gw-1/gateway.toml",
    "edge": "home-001/edge.toml",
    "edge of a camera": "site-001/edge.toml",
    "sim": "sim/sim.toml",
}
NUMBERS: list[Any] = ["text", -1, float("nan"), 10**30, []]
TEXTS: list[Any] = [7, "", "\0", "x" * 5000, "#+/ \u202e"]
OTHERS: list[Any] = ["text", {"no_such_key": 1}]


@pytest.fixture
def chain(pristine: Installation, tmp_path: Path) -> Path:
    shutil.copytree(pristine.root, tmp_path / "chain")
    return tmp_path / "chain"


def leaves(table: dict[str, Any], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in table.items():
        yield (*at, name)
        if isinstance(value, dict):
            yield from leaves(value, (*at, name))


def put(table: dict[str, Any], at: tuple[str, ...], value: Any) -> Any:
    """Replace one value; returns the one before."""
    for name in at[:-1]:
        table = table[name]
    before, table[at[-1]] = table.get(at[-1]), value
    return before


def verb_of(process: str) -> list[str]:
    return ["sim", "bands"] if process == "sim" else [process.split(maxsplit=1)[0], "check"]


def verbs_of(process: str) -> list[list[str]]:
    """Check and run; a check of a camera waits for a picture, and sim has no check."""
    run = [process.split(maxsplit=1)[0], "run"]
    return [verb_of(process)] if process == "sim" else [run] if "camera" in process else [verb_of(process), run]


def wrong_values(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return ["text", 7]
    return NUMBERS if isinstance(value, int | float) else TEXTS if isinstance(value, str) else OTHERS


@pytest.mark.timeout(120)
@pytest.mark.parametrize("process", PROCESSES)
def test_a_value_that_makes_no_sense_is_named(process: str, chain: Path, ancu: Ancu):
    """Nothing listens here, so even a harmless value cannot make the check succeed; only faults of our own count."""
    path = chain / PROCESSES[process]
    table = tomllib.loads(path.read_text("utf-8"))
    wrong = []
    for at in leaves(table):
        before = put(table, at, None)
        for value in wrong_values(before):
            put(table, at, value)
            path.write_text(to_toml(table), "utf-8")
            said = ancu(*verb_of(process), "--config", path, limit_s=0.7)
            harmless = {"answered success", "did not end within 10 s", "said nothing"}
            wrong += [f"{'.'.join(at)} = {value!r:.60}: {fault}" for fault in said.faults() if fault not in harmless]
        put(table, at, before)
    assert not wrong, "\n".join(wrong)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("process", PROCESSES)
def test_a_key_that_nobody_knows_is_refused_by_check_and_run(process: str, chain: Path, ancu: Ancu):
    path = chain / PROCESSES[process]
    good = path.read_text("utf-8")
    table = tomllib.loads(good)
    tables = [(), *[at for at in leaves(table) if isinstance(_get(table, at), dict) and at != ("camera",)]]
    wrong = []
    for at in tables:
        put(table, (*at, "no_such_key"), 1)
        path.write_text(to_toml(table), "utf-8")
        for verb in [verb_of(process), [process.split(maxsplit=1)[0], "run"]]:
            if verb[0] == "sim" and verb[1] == "run":
                continue
            said = ancu(*verb, "--config", path)
            wrong += [f"{verb} {at}: {fault}" for fault in said.faults()]
            if "no_such_key" not in said.out + said.err:
                wrong.append(f"{verb} {at}: does not name the key: {said}")
        table = tomllib.loads(good)
    assert not wrong, "\n".join(wrong)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("how", ["garbage", "missing", "a folder", "open to all"])
@pytest.mark.parametrize("process", PROCESSES)
def test_a_file_that_a_configuration_names_is_checked(process: str, how: str, chain: Path, ancu: Ancu):
    path = chain / PROCESSES[process]
    table = tomllib.loads(path.read_text("utf-8"))
    files = [at for at in leaves(table) if at[-1] in {"ca_file", "cert_file", "key_file", "bands_file", "devices_file"}]
    files = [at for at in files if "camera" not in process or at[-1] != "bands_file"]  # without a radio nobody reads it
    assert files
    wrong = []
    for at in files:
        if how == "open to all" and at[-1] in {"ca_file", "cert_file", "devices_file"}:
            continue  # no secrets
        file = path.parent / _get(table, at)
        aside = file.rename(file.with_name("aside"))
        if how == "a folder":
            file.mkdir()
        elif how != "missing":
            file.write_bytes(bytes(range(256)) if how == "garbage" else aside.read_bytes())
            file.chmod(0o600 if how == "garbage" else 0o644)
        for verb in verbs_of(process):
            said = ancu(*verb, "--config", path)
            wrong += [f"{verb} {'.'.join(at)}: {fault}" for fault in said.faults()]
        if file.is_dir():
            file.rmdir()
        aside.rename(file)
    assert not wrong, "\n".join(wrong)


def _get(table: dict[str, Any], at: tuple[str, ...]) -> Any:
    for name in at:
        table = table[name]
    return table


@pytest.mark.timeout(40)
@pytest.mark.parametrize("what", ["noise", "nothing", "a header and noise", "a folder"])
def test_a_video_that_is_none_is_a_dead_camera_and_no_fault(what: str, chain: Path, ancu: Ancu):
    path = chain / "site-001" / "edge.toml"
    video = chain / "site-001" / "video.mp4"
    if what == "a folder":
        video.mkdir()
    else:
        head = b"\0\0\0\x20ftypisom\0\0\2\0isomiso2mp41" if what == "a header and noise" else b""
        video.write_bytes(b"" if what == "nothing" else head + bytes(range(256)) * 400)
    path.write_text(path.read_text("utf-8").replace("nothing.mp4", "video.mp4"), "utf-8")
    said = ancu("edge", "run", "--config", path, limit_s=7)
    assert said.code is None, said.err
    assert "camera camera-1 is dead" in said.err
    assert "Traceback" not in said.out + said.err

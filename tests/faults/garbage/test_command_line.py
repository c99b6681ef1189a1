"""Nonsense on the command line of every verb: one clear line, an exit code, never a traceback."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest

from ancu.models.command import ancu as top
from ancu.server.people.setup import Installation

from .conftest import Ancu

NOISE = random.Random(5).randbytes(3000)


def verbs(command: click.Command, path: Sequence[str] = ()) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from verbs(child, [*path, name])
    else:
        yield " ".join(path), command


VERBS = dict(verbs(top))


def required(command: click.Command, but: str | None = None) -> list[str]:
    """Arguments that make a command complete, in a form that parses."""
    given: list[str] = []
    for param in command.params:
        if not param.required or param.name == but:
            continue
        value = param.type.choices[0] if isinstance(param.type, click.Choice) else "nothing-such"
        given += [value] if isinstance(param, click.Argument) else [param.opts[0], value]
    return given


def nonsense(command: click.Command, noise: Path, folder: Path) -> Iterator[list[str]]:
    """Complete lines of arguments, each with one thing wrong."""
    yield [*required(command), "--no-such-option"]
    yield [*required(command), "one", "two", "three", "four", "\x1b[31m"]
    for param in command.params:
        rest = required(command, but=param.name)
        if param.required:
            yield rest
        if isinstance(param, click.Argument):
            continue
        option = param.opts[0]
        if isinstance(param.type, click.IntRange | click.FloatRange) or param.type in (click.INT, click.FLOAT):
            yield from ([*rest, f"{option}={value}"] for value in ("many", "1e", "0x10"))
            if isinstance(param.type, click.IntRange | click.FloatRange):
                yield [*rest, f"{option}=-99999999999999999999"]
        elif isinstance(param.type, click.Choice):
            yield [*rest, option, "no-such-choice"]
        elif isinstance(param.type, click.Path) and "out" not in option:
            paths = (noise, folder / "nothing", "\udcff", "", *([] if param.type.dir_okay else [folder]))
            yield from ([*rest, option, str(path)] for path in paths)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "demo"])
def test_nonsense_is_answered_in_one_line(verb: str, ancu: Ancu, tmp_path: Path):
    noise, folder = tmp_path / "noise", tmp_path / "folder"
    noise.write_bytes(NOISE)
    folder.mkdir()
    wrong = []
    for args in nonsense(VERBS[verb], noise, folder):
        said = ancu(*verb.split(), *args)
        if verb.startswith("sim bands") and said.code is None:
            continue
        faults = said.faults()
        if not verb.endswith(" check") and (said.err.count("\n") != 1 or not said.err.startswith("ancu: ")):
            faults.append(f"not one line: {said.err[:300]!r}")
        wrong += [f"{verb} {args}: {fault}" for fault in faults]
    assert not wrong, "\n".join(wrong)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("verb", [v for v, c in VERBS.items() if any(p.name in {"config", "path"} for p in c.params)])
def test_a_garbage_configuration_is_answered_in_one_line(verb: str, ancu: Ancu, tmp_path: Path):
    (tmp_path / "noise.toml").write_bytes(NOISE)
    (tmp_path / "broken.toml").write_text("data = [", "utf-8")
    (tmp_path / "strange.toml").write_text('data = "x"\nno_such_key = 1\n', "utf-8")
    (tmp_path / "empty.toml").write_text("", "utf-8")
    (tmp_path / "deep.toml").write_text("a = " + "[" * 5000 + "]" * 5000, "utf-8")
    wrong = []
    for file in sorted(tmp_path.glob("*.toml")):
        said = ancu(*verb.split(), *required(VERBS[verb], but="path"), "--config", file)
        wrong += [f"{verb} {file.name}: {fault}" for fault in said.faults()]
    assert not wrong, "\n".join(wrong)


FILES = ("ancu.db", "master.key", "devices.toml")
DESK = [v for v, c in VERBS.items() if any(p.name in {"config", "path"} for p in c.params) and v.split()[-1] != "run"]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("file", FILES)
def test_a_data_folder_with_a_garbage_file_is_answered_in_one_line(
    file: str, pristine: Installation, ancu: Ancu, tmp_path: Path
):
    shutil.copytree(pristine.root, tmp_path / "chain")
    (tmp_path / "chain" / "server" / "data" / file).write_bytes(NOISE)
    config = tmp_path / "chain" / "server" / "server.toml"
    wrong = []
    for verb in DESK:
        if verb.split()[0] not in {"edge", "gateway", "broker", "sim"}:
            said = ancu(*verb.split(), *required(VERBS[verb], but="path"), "--config", config)
            wrong += [f"{verb}: {fault}" for fault in said.faults() if fault != "answered success"]
    assert not wrong, "\n".join(wrong)

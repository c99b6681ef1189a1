"""Rules of the house that a linter does not know."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("models", "edge", "gateway", "server", "firmware-sim")
SOURCES = sorted(path for part in PARTS for path in (ROOT / part / "src").rglob("*.py"))
MAY_READ_THE_CLOCK = {"clock.py", "logs.py"}
_CLOCKS = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def clock_calls(tree: ast.AST) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr) in _CLOCKS
    ]


def test_there_are_sources_to_look_at():
    assert len(SOURCES) > 40


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_only_the_clock_reads_the_time_of_day(path: Path):
    if path.name in MAY_READ_THE_CLOCK:
        return
    assert clock_calls(ast.parse(path.read_text("utf-8"))) == []


def test_the_clock_rule_finds_an_offender():
    assert clock_calls(ast.parse("import time\nx = time.time()")) == [2]


def test_the_namespace_has_no_init():
    assert [p for part in PARTS for p in (ROOT / part / "src" / "ancu").glob("__init__.py")] == []


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_a_distribution_under_apache(part: str):
    project = tomllib.loads((ROOT / part / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["license"] == "Apache-2.0"
    assert project["name"] == f"ancu-{part}"


def test_an_edge_brings_nothing_of_the_server_and_a_server_no_camera():
    def needs(part: str) -> str:
        return " ".join(tomllib.loads((ROOT / part / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"])

    assert not any(word in needs("edge") for word in ("fastapi", "duckdb", "numpy", "opencv", "onnx", "ancu-server"))
    assert not any(word in needs("server") for word in ("opencv", "onnx", "bleak", "bumble"))
    assert not any(word in needs("gateway") for word in ("bleak", "fastapi", "duckdb", "numpy"))


def test_locks_hold_hashes_and_name_no_host():
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text("utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index-url" not in text

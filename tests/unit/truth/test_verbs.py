"""`ancu sim` finds the verbs of other distributions, and says plainly which part a verb lacks."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from ancu.firmware_sim.command import sim
from ancu.models.errors import UsageError


def install(folder: Path, target: str) -> None:
    info = folder / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[ancu.sim_verbs]\nprobe = {target}\n")


def test_a_verb_of_another_distribution_is_found_and_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(tmp_path, "ancu.truth.command:truth")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "probe" in CliRunner().invoke(sim, ["--help"]).output
    assert "--preset" in CliRunner().invoke(sim, ["probe", "--help"]).output


def test_a_verb_whose_parts_are_not_installed_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(tmp_path, "not_installed.command:truth")
    monkeypatch.syspath_prepend(str(tmp_path))
    result = CliRunner().invoke(sim, ["probe"])
    assert isinstance(result.exception, UsageError)
    assert "not_installed" in str(result.exception)
    assert "ancu-firmware-sim[probe]" in str(result.exception)


def test_its_own_verbs_stay():
    assert "bands" in CliRunner().invoke(sim, ["--help"]).output

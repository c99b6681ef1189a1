"""What an edge does with the command topic's bodies."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ancu.edge.commanded import Commanded, bands_toml
from ancu.edge.config import read_bands
from ancu.models.commands import Command, Door, SetBands, SetZones, TakeStill, seal_command
from ancu.models.config import write_secret
from ancu.models.errors import ConfigError
from ancu.models.ids import EdgeId
from ancu.models.keys import derive_edge_keys

EDGE, KEYS = EdgeId("site-001"), derive_edge_keys(bytes(range(32)))
ZONES = SetZones("cam-a", 3, (Door("gate", ((0.1, 0.5), (0.4, 0.5)), inside=(0.2, 0.8)),))


def sealed(counter: int, command: Command = ZONES) -> bytes:
    return seal_command(EDGE, counter, command, KEYS.down)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "commanded"


def listening(file: Path) -> tuple[Commanded, list[Command]]:
    commanded, done = Commanded(EDGE, KEYS, file), list[Command]()
    commanded.on(SetZones, done.append)
    commanded.on(TakeStill, done.append)
    return commanded, done


def test_a_command_is_carried_out_once_and_an_older_one_never(file: Path):
    commanded, done = listening(file)
    assert commanded.take(sealed(5))
    assert not commanded.take(sealed(5))
    assert not commanded.take(sealed(4))
    assert commanded.take(sealed(6, TakeStill("cam-a", "x")))
    assert done == [ZONES, TakeStill("cam-a", "x")]
    assert commanded.refused["replay"] == 2


def test_after_a_restart_the_counter_and_the_drawing_are_still_known(file: Path):
    listening(file)[0].take(sealed(5))
    commanded, done = listening(file)
    assert commanded.drawing("cam-a") == ZONES
    assert not commanded.take(sealed(5))
    assert done == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_no_command_of_the_server_changes_nothing(file: Path):
    commanded, done = listening(file)
    wrong = seal_command(EDGE, 9, ZONES, bytes(32))
    for body in (b"", b"noise" * 20, wrong, seal_command(EdgeId("other"), 9, ZONES, KEYS.down)):
        assert not commanded.take(body)
    assert not commanded.take(sealed(9, SetBands({})))  # nobody here carries it out
    assert done == []
    assert not file.exists()
    assert commanded.take(sealed(1))


def test_a_command_that_fails_is_counted_and_not_taken_again(file: Path):
    commanded = Commanded(EDGE, KEYS, file)

    def fail(_: SetZones) -> None:
        raise ConfigError("no such camera")

    commanded.on(SetZones, fail)
    assert not commanded.take(sealed(5))
    assert commanded.refused["failed"] == 1
    assert commanded.counter == 5


def test_a_file_that_cannot_be_read_is_begun_anew(file: Path):
    write_secret(file, b"\xff\xff")
    commanded, done = listening(file)
    assert commanded.take(sealed(5))
    assert done == [ZONES]


def test_the_bands_file_is_what_the_edge_reads(tmp_path: Path):
    bands = {7: bytes(range(16)), 3: bytes(16)}
    write_secret(tmp_path / "bands.toml", bands_toml(SetBands(bands)))
    assert read_bands(tmp_path / "bands.toml") == bands
    write_secret(tmp_path / "none.toml", bands_toml(SetBands({})))
    assert read_bands(tmp_path / "none.toml") == {}

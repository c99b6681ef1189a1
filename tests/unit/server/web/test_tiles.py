"""What is said of an operator's map file that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from ancu.models.errors import ConfigError
from ancu.server.web.tiles import inspect
from tests.integration.web.pmtiles_file import write_map

PLACE = (10.7769, 106.7009, "Bến Nghé")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ward.pmtiles"


def test_a_good_file_says_what_it_covers(path: Path):
    found = inspect(write_map(path, *PLACE))
    assert (found.kind, found.zooms) == ("vector", (9, 9))
    west, south, east, north = found.bounds
    assert (west, south, east, north) == pytest.approx((106.6809, 10.7569, 106.7209, 10.7969))


def test_a_file_that_is_not_there_is_named(path: Path):
    with pytest.raises(ConfigError, match="No such file"):
        inspect(path)


def test_another_kind_of_file_is_none(path: Path):
    path.write_bytes(b"SQLite format 3\0" + bytes(200))
    with pytest.raises(ConfigError, match="not a PMTiles file"):
        inspect(path)


@pytest.mark.parametrize("size", [7, 60, 126, 200])
def test_a_copy_that_broke_off_is_seen(path: Path, size: int):
    write_map(path, *PLACE)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ConfigError, match="cut short"):
        inspect(path)


def test_an_old_version_is_told_with_the_way_out(path: Path):
    with pytest.raises(ConfigError, match="version 2; version 3 is needed"):
        inspect(write_map(path, *PLACE, version=2))


def test_a_compression_that_browsers_lack_is_told(path: Path):
    with pytest.raises(ConfigError, match="gzip is needed"):
        inspect(write_map(path, *PLACE, inside=4))

"""The operator's map: one PMTiles file, whose header is read and whose bytes are served as ranges."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from ancu.models.errors import ConfigError

__all__ = ["MEDIA_TYPE", "MapFile", "inspect"]

MEDIA_TYPE = "application/vnd.pmtiles"

_HEADER = struct.Struct("<7sB8Q3Q4BBB4iB2i")  # of the specification's version 3
_MAGIC = b"PMTiles"
_VERSION = 3
_KINDS = {1: "vector", 2: "png", 3: "jpeg", 4: "webp", 5: "avif"}
_GZIP_OR_NONE = frozenset({1, 2})  # what every browser opens by itself
_E7 = 10_000_000


@dataclass(frozen=True, slots=True)
class MapFile:
    """What the header says; the bounds are west, south, east, north in degrees."""

    kind: str
    bounds: tuple[float, float, float, float]
    zooms: tuple[int, int]
    mib: int


def inspect(path: Path) -> MapFile:
    """Raises ConfigError, which says what is wrong with the file."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER.size)
        size = path.stat().st_size
    except OSError as error:
        raise ConfigError(f"map: {path}: {error.strerror}") from None
    if head[:7] != _MAGIC:
        raise ConfigError(f"map: {path}: not a PMTiles file")
    if len(head) < _HEADER.size:
        raise ConfigError(f"map: {path}: cut short")
    fields = _HEADER.unpack(head)
    if fields[1] != _VERSION:
        raise ConfigError(f"map: {path}: PMTiles version {fields[1]}; version 3 is needed (`pmtiles upgrade`)")
    parts = zip(fields[2:10:2], fields[3:10:2], strict=True)
    if any(offset + length > size for offset, length in parts):
        raise ConfigError(f"map: {path}: cut short: its parts reach past its end")
    _clustered, inside, tiles, kind = fields[13:17]
    if kind not in _KINDS:
        raise ConfigError(f"map: {path}: tiles of an unknown kind ({kind})")
    if inside not in _GZIP_OR_NONE or (kind == 1 and tiles not in _GZIP_OR_NONE):
        raise ConfigError(f"map: {path}: compressed in a way that browsers cannot open; gzip is needed")
    west, south, east, north = (value / _E7 for value in fields[19:23])
    return MapFile(_KINDS[kind], (west, south, east, north), (fields[17], fields[18]), size // 2**20)

"""The secret file of a load: edges, and the bands that each hears.

ca_file = "ca.crt"            # for mqtts: who vouches for the broker

[[edges]]
edge = "edge-1"
ward = "w-01"
key = "..."                   # hex, 32 bytes
cert_file = "edge-1.crt"      # for mqtts, with key_file; edges without share one connection
key_file = "edge-1.key"

[[bands]]
number = 1
key = "..."                   # hex, 16 bytes
order = "order-1"
edge = "edge-1"
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from ancu.models.config import Settings, read_secret
from ancu.models.errors import ConfigError
from ancu.models.keys import BAND_KEY_BYTES, EDGE_KEY_BYTES

__all__ = ["EdgeSecret", "LoadKeys", "read_keys"]


class EdgeSecret(Settings, frozen=True):
    edge: str
    ward: str
    key: str
    cert_file: Path | None = None
    key_file: Path | None = None


class BandSecret(Settings, frozen=True):
    number: int
    key: str
    order: str
    edge: str


class LoadKeys(Settings, frozen=True):
    edges: tuple[EdgeSecret, ...]
    bands: tuple[BandSecret, ...]
    ca_file: Path | None = None


def read_keys(path: Path) -> LoadKeys:
    """Read the file; paths in it are relative to its folder. Raises ConfigError, which quotes no secret."""
    try:
        table = tomllib.loads(read_secret(path).decode("utf-8"))
        keys = msgspec.convert(table, LoadKeys, dec_hook=lambda _, value: path.parent / str(value))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise ConfigError(f"{path}: not TOML") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from None
    for edge in keys.edges:
        _check_key(path, f"edge {edge.edge}", edge.key, EDGE_KEY_BYTES)
    known = {edge.edge for edge in keys.edges}
    for band in keys.bands:
        _check_key(path, f"band {band.number}", band.key, BAND_KEY_BYTES)
        if band.edge not in known:
            raise ConfigError(f"{path}: band {band.number}: edge {band.edge!r} is not in this file")
    return keys


def _check_key(path: Path, whose: str, text: str, size: int) -> None:
    try:
        good = len(bytes.fromhex(text)) == size
    except ValueError:
        good = False
    if not good:
        raise ConfigError(f"{path}: {whose}: key: expected {2 * size} hex digits")

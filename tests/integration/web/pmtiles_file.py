"""A small map to test with: one vector tile around a place, written as PMTiles version 3."""

from __future__ import annotations

import gzip
import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path

__all__ = ["CREDIT", "write_map"]

CREDIT = "© Người vẽ bản đồ"
EXTENT = 4096
ZOOM = 9  # of the only tile: 80 km across
_POINT, _POLYGON = 1, 3
_GZIP, _VECTOR = 2, 1


def write_map(path: Path, lat: float, lon: float, name: str, *, version: int = 3, inside: int = _GZIP) -> Path:
    """Water everywhere, and the place with its name; the bounds are a ward around it."""
    sea = _feature(_POLYGON, [(0, 0), (EXTENT, 0), (EXTENT, EXTENT), (0, EXTENT)])
    x = (lon + 180) / 360 * 2**ZOOM
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**ZOOM
    town = _feature(_POINT, [(round(x % 1 * EXTENT), round(y % 1 * EXTENT))], tags=[0, 0])
    tile = gzip.compress(_layer("water", sea) + _layer("places", town, key="name", value=name))
    said = {"vector_layers": [{"id": "water", "fields": {}}, {"id": "places", "fields": {"name": "String"}}]}
    metadata = gzip.compress(json.dumps(said | {"attribution": f"<a href='/x'>{CREDIT}</a>"}).encode())
    directory = gzip.compress(b"".join(map(_varint, [1, _tile_id(int(x), int(y)), 1, len(tile), 1])))
    at = 127
    parts = []
    for part in (directory, metadata, b"", tile):
        parts += [at, len(part)]
        at += len(part)
    bounds = [round(value * 1e7) for value in (lon - 0.02, lat - 0.02, lon + 0.02, lat + 0.02)]
    centre = [round(lon * 1e7), round(lat * 1e7)]
    head = struct.pack(
        "<7sB8Q3Q4B2B4iB2i",
        b"PMTiles",
        version,
        *parts,
        1,
        1,
        1,
        1,
        inside,
        _GZIP,
        _VECTOR,
        ZOOM,
        ZOOM,
        *bounds,
        14,
        *centre,
    )
    path.write_bytes(head + directory + metadata + tile)
    return path


def _tile_id(x: int, y: int) -> int:
    """Where the tile stands on the curve that runs through all tiles of all zooms."""
    index, half = (4**ZOOM - 1) // 3, 2 ** (ZOOM - 1)
    while half:
        right, below = int(x & half > 0), int(y & half > 0)
        index += half * half * ((3 * right) ^ below)
        if not below:
            if right:
                x, y = half - 1 - x, half - 1 - y
            x, y = y, x
        half //= 2
    return index


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _feature(kind: int, corners: Sequence[tuple[int, int]], tags: Sequence[int] = ()) -> bytes:
    """A geometry of moves from corner to corner, zigzag-coded."""
    at, moves = (0, 0), []
    for corner in corners:
        moves += [(step << 1) ^ (step >> 31) for step in (corner[0] - at[0], corner[1] - at[1])]
        at = corner
    drawn = [1 | 1 << 3, *moves[:2]]
    if kind == _POLYGON:
        drawn += [2 | (len(corners) - 1) << 3, *moves[2:], 7 | 1 << 3]
    body = _field(2, b"".join(map(_varint, tags))) if tags else b""
    return body + _number(3, kind) + _field(4, b"".join(map(_varint, drawn)))


def _layer(name: str, feature: bytes, key: str = "", value: str = "") -> bytes:
    words = _field(3, key.encode()) + _field(4, _field(1, value.encode())) if key else b""
    body = _field(1, name.encode()) + _field(2, feature) + words + _number(5, EXTENT) + _number(15, 2)
    return _field(3, body)

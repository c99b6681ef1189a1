"""Keys: what is derived from what, and for whom.

A band key (128 bit) is written at the depot and known to the band and the server. Everything else follows from it and
the order that the band serves, so a reassigned band changes them all. An edge has one key of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ancu.models.ids import OrderId

__all__ = ["BAND_KEY_BYTES", "EDGE_KEY_BYTES", "BandKeys", "EdgeKeys", "derive_band_keys", "derive_edge_keys"]

BAND_KEY_BYTES = 16
EDGE_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class BandKeys:
    """Keys of one band under one order."""

    frame: bytes  # 16 B: seals adverts; band and server only
    identity: bytes  # 16 B: resolves private addresses; given to the edges of the home
    history: bytes  # 32 B: chains the flash log; band and server only


@dataclass(frozen=True, slots=True)
class EdgeKeys:
    """Keys between one edge and the server."""

    up: bytes  # 32 B: seals batches
    down: bytes  # 32 B: authenticates confirms and commands


def derive_band_keys(band_key: bytes, order: OrderId) -> BandKeys:
    """Derive the keys of a band for an order."""
    return BandKeys(
        frame=_hkdf(band_key, order.encode(), b"ancu/v1/frame", 16),
        identity=_hkdf(band_key, order.encode(), b"ancu/v1/identity", 16),
        history=_hkdf(band_key, order.encode(), b"ancu/v1/history", 32),
    )


def derive_edge_keys(edge_key: bytes) -> EdgeKeys:
    """Derive an edge's directional keys from its own key."""
    return EdgeKeys(up=_hkdf(edge_key, b"", b"ancu/v1/up", 32), down=_hkdf(edge_key, b"", b"ancu/v1/down", 32))


def _hkdf(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(key)

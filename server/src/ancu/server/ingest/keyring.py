"""The keys that ingest needs, made once from the register and again whenever that changed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from ancu.models.frame import frame_cipher
from ancu.models.keys import EdgeKeys
from ancu.server.people.records import Snapshot

__all__ = ["Keyring", "KnownEdge", "keyring_of"]


@dataclass(frozen=True, slots=True)
class KnownEdge:
    """An edge that was provisioned once."""

    ward: str
    keys: EdgeKeys = field(repr=False)
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Keyring:
    """Edges by id, and the frame cipher of every band that serves or served an order."""

    edges: Mapping[str, KnownEdge]
    ciphers: Mapping[int, AESCCM] = field(repr=False)


def keyring_of(snapshot: Snapshot) -> Keyring:
    """Build the keyring of a register."""
    return Keyring(
        edges={edge.id: KnownEdge(edge.ward, edge.keys, edge.revoked) for edge in snapshot.edges.values()},
        ciphers={
            band.number: frame_cipher(band.keys.frame)
            for band in snapshot.bands.values()
            if band.keys is not None and not band.revoked
        },
    )

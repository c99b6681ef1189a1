"""Merkle trees as RFC 9162 has them: that a record is in a journal, shown without showing the others. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

__all__ = ["prove", "root_of", "verify"]

EMPTY = hashlib.sha256(b"").digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves (their contents, in order)."""
    level = [_leaf(leaf) for leaf in leaves]
    while len(level) > 1:
        level = _up(level)
    return level[0] if level else EMPTY


def prove(leaves: Sequence[bytes], indexes: Sequence[int]) -> tuple[bytes, list[list[bytes]]]:
    """The root, and for each index the siblings on its way there, lowest first."""
    level = [_leaf(leaf) for leaf in leaves]
    places, proofs = list(indexes), [list[bytes]() for _ in indexes]
    while len(level) > 1:
        for i, place in enumerate(places):
            if place ^ 1 < len(level):
                proofs[i].append(level[place ^ 1])
            places[i] = place // 2
        level = _up(level)
    return (level[0] if level else EMPTY), proofs


def verify(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a leaf is at an index of a tree of so many leaves with this root."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, _leaf(leaf)
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = _node(sibling, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = _node(found, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def _up(level: Sequence[bytes]) -> list[bytes]:
    pairs = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return pairs + ([level[-1]] if len(level) % 2 else [])


def _leaf(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()

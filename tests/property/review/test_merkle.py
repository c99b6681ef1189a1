"""Merkle paths: what is there can be shown, what is not there cannot."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from ancu.server.review.merkle import EMPTY, prove, root_of, verify

leaves = st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=70)


def rfc_root(data: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, as it is written."""
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = 1
    while k * 2 < len(data):
        k *= 2
    return hashlib.sha256(b"\x01" + rfc_root(data[:k]) + rfc_root(data[k:])).digest()


@given(leaves)
def test_the_root_is_the_one_of_the_standard(data: list[bytes]):
    assert root_of(data) == rfc_root(data)


@given(leaves, st.data())
def test_every_leaf_is_shown_to_be_there(data: list[bytes], draw: st.DataObject):
    index = draw.draw(st.integers(0, len(data) - 1))
    root, (path,) = prove(data, [index])
    assert root == root_of(data)
    assert verify(data[index], index, len(data), path, root)


@given(leaves, st.data())
def test_another_leaf_place_size_or_path_is_not(data: list[bytes], draw: st.DataObject):
    index = draw.draw(st.integers(0, len(data) - 1))
    root, (path,) = prove(data, [index])
    assert not verify(data[index] + b"x", index, len(data), path, root)
    assert not verify(data[index], index, len(data), [*path, b"\x00" * 32], root)
    other = draw.draw(st.integers(-1, len(data)))
    if not 0 <= other < len(data) or data[other] != data[index]:
        assert not verify(data[index], other, len(data), path, root)
    if path:
        assert not verify(data[index], index, len(data), path[:-1], root)
        flipped = [*path[:-1], bytes([path[-1][0] ^ 1]) + path[-1][1:]]
        assert not verify(data[index], index, len(data), flipped, root)


def test_nothing_has_a_root_too():
    assert root_of([]) == prove([], [])[0] == EMPTY

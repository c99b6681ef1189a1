from __future__ import annotations

import tomllib
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from ancu.server.people.toml import to_toml

texts = st.text(st.characters(exclude_categories=["Cs"]))
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts | floats
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    scalars | st.lists(scalars, max_size=3),
    lambda inner: (
        st.dictionaries(keys, inner, max_size=3)
        | st.lists(st.dictionaries(keys, inner, max_size=2), min_size=1, max_size=2)
    ),
    max_leaves=8,
)


@given(st.dictionaries(keys, values, max_size=4))
def test_what_is_written_is_read(table: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(table)) == table


def test_none_is_left_out() -> None:
    assert to_toml({"a": None, "b": {"c": None}}) == "\n[b]\n"


def test_what_toml_cannot_say_is_refused() -> None:
    with pytest.raises(TypeError):
        to_toml({"a": b"bytes"})

"""Labels that are scanned or typed."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ancu.models.errors import UsageError
from ancu.models.ids import BandNumber, band_name
from ancu.server.people.kits import kit_text, read_band, read_kit

edges = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,6}){1,2}", fullmatch=True)
bands = st.integers(1, 2**32 - 1).map(BandNumber)


@given(edges, bands | st.none())
def test_a_label_says_what_was_put_on_it(edge: str, band: BandNumber | None):
    text = kit_text(edge, None if band is None else band_name(band))
    assert read_kit(text) == (edge, band)


@given(bands)
def test_a_band_is_known_by_its_name_or_its_digits(band: BandNumber):
    assert read_band(band_name(band)) == read_band(str(band)) == read_band(f" {band_name(band).upper()} ") == band


@pytest.mark.parametrize("text", ["home-001 wb-00000042", "HOME-001, WB-00000042", "wb-00000042 home-001"])
def test_a_label_may_be_typed_in_any_order(text: str):
    assert read_kit(text) == ("home-001", 42)


@given(st.text(max_size=60))
def test_noise_is_refused_never_crashes(text: str):
    for read in (read_kit, read_band):
        with contextlib.suppress(UsageError):
            read(text)


@pytest.mark.parametrize("text", ["", "wb-", "wb-00000000", "99999999999", "hello world", "ancu:kit?band=wb-00000042"])
def test_what_names_no_box_and_no_band_is_refused(text: str):
    with pytest.raises(UsageError):
        read_kit(text)
    if "band=" not in text:
        with pytest.raises(UsageError):
            read_band(text)

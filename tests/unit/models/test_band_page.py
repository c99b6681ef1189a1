"""The protocol page names what the code uses."""

from __future__ import annotations

from pathlib import Path

from ancu.models import link
from ancu.models.history import CAPACITY, HEAD_BYTES, RECEIPT_BYTES, RECORD_BYTES

PAGE = (Path(__file__).parents[3] / "docs" / "band.md").read_text("utf-8")


def test_every_uuid_is_on_the_page() -> None:
    uuids = [link.LINK_SERVICE, link.ACCESS, link.RECORDS, link.CHALLENGE, link.TICKS, link.CONTROL_POINT]
    assert [uuid for uuid in (*uuids, link.ELAPSED_TIME, link.ELAPSED_TIME_SERVICE) if uuid not in PAGE] == []


def test_the_sizes_on_the_page_are_those_of_the_code() -> None:
    assert f"{CAPACITY:,} records of {RECORD_BYTES} bytes" in PAGE
    assert f"*Head*, {HEAD_BYTES} bytes" in PAGE
    assert f"*Receipt*, {RECEIPT_BYTES} bytes" in PAGE

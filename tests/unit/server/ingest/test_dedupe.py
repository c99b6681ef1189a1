"""Where a batch falls against the watermark."""

from __future__ import annotations

import pytest

from ancu.models.errors import WireRefused
from ancu.models.ids import EdgeId
from ancu.models.topics import Lane
from ancu.models.wire import BatchHeader
from ancu.server.ingest.dedupe import Placed, place


def header(first: int, count: int, base: int = 1) -> BatchHeader:
    return BatchHeader(EdgeId("edge-1"), Lane.STATE, 7, base, first, count, 0)


@pytest.mark.parametrize(
    ("upto", "batch", "placed"),
    [
        (0, header(1, 5), Placed(0, 5, 0, 5)),
        (5, header(6, 2), Placed(0, 2, 0, 7)),
        (5, header(1, 5), Placed(0, 0, 0, 5)),
        (5, header(4, 4), Placed(2, 2, 0, 7)),
        (5, header(8, 2), Placed(0, 0, 0, 5)),
        (5, header(8, 2, base=8), Placed(0, 2, 2, 9)),
        (5, header(9, 2, base=8), Placed(0, 0, 2, 7)),
        (0, header(3, 1, base=3), Placed(0, 1, 2, 3)),
    ],
    ids=["fresh", "next", "known", "overlap", "not yet", "gap", "gap, and not yet", "begins late"],
)
def test_a_batch_is_placed(upto: int, batch: BatchHeader, placed: Placed):
    assert place(upto, batch) == placed


@pytest.mark.parametrize("first", [0, 2**62, 2**64 - 1])
def test_numbers_that_no_journal_writes_are_refused(first: int):
    with pytest.raises(WireRefused):
        place(0, header(first, 2, base=0))

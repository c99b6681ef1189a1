"""Where a batch falls against what is already held. Pure.

A lane of an edge's epoch is a sequence 1, 2, 3, ... The watermark `upto` is the highest number such that everything up
to it is held or was given up by the edge, which says so by `base`. Resends, duplicates and reordering change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from ancu.models.errors import WireReason, WireRefused
from ancu.models.wire import BatchHeader

__all__ = ["Placed", "place"]

_MAX_SEQUENCE = 2**62  # a journal that counts a million a second gets there in 146,000 years; SQLite ends at 2**63

_MAX_LOST = 2**31  # for counting only: whoever claims more has said enough


@dataclass(frozen=True, slots=True)
class Placed:
    """How to take a batch: leave out the first `skip` records, take `take`, then the watermark is `upto`."""

    skip: int
    take: int  # 0: nothing is new, or something before it is still to come
    lost: int  # records that the edge dropped before they came
    upto: int


def place(upto: int, header: BatchHeader) -> Placed:
    """Place a batch against the watermark (0 at the beginning of an epoch).

    Raises WireRefused for numbers that no journal of ours writes.
    """
    last = header.first + header.count - 1
    if header.first < 1 or last > _MAX_SEQUENCE or header.epoch >= 2**63:
        raise WireRefused(WireReason.LAYOUT, "sequence")
    following = max(upto + 1, header.base)
    lost = min(following - upto - 1, _MAX_LOST)
    if header.first > following or last < following:
        return Placed(0, 0, lost, following - 1)
    skip = following - header.first
    return Placed(skip, header.count - skip, lost, last)

"""Whether a run of records is what the band wrote: whole, in order, unchanged. Pure.

A run may overlap what is held (it is then known) and may end early (the rest comes later). What it must not do is leave
out, change or move a record that the band still has: that is named by its sequence, and nothing from there on is taken,
so that it is fetched again and by another box if need be.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import StrEnum

from ancu.models.history import (
    FIRST_TAG,
    RECORD_BYTES,
    TAG_BYTES,
    Entry,
    chain_tag,
    open_head,
    read_entry,
    sequence_of,
    split_records,
)

__all__ = ["NOTHING", "Checked", "Fault", "FaultKind", "Held", "Recorded", "check_run", "follow"]


class FaultKind(StrEnum):
    """What was done to a run; each is a counter."""

    HEAD = "head"  # not this band's word on what its log holds
    MISSING = "missing"  # the band has it, and it was left out
    EDITED = "edited"  # its tag does not fit
    ORDER = "order"  # not where it belongs
    FORKED = "forked"  # the band's log is not the one that we hold the beginning of


@dataclass(frozen=True, slots=True)
class Held:
    """The newest record that the server holds of a band under an order."""

    upto: int  # 0: none
    tag: bytes


NOTHING = Held(0, FIRST_TAG)


@dataclass(frozen=True, slots=True)
class Fault:
    sequence: int  # of the first record that is not right
    kind: FaultKind


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record that the band wrote."""

    entry: Entry
    tag: bytes


@dataclass(frozen=True, slots=True)
class Checked:
    records: tuple[Recorded, ...]  # new ones, in order
    held: Held  # after them
    known: int  # held before
    lost: int  # that the band itself had to give up, its log being full
    fault: Fault | None


def check_run(head: bytes, records: bytes, held: Held, history_key: bytes) -> Checked:
    """Check a run against what is held."""
    said = open_head(head, history_key)
    if said is None:
        return Checked((), held, 0, 0, Fault(held.upto + 1, FaultKind.HEAD))
    if said.next <= held.upto or (said.base == held.upto + 1 and said.anchor != held.tag):
        return Checked((), held, 0, 0, Fault(min(said.next, held.upto + 1), FaultKind.FORKED))
    lost = max(0, said.base - held.upto - 1)
    now = Held(said.base - 1, said.anchor) if lost else held
    found: list[Recorded] = []
    known, fault = 0, None
    rows = list(split_records(records))
    for record in rows:
        sequence = sequence_of(record)
        if sequence <= held.upto and not found:
            known += 1
            continue
        if sequence != now.upto + 1:
            fault = Fault(now.upto + 1, _kind(sequence, now.upto + 1, rows))
            break
        tag = record[-TAG_BYTES:]
        if not hmac.compare_digest(chain_tag(history_key, now.tag, record), tag):
            fault = Fault(sequence, FaultKind.EDITED)
            break
        found.append(Recorded(read_entry(record, history_key), tag))
        now = Held(sequence, tag)
    if fault is None and len(records) % RECORD_BYTES:
        fault = Fault(now.upto + 1, FaultKind.EDITED)
    if lost and not found:
        now, lost = held, 0  # told with the records that follow
    return Checked(tuple(found), now, known, lost, fault)


def follow(records: bytes, held: Held, history_key: bytes) -> Checked:
    """Take of records that came without a head what goes on where we are; a gap is no fault, for nobody asked."""
    now, found, known = held, list[Recorded](), 0
    for record in split_records(records):
        sequence, tag = sequence_of(record), record[-TAG_BYTES:]
        if sequence <= held.upto:
            known += 1
        elif sequence != now.upto + 1 or not hmac.compare_digest(chain_tag(history_key, now.tag, record), tag):
            break
        else:
            found.append(Recorded(read_entry(record, history_key), tag))
            now = Held(sequence, tag)
    return Checked(tuple(found), now, known, 0, None)


def _kind(sequence: int, expected: int, rows: list[bytes]) -> FaultKind:
    elsewhere = any(sequence_of(row) == expected for row in rows)
    return FaultKind.ORDER if elsewhere or sequence < expected else FaultKind.MISSING

"""A virtual box's journal numbers what it writes as a real one does, a quiet span as many records."""

from __future__ import annotations

from ancu.edge.uplink import Held
from ancu.models.topics import Lane
from ancu.models.wire import EdgeStarted
from ancu.truth.journal import Backlog, MemoryJournal, Part
from ancu.truth.span_judge import Quiet


def backlog(periods: int) -> Backlog:
    quiet = [Quiet(1_000 * n, 10_000, 0, lambda ms: ms) for n in (1, 2)]  # type: ignore[arg-type, return-value]
    return Backlog(((("edge", "e"), quiet[0]), (("band", 1), quiet[1])), periods)


def test_a_span_takes_a_sequence_for_each_record_of_each_source():
    journal = MemoryJournal()
    journal.append(Lane.STATE, backlog(3))
    journal.append(Lane.STATE, EdgeStarted(5, "x"))
    assert journal.held[Lane.STATE] == Held(1, 8)
    assert journal.written() == 7


def test_what_is_read_is_cut_where_it_was_asked_for():
    journal, span = MemoryJournal(), backlog(3)
    journal.append(Lane.STATE, span)
    journal.append(Lane.STATE, EdgeStarted(5, "x"))
    assert journal.read(Lane.STATE, 5, 3) == [Part(span, 4, 6), Part(EdgeStarted(5, "x"), 0, 1)]


def test_sources_of_a_span_take_turns():
    span = backlog(3)
    assert [span.last_of(0, upto) for upto in range(5)] == [None, 1_000, 1_000, 11_000, 11_000]
    assert [span.last_of(1, upto) for upto in range(5)] == [None, None, 2_000, 2_000, 12_000]


def test_a_confirm_prunes_and_never_goes_back():
    journal = MemoryJournal()
    journal.append(Lane.STATE, backlog(3))
    journal.prune(Lane.STATE, 4)
    journal.prune(Lane.STATE, 2)
    assert journal.held[Lane.STATE] == Held(5, 7)
    journal.prune(Lane.STATE, 6)
    assert journal.is_empty

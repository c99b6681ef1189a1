from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ancu.server.notify.pacing import Note, next_page_at, pages_due
from ancu.server.notify.retry import Backoff
from ancu.server.ports import Severity

START = datetime(2026, 3, 2, tzinfo=UTC)
PAUSE = timedelta(minutes=10)
arrivals = st.lists(
    st.tuples(
        st.integers(0, 400),  # seconds since the one before
        st.sampled_from(["a", "b"]),
        st.sampled_from([Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM]),
    ),
    max_size=40,
)


@given(arrivals)
def test_one_page_in_ten_minutes_none_lost_and_critical_at_once(happens: list[tuple[int, str, Severity]]):  # noqa: C901
    waiting: list[Note] = []
    paged: dict[str, datetime] = {}
    told: dict[int, datetime] = {}
    pages: list[tuple[datetime, str]] = []

    def make(at: datetime) -> None:
        for page in pages_due(waiting, paged, PAUSE, at):
            for note in page.notes:
                assert note.id not in told
                told[note.id] = at
                waiting.remove(note)
            if not page.urgent:
                paged[page.officer] = at
                pages.append((at, page.officer))

    at, notes = START, []
    for number, (gap, officer, severity) in enumerate(happens):
        until = at + timedelta(seconds=gap)
        while (due := next_page_at(waiting, paged, PAUSE, at)) is not None and due <= until:
            at = due
            make(at)
        at = until
        notes.append(Note(number, number, officer, f"x{number}", "sos", severity, "w1", 0, at))
        waiting.append(notes[-1])
        make(at)
    while (due := next_page_at(waiting, paged, PAUSE, at)) is not None:
        at = due
        make(at)

    assert set(told) == {note.id for note in notes}
    for note in notes:
        if note.severity is Severity.CRITICAL:
            assert told[note.id] == note.at
        else:
            assert told[note.id] - note.at <= PAUSE
    for officer in ("a", "b"):
        times = [when for when, who in pages if who == officer]
        assert all(later - earlier >= PAUSE for earlier, later in pairwise(times))


@given(st.integers(1, 10_000), st.floats(0, 1), st.none() | st.floats(0, 1e9))
def test_a_retry_waits_within_its_bounds(tries: int, chance: float, retry_after_s: float | None):
    wait = Backoff(first_s=2, cap_s=60).delay_s(tries, chance, retry_after_s)
    assert 1 <= wait <= 900
    assert retry_after_s is None or wait >= min(retry_after_s, 900)
    assert retry_after_s is not None or wait <= 60

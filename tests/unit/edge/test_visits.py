from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ancu.edge.visits import OFFER_S, Visits
from ancu.models.address import make_address
from ancu.models.commands import AskBand
from ancu.models.ids import BandNumber
from ancu.models.link import link_keys

KEYS = {BandNumber(n): bytes([n]) * 16 for n in range(1, 7)}


def at_home(slots: int = 3, every_s: float = 600.0, now_s: float = 1000.0) -> Visits:
    visits = Visits(KEYS, slots=slots, every_s=every_s)
    for number in KEYS:
        offer(visits, number, now_s)
    return visits


def offer(visits: Visits, number: int, now_s: float) -> None:
    address = make_address(link_keys(KEYS[BandNumber(number)]).resolving, number)
    assert visits.offered(address, f"device {number}", now_s) == number


def ask(number: int, deadline_ms: int = 5_000_000) -> AskBand:
    return AskBand(f"c{number}", number, bytes(8), deadline_ms)


def test_a_stranger_is_no_band():
    assert Visits(KEYS, slots=1, every_s=1).offered(make_address(bytes(16), 1), "device", 0) is None


def test_a_bonded_stack_may_show_the_identity_address():
    visits = Visits(KEYS, slots=1, every_s=1)
    assert visits.offered(link_keys(KEYS[BandNumber(2)]).address, "device", 0) == 2


def test_history_leaves_one_slot_for_what_is_urgent():
    visits = at_home(slots=3)
    begun = [visits.next(1000), visits.next(1000), visits.next(1000)]
    assert [visit is not None for visit in begun] == [True, True, False]
    visits.ask(ask(6))
    urgent = visits.next(1000)
    assert urgent is not None
    assert urgent.band == 6
    assert visits.next(1000) is None


def test_urgent_comes_first_and_then_the_oldest_history():
    visits = at_home(slots=2)
    for number in (1, 2, 3):
        visit = visits.next(1000 + number)
        assert visit is not None
        assert visit.band == number
        visits.ended(visit.band, 1000 + number, well=True)
    visits.ask(ask(3))
    for number in KEYS:
        offer(visits, number, 1020)
    order = []
    while (visit := visits.next(1020)) is not None:
        order.append(visit.band)
        visits.ended(visit.band, 1020, well=True)
    assert order == [3, 4, 5, 6]


def test_a_visit_that_failed_is_tried_again_later_each_time():
    visits = at_home(slots=1)
    waits = []
    now_s = 1000.0
    for _ in range(5):
        began = now_s
        while (visit := visits.next(now_s)) is None or visit.band != 1:
            if visit is not None:
                visits.ended(visit.band, now_s, well=True)
            now_s += 1
            offer(visits, 1, now_s)
        waits.append(now_s - began)
        visits.ended(BandNumber(1), now_s, well=False)
    assert waits[1:] == [10, 20, 40, 80]


def test_a_band_that_was_away_is_visited_when_it_is_back():
    visits = at_home(slots=1)
    while (visit := visits.next(1000)) is not None:
        visits.ended(visit.band, 1000, well=True)
    offer(visits, 2, 1060)
    assert visits.next(1060) is None
    offer(visits, 2, 1060 + 300)
    back = visits.next(1360)
    assert back is not None
    assert back.band == 2


def test_an_offer_grows_old():
    visits = at_home()
    assert visits.next(1000 + OFFER_S + 1) is None


def test_a_question_that_cannot_be_put_is_given_up_at_its_deadline():
    visits = Visits(KEYS, slots=1, every_s=600)
    visits.ask(ask(1, deadline_ms=1000))
    assert visits.overdue(999) == []
    assert [each.challenge for each in visits.overdue(1000)] == ["c1"]
    assert not visits.ask(ask(99))


@given(
    st.lists(st.tuples(st.integers(1, 6), st.sampled_from(["offer", "ask", "end", "fail", "next"])), max_size=60),
    st.integers(1, 4),
)
def test_there_are_never_more_visits_than_slots_and_never_two_to_one_band(doings: list[tuple[int, str]], slots: int):
    visits, running, now_s = Visits(KEYS, slots=slots, every_s=5), set(), 0.0
    for number, what in doings:
        now_s += 1
        match what:
            case "offer":
                offer(visits, number, now_s)
            case "ask":
                visits.ask(ask(number))
            case "end" | "fail" if number in running:
                running.discard(number)
                visits.ended(BandNumber(number), now_s, well=what == "end")
            case "next" if (visit := visits.next(now_s)) is not None:
                assert visit.band not in running
                running.add(visit.band)
        assert len(running) <= slots

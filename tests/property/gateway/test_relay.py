"""The gateway's judgement: any interleaving of arrivals, loss and confirms ends with all relayed and forgotten."""

from __future__ import annotations

import itertools
from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from ancu.gateway.relay import LONGEST_S, Arrival, Item, Limits, Message, Relays
from ancu.models import topics
from ancu.models.ids import EdgeId, WardCode, partition_of
from ancu.models.topics import Lane
from ancu.models.wire import BatchHeader, Confirmation, EdgeStarted, pack_record, seal_batch

WARD = WardCode("ward-1")
EDGES = [EdgeId(f"edge-{n}") for n in range(4)]
KEY = bytes(32)
RECORD = pack_record(EdgeStarted(1, "0"))


def body(edge: EdgeId, lane: Lane, first: int, count: int, epoch: int = 1) -> bytes:
    return seal_batch(BatchHeader(edge, lane, epoch, 1, first, count, 0), [RECORD] * count, KEY)


class Ward:
    """Edges that send in order, a gateway, and a server that keeps what is contiguous."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.relays = Relays([WARD], limits=limits)
        self.now = 0.0
        self.next: dict[tuple[EdgeId, Lane], int] = defaultdict(lambda: 1)
        self.upto: dict[tuple[EdgeId, Lane], int] = defaultdict(int)
        self.spool: dict[object, Item] = {}
        self.way_up: list[Message] = []

    def arrive(self, edge: EdgeId, lane: Lane, count: int, *, again: int = 0) -> Arrival | str:
        first = max(1, self.next[edge, lane] - again)
        judged = self.relays.arrive(
            topics.facts(WARD, edge, lane), body(edge, lane, first, count), round(self.now * 1000), self.now
        )
        if isinstance(judged, Arrival):
            self.next[edge, lane] = max(self.next[edge, lane], first + count)
            for key in judged.given_up:
                del self.spool[key]
            self.spool[judged.item.key] = judged.item
            self.relays.keep([judged.item])
        return judged

    def send(self) -> bool:
        message = self.relays.next(self.now)
        if message is None:
            return False
        assert {partition_of(item.key.edge) for item in message.items} == {message.partition}
        assert all(item.key in self.spool for item in message.items)
        self.way_up.append(message)
        return True

    def lose(self, index: int) -> None:
        if self.way_up:
            self.way_up.pop(index % len(self.way_up))

    def serve(self, index: int, *, answer: bool) -> None:
        if not self.way_up:
            return
        for item in self.way_up[index % len(self.way_up)].items:
            name = (item.key.edge, item.key.lane)
            if item.key.first <= self.upto[name] + 1:
                self.upto[name] = max(self.upto[name], item.last)
            if answer:
                for key in self.relays.confirmed(Confirmation(*name, item.key.epoch, self.upto[name]), self.now):
                    del self.spool[key]

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.relays.tick(self.now)

    def restart(self) -> None:
        """The process was killed: what the spool holds is all that is left."""
        self.relays = Relays([WARD])
        held = sorted(self.spool.values(), key=lambda item: item.key.first)
        self.relays.admitted(held)
        self.relays.keep(held)


edges, lanes, indexes = st.sampled_from(EDGES), st.sampled_from(Lane), st.integers(0, 30)
steps = st.lists(
    st.one_of(
        st.tuples(st.just(Ward.arrive), edges, lanes, st.integers(1, 5)),
        st.tuples(st.just(lambda ward, *a: ward.arrive(*a[:3], again=a[3])), edges, lanes, indexes, indexes).filter(
            lambda step: step[3] > 0
        ),
        st.tuples(st.just(Ward.send)),
        st.tuples(st.just(Ward.lose), indexes),
        st.tuples(st.just(lambda ward, index: ward.serve(index, answer=True)), indexes),
        st.tuples(st.just(lambda ward, index: ward.serve(index, answer=False)), indexes),
        st.tuples(st.just(Ward.wait), st.floats(0, 10)),
        st.tuples(st.just(Ward.restart)),
        st.tuples(st.just(lambda ward: ward.relays.restart())),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(steps)
def test_in_the_end_everything_is_relayed_in_order_and_forgotten(steps: list[tuple]):
    ward = Ward()
    for step, *arguments in steps:
        step(ward, *arguments)
        assert ward.relays.bodies == len(ward.spool)
        assert ward.relays.bytes == sum(item.size for item in ward.spool.values())
    for _ in range(300):
        if not ward.spool:
            break
        if ward.send():
            ward.serve(-1, answer=True)
        else:
            ward.wait(LONGEST_S)
    assert not ward.spool
    assert dict(ward.upto) == {name: following - 1 for name, following in ward.next.items() if following > 1}


@given(st.text(max_size=40), st.binary(max_size=200))
def test_garbage_is_refused_by_reason_and_never_stops_what_follows(topic: str, garbage: bytes):
    ward = Ward()
    assert isinstance(ward.relays.arrive(topic, garbage, 0, 0.0), str)
    assert isinstance(ward.relays.arrive(topics.facts(WARD, EDGES[0], Lane.STATE), garbage, 0, 0.0), str)
    assert sum(ward.relays.refused.values()) == 2
    assert isinstance(ward.arrive(EDGES[0], Lane.STATE, 1), Arrival)
    assert ward.send()


def test_a_body_must_agree_with_its_topic_and_the_list_of_edges():
    relays = Relays([WARD], allowed=frozenset(EDGES[:1]))
    good = body(EDGES[0], Lane.STATE, 1, 1)

    def judge(topic: str, content: bytes = good) -> object:
        return relays.arrive(topic, content, 0, 0.0)

    assert judge(topics.facts(WARD, EDGES[0], Lane.ALARM)) == "topic"
    assert judge(topics.facts(WardCode("ward-2"), EDGES[0], Lane.STATE)) == "topic"
    assert judge(topics.facts(WARD, EDGES[1], Lane.STATE)) == "unknown_edge"
    assert judge(topics.facts(WARD, EDGES[0], Lane.STATE), body(EDGES[1], Lane.STATE, 1, 1)) == "topic"
    assert judge(topics.facts(WARD, EDGES[0], Lane.STATE), body(EDGES[0], Lane.STATE, 1, 1, epoch=2**63)) == "layout"
    assert isinstance(judge(topics.facts(WARD, EDGES[0], Lane.STATE)), Arrival)


def test_what_is_spooled_already_is_not_spooled_again_but_a_longer_body_is():
    ward = Ward()
    ward.arrive(EDGES[0], Lane.STATE, 1)
    assert ward.arrive(EDGES[0], Lane.STATE, 1, again=1) == "duplicate"
    assert isinstance(ward.arrive(EDGES[0], Lane.STATE, 3, again=1), Arrival)
    assert ward.relays.bodies == 1


def test_alarms_go_before_state_and_state_before_bulk():
    ward = Ward()
    for lane in (Lane.BULK, Lane.STATE, Lane.ALARM):
        ward.arrive(EDGES[0], lane, 1)
    while ward.send():
        pass
    assert [item.key.lane for message in ward.way_up for item in message.items] == list(Lane)


def test_one_edge_that_shouts_does_not_drown_another():
    ward = Ward(Limits(message_items=4))
    for _ in range(80):
        ward.arrive(EDGES[0], Lane.STATE, 1)
    ward.arrive(EDGES[1], Lane.STATE, 1)
    sent: list[EdgeId] = []
    for _ in range(3):
        ward.send()
        sent = [item.key.edge for message in ward.way_up for item in message.items]
    assert EDGES[1] in sent


def test_one_edge_that_floods_is_held_to_its_rate_and_another_is_not():
    ward = Ward()
    judged = [ward.arrive(EDGES[0], Lane.STATE, 1) for _ in range(300)]
    assert judged.count("rate") == 200
    assert isinstance(ward.arrive(EDGES[1], Lane.STATE, 1), Arrival)
    assert isinstance(ward.arrive(EDGES[0], Lane.ALARM, 1), Arrival)


def test_a_full_spool_gives_up_bulk_oldest_first_and_takes_no_state_for_state():
    ward = Ward(Limits(bodies=4))
    for n in range(4):
        ward.now = float(n)
        ward.arrive(EDGES[n], Lane.BULK, 1)
    ward.arrive(EDGES[0], Lane.STATE, 1)
    assert {key.edge for key in ward.spool if key.lane is Lane.BULK} == set(EDGES[1:])  # type: ignore[attr-defined]
    for n in (1, 2, 3):
        ward.arrive(EDGES[n], Lane.STATE, 1)
    assert ward.arrive(EDGES[0], Lane.STATE, 1) == "full"
    assert isinstance(ward.arrive(EDGES[0], Lane.ALARM, 1), Arrival)
    assert ward.relays.dropped == 5


def test_an_edge_that_the_server_never_answers_is_asked_ever_more_rarely():
    ward = Ward()
    ward.arrive(EDGES[0], Lane.STATE, 1)
    sent = 0
    for _ in range(600):
        ward.wait(1)
        ward.relays.confirmed(Confirmation(EDGES[1], Lane.STATE, 1, 1), ward.now)
        sent += ward.send()
    assert 3 <= sent <= 12


def test_an_hour_without_a_server_ends_within_ten_seconds_of_its_return():
    ward = Ward()
    ward.arrive(EDGES[0], Lane.STATE, 1)
    sent_s = []
    for _ in range(3600):
        ward.wait(1)
        if ward.send():
            sent_s.append(ward.now)
    assert max(later - earlier for earlier, later in itertools.pairwise(sent_s)) < 10

"""The window against a network that loses, doubles and reorders: in the end everything is sent and pruned."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ancu.edge.uplink import BATCHES, LONGEST_S, RECORDS, Held, Send, Window
from ancu.models.topics import Lane


class Link:
    """An edge's window, a server that keeps what is contiguous, and between them a network that a test steers."""

    def __init__(self) -> None:
        self.window = Window()
        self.now = 0.0
        self.held = dict.fromkeys(Lane, Held(1, 1))
        self.upto = dict.fromkeys(Lane, 0)
        self.ups: list[Send] = []
        self.downs: list[tuple[Lane, int]] = []

    def append(self, lane: Lane, count: int) -> None:
        self.held[lane] = Held(self.held[lane].base, self.held[lane].next + count)

    def send(self) -> bool:
        sent = self.window.next(self.held, self.now)
        if sent is None:
            return False
        assert self.held[sent.lane].base <= sent.first
        assert sent.first + sent.count <= self.held[sent.lane].next
        assert 0 < sent.count <= RECORDS
        self.ups.append(sent)
        return True

    def lose_up(self, index: int) -> None:
        if self.ups:
            self.ups.pop(index % len(self.ups))

    def deliver(self, index: int) -> None:
        if self.ups:
            send = self.ups[index % len(self.ups)]
            if send.first <= self.upto[send.lane] + 1:
                self.upto[send.lane] = max(self.upto[send.lane], send.first + send.count - 1)
            self.downs.append((send.lane, self.upto[send.lane]))

    def lose_down(self, index: int) -> None:
        if self.downs:
            self.downs.pop(index % len(self.downs))

    def confirm(self, index: int) -> None:
        if self.downs:
            lane, upto = self.downs[index % len(self.downs)]
            if upto >= self.held[lane].base:
                self.held[lane] = Held(upto + 1, self.held[lane].next)
            self.window.confirmed(lane, upto, self.now)

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def reconnect(self) -> None:
        self.window.restart()

    @property
    def done(self) -> bool:
        return all(rows.base == rows.next for rows in self.held.values())


indexes = st.integers(0, 50)
steps = st.lists(
    st.one_of(
        st.tuples(st.just(Link.append), st.sampled_from(Lane), st.integers(1, 400)),
        st.tuples(st.just(Link.send)),
        st.tuples(st.just(Link.lose_up), indexes),
        st.tuples(st.just(Link.deliver), indexes),  # in any order, and again
        st.tuples(st.just(Link.confirm), indexes),
        st.tuples(st.just(Link.lose_down), indexes),
        st.tuples(st.just(Link.wait), st.floats(0, 10)),
        st.tuples(st.just(Link.reconnect)),
    ),
    max_size=80,
)


@settings(max_examples=200, deadline=None)
@given(steps)
def test_whatever_the_network_does_everything_is_confirmed_in_the_end(steps: list[tuple]):
    link = Link()
    for step, *arguments in steps:
        step(link, *arguments)
    for _ in range(2000):  # from here on the network is kind
        if link.done:
            break
        if link.send():
            link.deliver(-1)
            link.confirm(-1)
        else:
            wait_s = link.window.wake_in_s(link.now)
            assert wait_s is not None
            assert wait_s <= LONGEST_S
            link.wait(wait_s + 0.001)
    assert link.done
    assert link.upto == {lane: rows.next - 1 for lane, rows in link.held.items()}


def test_a_full_lane_does_not_hold_an_alarm_back():
    window = Window()
    held = {Lane.ALARM: Held(1, 1), Lane.STATE: Held(1, 10_000), Lane.BULK: Held(1, 10_000)}
    while window.next(held, 0.0):
        pass
    held[Lane.ALARM] = Held(1, 2)
    assert window.next(held, 0.0) == Send(Lane.ALARM, 1, 1)


def test_no_more_than_the_window_is_in_flight():
    window = Window()
    held = {Lane.ALARM: Held(1, 1), Lane.STATE: Held(1, 100_000), Lane.BULK: Held(1, 1)}
    sent = 0
    while window.next(held, 0.0):
        sent += 1
    assert sent == BATCHES

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ancu.models import commands
from ancu.models.commands import Door, SetBands, SetZones, TakeStill, Zone
from ancu.models.errors import WireReason, WireRefused
from ancu.models.ids import BandNumber, EdgeId

EDGE, KEY = EdgeId("site-001"), bytes(range(32))
ZONES = SetZones(
    "cam-a",
    7,
    (Door("gate", ((0.1, 0.5), (0.4, 0.5)), inside=(0.2, 0.8)),),
    (Zone("yard", "gathering", ((0.0, 0.0), (1.0, 0.0), (0.5, 1.0))),),
)

points = st.tuples(st.floats(0, 1), st.floats(0, 1))
orders = st.one_of(
    st.builds(SetBands, st.dictionaries(st.integers(1, 2**32 - 1), st.binary(min_size=16, max_size=16))),
    st.builds(
        SetZones,
        st.text(max_size=20),
        st.integers(0, 2**40),
        st.lists(st.builds(Door, st.text(max_size=20), st.lists(points, max_size=5).map(tuple)), max_size=3).map(tuple),
    ),
    st.builds(TakeStill, st.text(max_size=20), st.text(max_size=20)),
)


def refusal(body: bytes, *, edge: EdgeId = EDGE, key: bytes = KEY, after: int = 0) -> WireReason:
    with pytest.raises(WireRefused) as refused:
        commands.open_command(body, edge, key, after=after)
    return refused.value.reason


@given(orders, st.integers(1, 2**64 - 1))
def test_what_the_server_says_the_edge_hears(command: commands.Command, counter: int) -> None:
    opened = commands.open_command(commands.seal_command(EDGE, counter, command, KEY), EDGE, KEY, after=counter - 1)
    assert opened == commands.Opened(counter, command)


@given(st.binary(max_size=120))
def test_noise_is_refused_never_crashes(body: bytes) -> None:
    for noise in (body, b"AC\x01\x00" + body):
        with pytest.raises(WireRefused):
            commands.open_command(noise, EDGE, KEY, after=0)


def test_a_command_is_taken_once_and_never_after_a_newer_one() -> None:
    body = commands.seal_command(EDGE, 5, ZONES, KEY)
    assert commands.open_command(body, EDGE, KEY, after=4).command == ZONES
    assert refusal(body, after=5) is WireReason.REPLAY
    assert refusal(body, after=6) is WireReason.REPLAY


def test_what_is_wrong_with_a_command_is_named() -> None:
    body = commands.seal_command(EDGE, 5, ZONES, KEY)
    assert refusal(body, key=bytes(32)) is WireReason.SEAL
    assert refusal(body, edge=EdgeId("site-002")) is WireReason.TOPIC
    assert refusal(body[:20]) is WireReason.SHORT
    assert refusal(b"XX" + body[2:]) is WireReason.MAGIC
    assert refusal(body[:2] + b"\x02" + body[3:]) is WireReason.VERSION
    assert refusal(body[:3] + b"\x01" + body[4:]) is WireReason.CRITICAL
    assert refusal(bytes(70_000)) is WireReason.TOO_LARGE
    for place in range(4, len(body)):  # a flipped bit anywhere: the counter, the name, the words
        flipped = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        assert refusal(flipped) in {WireReason.SEAL, WireReason.TOPIC, WireReason.LAYOUT}


def test_a_command_of_the_future_is_refused_by_name() -> None:
    class Dance(commands.TakeStill, frozen=True, tag="dance"):
        pass

    assert refusal(commands.seal_command(EDGE, 5, Dance("cam-a", "x"), KEY)) is WireReason.LAYOUT


def test_nobody_on_the_way_reads_a_bands_key() -> None:
    key = bytes(range(100, 116))
    body = commands.seal_command(EDGE, 5, SetBands({42: key}), KEY)
    assert key not in body
    assert commands.peek_edge(body) == EDGE


def test_the_counter_grows_though_the_clock_goes_back_and_though_a_backup_is_old() -> None:
    assert commands.next_counter(0, 1_000) == 1_000
    assert commands.next_counter(1_000, 900) == 1_001


def test_the_mark_of_bands_differs_where_a_band_or_a_key_does() -> None:
    one, two = BandNumber(1), BandNumber(2)
    marks = [
        commands.bands_mark(bands)
        for bands in ({}, {one: bytes(16)}, {two: bytes(16)}, {one: b"x" * 16}, {one: bytes(16), two: bytes(16)})
    ]
    assert len(set(marks)) == len(marks)
    assert commands.bands_mark({one: bytes(16), two: bytes(16)}) == commands.bands_mark(
        {two: bytes(16), one: bytes(16)}
    )

"""An edge that is told of quiet spans states the absences that one which hears every frame states."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ancu.edge.bands import Moment, Rescan
from ancu.models.address import make_address
from ancu.models.frame import Reading, Status, frame_cipher, seal_frame
from ancu.models.ids import BandNumber
from ancu.models.wire import Unseen
from ancu.truth.span_bands import SpanBands

START = 1_772_413_200_000
READING = Reading(80, False, 364, 70, 97, Status.SKIN | Status.MOTION, 0)


def body(number: int, at_ms: int, counter: int) -> bytes:
    return seal_frame(READING, CIPHER, ADDRESSES[number], counter)


KEYS = {BandNumber(n): bytes([n]) * 16 for n in (1, 2)}
ADDRESSES = {n: make_address(key, 5) for n, key in KEYS.items()}
CIPHER = frame_cipher(bytes(16))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 90)), min_size=1, max_size=4), st.booleans())
def test_an_edge_told_of_a_quiet_span_states_the_same_absences(  # noqa: C901 - one story, told twice
    parts: list[tuple[int, int]], beside: bool
):
    """Band 1 comes and goes; band 2 beside it is heard all along, or never was."""

    def run(*, quiet: bool) -> list[tuple[int, int, int | None]]:
        bands = SpanBands(KEYS, Moment(START, 0.0), report_s=10, unseen_s=20)
        bands.scanning(Moment(START, 0.0))
        stated, now, counter = [], 0, 0
        heard_s, heard_until = set(), []
        for spoken, silent in parts:
            heard_s |= set(range(now, now + 2 * spoken, 2))
            heard_until.append((now, now + 2 * spoken))
            now += 2 * spoken + silent
        scan_at = None
        for second in range(now + 40):
            moment = Moment(START + second * 1000, float(second))
            if scan_at == second:
                bands.scanning(moment)
            for number in (1, 2):
                speaks = second in heard_s if number == 1 else beside and second % 2 == 0
                if not speaks:
                    continue
                counter += 1
                first_or_last = number == 1 and any(second in (a, b - 2) for a, b in heard_until)
                if quiet and not first_or_last:
                    bands.quiet(BandNumber(number), moment)
                else:
                    bands.heard(ADDRESSES[number], body(number, moment.at_ms, counter), -60, moment)
            for action in bands.tick(moment):
                if isinstance(action, Rescan):
                    bands.deaf()
                    scan_at = second + 1
                elif isinstance(action.record, Unseen):
                    stated.append((second, action.record.band, action.record.last_heard_ms))
        return stated

    assert run(quiet=True) == run(quiet=False)

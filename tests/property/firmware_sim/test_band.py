"""What must hold for every life of a band."""

import random
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from ancu.firmware_sim.band import COUNTER_BLOCK, ROTATE_AT_MOST_MS, Band, Sensed, Sent
from ancu.firmware_sim.flash import MemoryFlash
from ancu.models.address import resolves
from ancu.models.frame import Status, frame_cipher, is_urgent, open_frame
from ancu.models.ids import OrderId
from ancu.models.keys import derive_band_keys

KEYS = derive_band_keys(bytes(16), OrderId("order-1"))
START_MS = 1_750_000_000_000

sensed = st.builds(
    Sensed,
    strap_closed=st.booleans(),
    skin=st.booleans(),
    motion=st.booleans(),
    heart_bpm=st.integers(0, 255),
    spo2_percent=st.integers(0, 100),
    skin_deci_c=st.integers(-200, 600),
    battery_percent=st.integers(0, 100),
    charging=st.booleans(),
)
# A life: (milliseconds until it happens, what happens)
happenings = st.lists(
    st.tuples(
        st.integers(0, 4000), st.sampled_from(["advertise", "sos", "cut", "mend", "reboot", "drain", "set_clock"])
    ),
    max_size=80,
)


@dataclass
class Life:
    """Drives a band through happenings and keeps what it sent, with the true time of each advert."""

    flash: MemoryFlash = field(default_factory=MemoryFlash)
    sent: list[Sent] = field(default_factory=list)
    now_ms: int = START_MS
    closed: bool = True

    def __post_init__(self) -> None:
        self.boot(START_MS)

    def boot(self, unix_ms: int | None) -> None:
        self.band = Band(KEYS, self.flash, random.Random(self.now_ms), at_ms=self.now_ms, unix_ms=unix_ms)

    def happen(self, after_ms: int, what: str) -> None:
        self.now_ms += after_ms
        match what:
            case "sos":
                self.band.press(self.now_ms)
            case "cut" | "mend":
                self.closed = what == "mend"
            case "reboot":
                self.boot(self.now_ms)
            case "drain":
                self.boot(None)
            case "set_clock":
                self.band.set_clock(self.now_ms, self.now_ms)
        self.band.sense(self.now_ms, Sensed(self.closed, True, False, 70, 98, 365, 80, False))
        if (sent := self.band.advertise(self.now_ms)) is not None:
            self.sent.append(sent)


@given(sensed, st.booleans())
def test_what_the_band_says_the_server_hears(says: Sensed, presses: bool):
    band = Band(KEYS, MemoryFlash(), random.Random(1), at_ms=0, unix_ms=START_MS)
    if presses:
        band.press(0)
    band.sense(0, says)
    sent = band.advertise(0)
    assert sent is not None
    opened = open_frame(sent.body, frame_cipher(KEYS.frame), sent.address)
    heard = opened.reading
    assert opened.counter == sent.counter == START_MS // 1000
    assert opened.urgent == sent.urgent == is_urgent(sent.body) == (presses or not says.strap_closed)
    assert (heard.battery_percent, heard.skin_deci_c) == (says.battery_percent, says.skin_deci_c)
    assert (heard.heart_bpm, heard.spo2_percent) == ((says.heart_bpm, says.spo2_percent) if says.skin else (0, 0))
    assert heard.tamper == (not says.strap_closed)
    assert bool(heard.status & Status.STRAP_OPEN) == (not says.strap_closed)
    assert bool(heard.status & Status.SKIN) == says.skin
    assert bool(heard.status & Status.SOS) == presses
    assert len(sent.data) == 31


@given(happenings)
def test_no_counter_is_ever_used_twice_and_they_only_grow(life: list[tuple[int, str]]):
    lived = Life()
    for happening in life:
        lived.happen(*happening)
    counters = [sent.counter for sent in lived.sent]
    assert counters == sorted(set(counters))


@given(happenings)
def test_a_synchronised_counter_runs_at_most_seconds_ahead_of_the_clock(life: list[tuple[int, str]]):
    lived = Life()
    restarts = 0
    for after_ms, what in life:
        if what in {"drain", "set_clock", "sos", "mend"}:  # one burst at most: nobody cuts a strap in each second
            continue
        restarts += what == "reboot"
        lived.happen(after_ms, what)
    assert all(sent.counter - sent.at_ms // 1000 <= 5 + COUNTER_BLOCK * restarts for sent in lived.sent)


@given(st.lists(st.integers(1, 120_000), min_size=1, max_size=60))
def test_an_address_is_used_for_fifteen_minutes_at_most_and_always_resolves(waits: list[int]):
    lived = Life()
    for wait in waits:
        lived.happen(wait, "advertise")
    first_seen: dict[bytes, int] = {}
    for sent in lived.sent:
        assert resolves(KEYS.identity, sent.address)
        assert sent.at_ms - first_seen.setdefault(sent.address, sent.at_ms) <= ROTATE_AT_MOST_MS


@given(st.integers(0, 3000))
def test_a_cut_strap_is_sent_at_once_and_four_times_more_within_a_second(when_ms: int):
    lived = Life()
    lived.happen(0, "advertise")
    lived.happen(when_ms, "cut")
    cut_ms = lived.now_ms
    for _ in range(100):
        lived.happen(10, "advertise")
    urgent = [sent for sent in lived.sent if sent.urgent]
    assert urgent[0].at_ms == cut_ms
    assert len(urgent) == 5
    cipher = frame_cipher(KEYS.frame)
    assert all(open_frame(sent.body, cipher, sent.address).reading.status & Status.STRAP_OPEN for sent in urgent)

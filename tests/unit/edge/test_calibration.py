"""A walk through a home: thresholds, rooms that are not covered, the guide, and the file it leaves."""

import asyncio
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ancu.edge.calibration import GAP_DB, Place, calibrate
from ancu.edge.calibration_file import FILE, Room, Walked, read_walk, write_walk
from ancu.edge.calibration_walk import OUTSIDE, Guide, walk
from ancu.edge.ports import Advert, Radio
from ancu.edge.presence import SILENT_DBM, Thresholds
from ancu.models.address import make_address
from ancu.models.clock import SystemClock
from ancu.models.errors import ConfigError, UsageError
from ancu.models.ids import BandNumber

KEY = bytes(range(16))
BAND = (BandNumber(7), KEY)
WALKED = Walked(
    walked_at=datetime(2026, 3, 1, 8, 30, tzinfo=UTC),
    band=7,
    proven=True,
    rooms=(Room(name='bếp "nhỏ"', level_dbm=-61.5, covered=True), Room(name="hiên")),
    near_dbm=-78.5,
    far_dbm=-86.5,
    outside=Room(name=OUTSIDE),
)


def place(name: str, **level: float) -> Place:
    return Place(name, {receiver: [dbm] * 9 for receiver, dbm in level.items()})


def test_the_thresholds_leave_a_body_to_the_weakest_room_and_lie_apart():
    result = calibrate([place("kitchen", here=-55.0), place("bedroom", here=-62.0)], None)
    limits = result.thresholds["here"]
    assert limits == Thresholds(near_dbm=-79.0, far_dbm=-87.0)
    assert 6 <= GAP_DB == limits.near_dbm - limits.far_dbm <= 10
    assert result.proven


def test_a_room_that_a_body_would_silence_is_said_by_name():
    result = calibrate([place("kitchen", here=-55.0), place("loft", here=-84.0)], None)
    assert result.uncovered == ("loft",)
    assert not result.proven


def test_a_second_receiver_covers_what_the_first_does_not():
    rooms = [place("kitchen", here=-55.0, there=-80.0), place("loft", here=-84.0, there=-60.0)]
    result = calibrate(rooms, None)
    assert result.proven
    assert result.thresholds["here"].far_dbm == -80.0
    assert result.thresholds["there"].far_dbm == -85.0


def test_a_receiver_that_hears_outside_like_a_room_is_named_and_accuses_nobody():
    result = calibrate([place("kitchen", here=-60.0)], place(OUTSIDE, here=-70.0))
    assert result.outside_like == ("here",)
    assert result.thresholds["here"].far_dbm == -85.0
    assert calibrate([place("kitchen", here=-60.0)], place(OUTSIDE, here=SILENT_DBM)).outside_like == ()


def test_a_walk_that_heard_nothing_proves_nothing():
    result = calibrate([place("kitchen", here=SILENT_DBM), Place("hall", {})], None)
    assert result.thresholds == {}
    assert not result.proven


def test_what_is_written_is_read_again_and_is_its_owners_alone(tmp_path: Path):
    assert read_walk(tmp_path) is None
    path = write_walk(tmp_path, WALKED)
    assert read_walk(tmp_path) == WALKED
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_thresholds_the_wrong_way_round_are_refused(tmp_path: Path):
    path = write_walk(tmp_path, WALKED)
    path.write_text(path.read_text("utf-8").replace("near_dbm = -78.5", "near_dbm = -90.0"), "utf-8")
    with pytest.raises(ConfigError, match=FILE):
        read_walk(tmp_path)


class WalkedRadio(Radio):
    """Hears the band as loud as the place is where the walker stands, and a stranger beside it."""

    def __init__(self, levels: dict[str, int | None]) -> None:
        self.levels = levels
        self.place = ""
        self._task: asyncio.Task[None] | None = None

    async def start(self, hear: Callable[[Advert], None], lost: Callable[[], None]) -> None:
        self._task = asyncio.ensure_future(self._chatter(hear))

    async def stop(self) -> None:
        assert self._task is not None
        self._task.cancel()
        self._task = None

    async def _chatter(self, hear: Callable[[Advert], None]) -> None:
        while True:
            await asyncio.sleep(0.005)
            hear(Advert(make_address(bytes(16), 3), -30, b""))
            level = self.levels.get(self.place)
            if level is not None:
                hear(Advert(make_address(KEY, 5), level, b""))

    @property
    def stopped(self) -> bool:
        return self._task is None

    def go(self, said: list[str]) -> Guide:
        def ask(text: str) -> str:
            self.place = next((name for name in self.levels if name in text), "")
            return ""

        return Guide(ask, said.append)


SLOT_S = 0.1


async def test_the_guide_leads_through_every_room_and_out(tmp_path: Path):
    radio, said = WalkedRadio({"kitchen": -55, "bedroom": -62, "loft": -85, "door": None}), []
    guide = radio.go(said)
    walked = await walk(radio, SystemClock(), BAND, ["kitchen", "bedroom", "loft"], guide, stand_s=0.3, slot_s=SLOT_S)
    assert radio.stopped
    assert [(room.name, room.level_dbm, room.covered) for room in walked.rooms] == [
        ("kitchen", -55, True),
        ("bedroom", -62, True),
        ("loft", -85, False),
    ]
    assert walked.outside is not None
    assert walked.outside.level_dbm is None
    assert not walked.proven
    assert any("loft: too weak" in line for line in said)
    assert walked.thresholds == Thresholds(-79.0, -87.0)


async def test_the_box_beside_it_covers_what_this_one_does_not():
    radio, said = WalkedRadio({"kitchen": -55, "loft": -85}), []
    beside = Walked(
        walked_at=WALKED.walked_at, band=7, proven=True, rooms=(Room(name="loft", level_dbm=-60.0, covered=True),)
    )
    walked = await walk(
        radio, SystemClock(), BAND, ["kitchen", "loft"], radio.go(said), stand_s=0.3, slot_s=SLOT_S, beside=beside
    )
    assert walked.proven
    assert walked.thresholds == Thresholds(-72.0, -80.0)


async def test_a_band_that_was_never_heard_is_said():
    radio = WalkedRadio({})
    with pytest.raises(UsageError, match="not heard"):
        await walk(radio, SystemClock(), BAND, ["kitchen"], radio.go([]), stand_s=0.1, slot_s=SLOT_S)
    assert radio.stopped

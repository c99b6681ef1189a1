"""What a server's command changes at a camera that plays: its doors, and whether a picture may leave."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ancu.edge.adapters.camera_still import MOST_BYTES, still_of
from ancu.edge.camera.democlip import demo_clip
from ancu.edge.camera.detect import Detections
from ancu.edge.camera_facts import Camera, open_camera
from ancu.models.clock import SystemClock
from ancu.models.commands import Door, SetZones
from ancu.models.errors import ConfigError, UsageError
from ancu.models.topics import Lane
from ancu.models.wire import CameraCrossing, CameraStill


def table(**more: Any) -> dict[str, Any]:
    return {"id": "cam-a", "source": "demo", "loop": True, **more}


class Playing:
    """A camera that runs, and what it said."""

    def __init__(self, folder: Path, **more: Any) -> None:
        try:
            demo_clip()
        except UsageError as error:
            pytest.skip(str(error))
        self.said: list[Any] = []
        self.camera: Camera = open_camera(table(**more), folder, SystemClock(), self.emit)

    def emit(self, lane: Lane, fact: object) -> None:
        self.said.append(fact)

    async def until(self, kind: type[Any], seconds: float = 15) -> Any:
        running = asyncio.create_task(self.camera.run())
        try:
            async with asyncio.timeout(seconds):
                while not (found := [fact for fact in self.said if isinstance(fact, kind)]):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            return found[0]
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_the_picture_stays_where_the_settings_do_not_let_it_leave(tmp_path: Path):
    playing = Playing(tmp_path)
    playing.camera.ask_still("ask-1")
    still = await playing.until(CameraStill)
    assert (still.ask, still.refused, still.jpeg) == ("ask-1", "policy", b"")


@pytest.mark.timeout(40)
async def test_a_picture_that_may_leave_is_small_and_comes_once_for_each_ask(tmp_path: Path):
    playing = Playing(tmp_path, stills="asked")
    playing.camera.ask_still("ask-1")
    playing.camera.ask_still("ask-2")
    still = await playing.until(CameraStill)
    assert (still.ask, still.refused) == ("ask-2", "soon")
    playing.said.clear()
    still = await playing.until(CameraStill)
    picture = cv2.imdecode(np.frombuffer(still.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert still.ask == "ask-1"
    assert picture is not None
    assert picture.shape[:2] == (still.height, still.width)
    assert still.width <= 640
    assert len(still.jpeg) <= MOST_BYTES


@pytest.mark.timeout(40)
async def test_a_door_that_was_drawn_is_the_door_that_is_passed(tmp_path: Path):
    playing = Playing(tmp_path)
    area = ((0.78, 0.0), (1.0, 0.0), (1.0, 1.0), (0.78, 1.0))
    playing.camera.redraw(SetZones("cam-a", 4, (Door("cổng phụ", area),)))
    crossing = await playing.until(CameraCrossing, 30)
    assert (crossing.door, crossing.direction) == ("cổng phụ", "out")


async def test_a_drawing_that_is_none_is_refused(tmp_path: Path):
    playing = Playing(tmp_path)
    with pytest.raises(ConfigError):
        playing.camera.redraw(SetZones("cam-a", 4, (Door("x", ((0.1, 0.1), (0.1, 0.1)), inside=(0, 0)),)))
    twice = (Door("x", ((0.1, 0.1), (0.2, 0.2)), inside=(0, 0)),) * 2
    with pytest.raises(ConfigError):
        playing.camera.redraw(SetZones("cam-a", 5, twice))


def test_who_is_found_in_a_picture_is_made_unrecognisable_and_the_rest_is_left():
    picture = np.random.default_rng(3).integers(0, 255, (480, 640, 3)).astype(np.uint8)
    found = Detections(np.array([[0.25, 0.25, 0.5, 0.75]], np.float32), np.array([0.9], np.float32))
    width, height, jpeg = still_of(picture, found)
    shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert (width, height) == (640, 480)
    assert shown[130:350, 170:310].std(axis=(0, 1)).max() < 30  # blocks of one colour each
    assert shown[10:100, 400:600].std() > 40
    plain = still_of(picture, Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32)))
    bare = cv2.imdecode(np.frombuffer(plain[2], np.uint8), cv2.IMREAD_COLOR)
    assert bare is not None
    assert bare[130:350, 170:310].std() > 40

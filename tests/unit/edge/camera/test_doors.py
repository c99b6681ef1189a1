from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ancu.edge.camera.config import DoorZone
from ancu.edge.camera.detect import Detections
from ancu.edge.camera.doors import Doors
from ancu.edge.camera.facts import Crossing
from ancu.edge.camera.tracks import Tracker

START = datetime(2026, 1, 1, tzinfo=UTC)
LEFT_DOOR = DoorZone(name="door", area=((0, 0), (0.2, 0), (0.2, 1), (0, 1)))
FAR_SIDE = DoorZone(name="door", area=LEFT_DOOR.area, camera_side="outside")
LINE = DoorZone(name="door", area=((0.3, 0.0), (0.3, 1.0)), inside=(0.9, 0.5))
FPS = 5

Walk = Sequence[float | None]  # the person's middle at each look; None: not seen


def walk(walkway: Walk, *zones: DoorZone, score: float = 0.8) -> list[Crossing]:
    tracker, doors = Tracker(begin=0.4), Doors("camera", zones)
    crossings: list[Crossing] = []
    for look, x in enumerate(walkway):
        boxes = np.array([] if x is None else [[x - 0.05, 0.4, x + 0.05, 0.9]], np.float32).reshape(-1, 4)
        at = START + timedelta(seconds=look / FPS)
        found, departed = doors.look(at, tracker.look(at, Detections(boxes, np.full(len(boxes), score, np.float32))))
        tracker.retire(departed)
        crossings += found
    return crossings


def ways(walkway: Walk, *zones: DoorZone) -> list[str]:
    return [crossing.direction for crossing in walk(walkway, *zones)]


ENTERS = [0.08, 0.15, 0.25, 0.4, 0.5, 0.6]
NOBODY: list[float | None] = [None] * 20


def test_who_appears_at_the_door_and_leaves_it_came_in() -> None:
    assert ways([*ENTERS, *[0.6] * 5], LEFT_DOOR) == ["in"]


def test_who_walks_to_the_door_and_disappears_there_went_out() -> None:
    assert ways([*reversed(ENTERS), *NOBODY], LEFT_DOOR) == ["out"]


def test_a_camera_on_the_far_side_sees_it_the_other_way_round() -> None:
    assert ways([*ENTERS, *[0.6] * 5], FAR_SIDE) == ["out"]
    assert ways([*reversed(ENTERS), *NOBODY], FAR_SIDE) == ["in"]


def test_a_fast_entrant_who_is_never_seen_at_the_door_still_came_in() -> None:
    assert ways([0.35, 0.5, 0.65, 0.65, 0.65], LEFT_DOOR) == ["in"]


def test_a_fast_leaver_who_is_never_seen_at_the_door_still_went_out() -> None:
    assert ways([0.65, 0.65, 0.5, 0.35, *NOBODY], LEFT_DOOR) == ["out"]


def test_who_stands_in_the_door_and_goes_back_did_not_pass() -> None:
    assert ways([0.1, 0.12, 0.15, 0.12, 0.1, *NOBODY], LEFT_DOOR) == []


def test_who_vanishes_amid_the_room_did_not_go_out() -> None:
    assert ways([0.5, 0.55, 0.6, 0.62, 0.62, 0.62, *NOBODY], LEFT_DOOR) == []


def test_a_detector_that_blinks_at_the_door_tells_nothing() -> None:
    assert ways([*ENTERS, 0.4, 0.25, None, 0.18, None, None, 0.18, 0.25, 0.4, 0.5], LEFT_DOOR) == ["in"]


def test_two_people_one_after_another_are_two() -> None:
    leaves: Walk = [0.6, 0.5, 0.4, 0.25, 0.15, 0.08, *[None] * 8]
    assert ways([*leaves, *ENTERS, 0.6, 0.6], LEFT_DOOR) == ["out", "in"]


def test_one_look_is_no_track() -> None:
    assert ways([None, 0.1, *NOBODY]) == []
    assert ways([None, 0.35, *NOBODY], LINE) == []


def test_a_line_is_passed_by_walking_across_it() -> None:
    assert ways([0.1, 0.15, 0.2, 0.27, 0.35, 0.45], LINE) == ["in"]
    assert ways([0.45, 0.4, 0.35, 0.27, 0.2, 0.1], LINE) == ["out"]


def test_a_line_counts_who_vanishes_on_the_way_across() -> None:
    assert ways([0.65, 0.55, 0.45, 0.35, *NOBODY], LINE) == ["out"]


def test_a_line_is_not_passed_beyond_its_ends() -> None:
    short = DoorZone(name="door", area=((0.3, 0.0), (0.3, 0.2)), inside=(0.9, 0.5))
    assert ways([0.1, 0.15, 0.2, 0.27, 0.35, 0.45], short) == []


def test_who_dithers_on_a_line_passes_it_once() -> None:
    assert ways([0.1, 0.2, 0.28, 0.301, 0.299, 0.305, 0.36, 0.45], LINE) == ["in"]


def test_without_a_door_the_view_is_one() -> None:
    crossings = walk([*ENTERS, *reversed(ENTERS), *NOBODY])
    assert [(c.direction, c.door) for c in crossings] == [("in", "view"), ("out", "view")]


def test_furniture_taken_for_a_person_never_comes_in() -> None:
    assert ways([0.5, 0.51, None, None, 0.5, *NOBODY, 0.5, 0.49, 0.5, *NOBODY]) == []


def test_a_crossing_says_when_and_how_surely() -> None:
    (crossing,) = walk([*reversed(ENTERS), *NOBODY], LEFT_DOOR)
    assert crossing.at == START + timedelta(seconds=5 / FPS)
    assert crossing.confidence == pytest.approx(0.8)
    assert crossing.frames == 6
    assert crossing.camera == "camera"


def test_a_recording_that_ends_lets_go_whom_it_lost() -> None:
    tracker, doors = Tracker(begin=0.4), Doors("camera", [LEFT_DOOR])
    for look, x in enumerate([0.6, 0.5, 0.4, 0.25, 0.15, None]):
        boxes = np.array([] if x is None else [[x - 0.05, 0.4, x + 0.05, 0.9]], np.float32).reshape(-1, 4)
        at = START + timedelta(seconds=look / FPS)
        assert doors.look(at, tracker.look(at, Detections(boxes, np.full(len(boxes), 0.8, np.float32))))[0] == []
    assert [c.direction for c in doors.end(tracker.tracks)] == ["out"]

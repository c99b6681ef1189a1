from datetime import UTC, datetime, timedelta

import numpy as np

from ancu.edge.camera.detect import Detections
from ancu.edge.camera.tracks import Look, Tracker

START = datetime(2026, 1, 1, tzinfo=UTC)


def found(*people: tuple[float, float, float]) -> Detections:
    """Middle, foot and confidence of each person; all are 0.1 wide and 0.4 high."""
    boxes = np.array([[x - 0.05, y - 0.4, x + 0.05, y] for x, y, _ in people], np.float32).reshape(-1, 4)
    return Detections(boxes, np.array([score for *_, score in people], np.float32))


def looks(*pictures: Detections, every_s: float = 0.2) -> list[Look]:
    tracker = Tracker(begin=0.4)
    return [tracker.look(START + timedelta(seconds=i * every_s), picture) for i, picture in enumerate(pictures)]


def ids(look: Look) -> set[int]:
    return {track.id for track in look.tracks}


def test_a_person_keeps_the_number_from_picture_to_picture() -> None:
    assert [ids(look) for look in looks(*(found((0.2 + 0.05 * i, 0.8, 0.9)) for i in range(8)))] == [{1}] * 8


def test_a_fast_person_whose_boxes_do_not_overlap_keeps_the_number() -> None:
    assert ids(looks(*(found((0.1 + 0.15 * i, 0.8, 0.9)) for i in range(6)))[-1]) == {1}


def test_two_people_who_pass_each_other_keep_their_numbers() -> None:
    last = looks(*(found((0.2 + 0.06 * i, 0.7, 0.9), (0.8 - 0.06 * i, 0.9, 0.9)) for i in range(11)))[-1]
    assert ids(last) == {1, 2}
    assert {track.id: track.last.centre[0] > 0.5 for track in last.tracks} == {1: True, 2: False}


def test_an_unsure_detection_continues_a_track_and_begins_none() -> None:
    *_, last = looks(found((0.5, 0.8, 0.2)), found((0.5, 0.8, 0.9)), found((0.5, 0.8, 0.9)), found((0.5, 0.8, 0.2)))
    (track,) = last.tracks
    assert (track.id, track.frames, track.missed) == (1, 3, 0)


def test_two_detections_within_three_seconds_make_a_track() -> None:
    assert [t.confirmed for t in looks(found((0.5, 0.8, 0.9)))[-1].tracks] == [False]
    assert [t.confirmed for t in looks(*[found((0.5, 0.8, 0.9))] * 2, every_s=2.9)[-1].tracks] == [True]


def test_two_detections_over_three_seconds_apart_do_not() -> None:
    nobody = found()
    *_, last = looks(found((0.5, 0.8, 0.9)), nobody, nobody, nobody, found((0.5, 0.8, 0.9)), every_s=0.8)
    assert [t.confirmed for t in last.tracks] == [False]


def test_a_person_behind_a_pillar_comes_back_as_the_same() -> None:
    person, nobody = found((0.5, 0.8, 0.9)), found()
    assert ids(looks(person, person, *[nobody] * 8, person)[-1]) == {1}


def test_a_person_away_for_longer_is_given_up_once() -> None:
    person, nobody = found((0.5, 0.8, 0.9)), found()
    history = looks(person, person, *[nobody] * 20)
    assert [track.id for look in history for track in look.gone] == [1]
    assert history[-1].tracks == ()


def test_who_appears_across_the_room_is_another() -> None:
    assert ids(looks(*[found((0.05, 0.8, 0.9))] * 3, found((0.95, 0.8, 0.9)))[-1]) == {1, 2}

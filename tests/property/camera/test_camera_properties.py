import itertools
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ancu.edge.camera.boxes import overlaps, suppress
from ancu.edge.camera.config import CameraConfig, DoorZone
from ancu.edge.camera.detect import Detections
from ancu.edge.camera.doors import Doors
from ancu.edge.camera.facts import CameraHealth
from ancu.edge.camera.pipeline import Pipeline
from ancu.edge.camera.tracks import Tracker

START = datetime(2026, 1, 1, tzinfo=UTC)
AREA = DoorZone(name="area", area=((0, 0), (0.2, 0), (0.2, 1), (0, 1)))
LINE = DoorZone(name="line", area=((0.5, 0.0), (0.5, 1.0)), inside=(0.9, 0.5))

shares = st.floats(0, 1, width=32)
boxes = st.tuples(shares, shares, shares, shares)
pictures = st.lists(st.tuples(boxes, st.floats(0.125, 1, width=32)), max_size=6)
films = st.lists(st.tuples(st.floats(0.0, 5.0), pictures), max_size=25)


def detections(picture: list[tuple[tuple[float, ...], float]]) -> Detections:
    rows = np.array([box for box, _ in picture], np.float32).reshape(-1, 4)
    return Detections(rows, np.array([score for _, score in picture], np.float32))


@given(films)
@settings(deadline=None)
def test_any_boxes_at_all_are_followed_without_a_crash_and_no_person_is_two(
    film: list[tuple[float, list[tuple[tuple[float, ...], float]]]],
) -> None:
    tracker, doors, at = Tracker(begin=0.4), Doors("camera", [AREA, LINE]), START
    gone: set[int] = set()
    for wait_s, picture in film:
        at += timedelta(seconds=wait_s)
        look = tracker.look(at, detections(picture))
        assert len({track.id for track in look.tracks}) == len(look.tracks)
        assert not {track.id for track in look.tracks} & gone
        crossings, departed = doors.look(at, look)
        assert all(c.frames >= 2 and START <= c.at <= at for c in crossings)
        tracker.retire(departed)
        gone |= departed | {track.id for track in look.gone}
    doors.end(tracker.tracks)


def ways(xs: list[float], zone: DoorZone) -> list[str]:
    tracker, doors, found = Tracker(begin=0.4), Doors("camera", [zone]), []
    for look in range(len(xs) + 15):
        picture = [((xs[look] - 0.05, 0.4, xs[look] + 0.05, 0.9), 0.8)] if look < len(xs) else []
        at = START + timedelta(seconds=look / 5)
        crossings, departed = doors.look(at, tracker.look(at, detections(picture)))
        tracker.retire(departed)
        found += [c.direction for c in crossings]
    return found


@given(
    start=st.floats(0.02, 0.15),
    end=st.floats(0.6, 0.85),
    looks=st.integers(6, 30),
    zone=st.sampled_from([AREA, LINE]),
)
@settings(deadline=None)
def test_the_way_back_is_the_way_there_the_other_way_round(
    start: float, end: float, looks: int, zone: DoorZone
) -> None:
    there = [float(x) for x in np.linspace(start, end, looks)]
    assert ways([*there, *[end] * 3], zone) == ["in"]
    assert ways([*[end] * 3, *reversed(there)], zone) == ["out"]


@given(st.lists(st.tuples(boxes, shares), max_size=12), st.floats(0.1, 0.9))
def test_suppression_keeps_the_best_and_none_that_overlap(
    rows: list[tuple[tuple[float, ...], float]], most: float
) -> None:
    found = detections(rows)
    kept = suppress(found.boxes, found.scores, most)
    shared = overlaps(found.boxes, found.boxes)
    assert not rows or found.scores[kept[0]] == found.scores.max()
    assert all(shared[a, b] <= most for i, a in enumerate(kept) for b in kept[i + 1 :])
    dropped = set(range(len(rows))) - set(kept)
    assert all(any(shared[d, k] > most and found.scores[k] >= found.scores[d] for k in kept) for d in dropped)


@given(st.lists(st.sampled_from(["picture", "tick", "dead", "idle", "cut"]), max_size=60), st.floats(0.05, 3.0))
@settings(deadline=None, max_examples=40)
def test_whatever_a_source_does_no_state_is_stated_twice(steps: list[str], every_s: float) -> None:
    pipeline, at = Pipeline(CameraConfig(id="c", source="x"), START), START
    random, states = np.random.default_rng(0), []
    for step in steps:
        at += timedelta(seconds=every_s)
        match step:
            case "picture":
                facts, _ = pipeline.picture(at, random.integers(0, 255, (90, 160)).astype(np.uint8))
            case "tick":
                facts = pipeline.tick(at)
            case "dead":
                facts = pipeline.dead(at)
            case "cut":
                facts = pipeline.cut()
            case _:
                facts = []
                pipeline.idle(at)
        states += [fact for fact in facts if isinstance(fact, CameraHealth)]
    assert all(a.state != b.state for a, b in itertools.pairwise(states))
    assert all(fact.since <= fact.at for fact in states)

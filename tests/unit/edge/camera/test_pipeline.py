from datetime import UTC, datetime, timedelta

import numpy as np

from ancu.edge.camera.config import CameraConfig
from ancu.edge.camera.detect import Detections
from ancu.edge.camera.facts import CameraHealth, Fact
from ancu.edge.camera.gate import Grey
from ancu.edge.camera.pipeline import Pipeline

START = datetime(2026, 1, 1, tzinfo=UTC)
FPS = 5
NOBODY = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))


def picture(seed: int) -> Grey:
    blocks = np.kron(np.random.default_rng(1).integers(40, 220, (9, 16)), np.ones((20, 20)))
    return (blocks + np.random.default_rng(seed).normal(0, 2, blocks.shape)).clip(0, 255).astype(np.uint8)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def health(facts: list[Fact]) -> list[tuple[str, float]]:
    return [(f.state, (f.at - START).total_seconds()) for f in facts if isinstance(f, CameraHealth)]


def playing(seconds: float) -> tuple[Pipeline, list[bool]]:
    pipeline, asked = Pipeline(CameraConfig(id="c", source="x"), START), []
    for i in range(round(seconds * FPS)):
        _, look = pipeline.picture(after(i / FPS), picture(i))
        asked.append(look)
        if look:
            pipeline.people(after(i / FPS), NOBODY)
    return pipeline, asked


def test_the_first_picture_says_that_the_camera_is_well() -> None:
    facts, look = Pipeline(CameraConfig(id="c", source="x"), START).picture(after(1), picture(0))
    assert health(facts) == [("ok", 1)]
    assert look


def test_a_quiet_room_is_looked_at_every_ten_seconds_only() -> None:
    _, asked = playing(35)
    assert sum(asked) <= 5
    assert any(asked[10 * FPS :])


def test_a_stream_that_stops_is_dead_within_five_seconds_and_once() -> None:
    pipeline, _ = playing(10)
    facts = [fact for i in range(40) for fact in pipeline.tick(after(10 + i / 2))]
    assert health(facts) == [("dead", 14)]
    (fact,) = facts
    assert isinstance(fact, CameraHealth)
    assert fact.since == after(9.8)


def test_a_stream_that_never_starts_is_dead() -> None:
    pipeline = Pipeline(CameraConfig(id="c", source="x"), START)
    assert health(pipeline.tick(after(3.5))) == []
    assert health(pipeline.tick(after(4))) == [("dead", 4)]


def test_a_stream_that_comes_back_is_well_again_since_its_first_picture() -> None:
    pipeline, _ = playing(10)
    pipeline.tick(after(20))
    facts = [fact for i in range(10) for fact in pipeline.picture(after(30 + i / FPS), picture(i))[0]]
    assert health(facts) == [("ok", 31)]
    (fact,) = facts
    assert isinstance(fact, CameraHealth)
    assert fact.since == after(30)


def test_one_last_picture_of_a_dying_stream_does_not_make_it_well() -> None:
    pipeline, _ = playing(10)
    pipeline.tick(after(14))
    facts, _ = pipeline.picture(after(15), picture(1))
    assert facts == []
    assert pipeline.tick(after(20)) == []
    assert pipeline.picture(after(21), picture(2))[0] == []


def test_a_source_that_rests_is_not_dead() -> None:
    pipeline, _ = playing(2)
    pipeline.idle(after(60))
    assert pipeline.tick(after(61)) == []


def test_a_picture_that_freezes_is_stated_within_five_seconds() -> None:
    pipeline, _ = playing(10)
    facts = [f for i in range(30) for f in pipeline.picture(after(10 + i / FPS), picture(0))[0]]
    ((state, at_s),) = health(facts)
    assert state == "frozen"
    assert at_s <= 15

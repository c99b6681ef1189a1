import cv2
import numpy as np

from ancu.edge.camera.gate import Grey, MotionGate


def room(seed: int) -> Grey:
    noise = np.random.default_rng(seed).normal(0, 3, (180, 320))
    return np.clip(120 + noise, 0, 255).astype(np.uint8)


def settled() -> MotionGate:
    gate = MotionGate()
    for i in range(20):
        gate.moves(room(i))
    return gate


def test_the_first_picture_is_looked_at() -> None:
    assert MotionGate().moves(room(0))


def test_noise_is_no_motion() -> None:
    assert not settled().moves(room(99))


def test_a_head_at_the_edge_is_motion() -> None:
    picture = room(99)
    cv2.circle(picture, (100, 178), 10, 30, -1)
    assert settled().moves(picture)


def test_who_stands_still_becomes_background_after_a_while() -> None:
    gate = settled()
    still = []
    for i in range(600):
        picture = room(i)
        picture[60:170, 100:140] = 60
        still.append(gate.moves(picture))
    assert all(still[:50])
    assert not still[-1]

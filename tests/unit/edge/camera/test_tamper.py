"""Each kind of tampering on a drawn scene, beside a control that must stay "ok"."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from ancu.edge.camera.facts import State
from ancu.edge.camera.gate import Grey
from ancu.edge.camera.tamper import TamperWatch

START = datetime(2026, 1, 1, tzinfo=UTC)
FPS = 5
GOOD = 50  # pictures before anything happens
Change = Callable[[Grey, int], Grey]


def scene(seed: int = 1) -> Grey:
    """A room: patches of grey with edges."""
    random = np.random.default_rng(seed)
    picture = np.full((180, 320), 150, np.uint8)
    for _ in range(60):
        x, y, w, h = random.integers((0, 0, 8, 8), (300, 160, 60, 50))
        cv2.rectangle(picture, (int(x), int(y)), (int(x + w), int(y + h)), int(random.integers(20, 235)), -1)
    return picture


def noisy(picture: Grey, seed: int) -> Grey:
    noise = np.random.default_rng(seed).normal(0, 2, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def person(picture: Grey, i: int) -> Grey:
    x = (i * 6) % 260
    shown = picture.copy()
    cv2.rectangle(shown, (x, 40), (x + 60, 175), 60, -1)
    return shown


def states(change: Change, pictures: int = 100) -> list[tuple[State, float, float]]:
    """State, when it was stated, since when: in seconds after the change began."""
    watch, stated = TamperWatch(), []
    for i in range(pictures):
        picture = scene() if i < GOOD else change(scene(), i)
        still = i > GOOD and change is frozen
        at = START + timedelta(seconds=(i - GOOD) / FPS)
        if watch.look(at, noisy(picture, 0 if still else i)):
            assert watch.since is not None
            stated.append((watch.state, (at - START).total_seconds(), (watch.since - START).total_seconds()))
    assert stated[0][0] == "ok"
    return stated[1:]


def frozen(picture: Grey, _i: int) -> Grey:
    return picture


def hand(picture: Grey, _i: int) -> Grey:
    return (picture * 0.03 + 20).astype(np.uint8)


def cloth(picture: Grey, _i: int) -> Grey:
    pattern = cv2.GaussianBlur(np.random.default_rng(7).normal(0, 800, picture.shape), (0, 0), 20)
    return np.clip(90 + pattern, 0, 255).astype(np.uint8)


def blur(picture: Grey, _i: int) -> Grey:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 3), np.uint8)


def turned(picture: Grey, _i: int) -> Grey:
    return np.roll(picture, 25, axis=1)


def elsewhere(_picture: Grey, _i: int) -> Grey:
    return scene(seed=9)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (hand, "covered"),
        (cloth, "covered"),
        (blur, "defocused"),
        (turned, "moved"),
        (elsewhere, "moved"),
        (frozen, "frozen"),
    ],
)
def test_tampering_is_stated_within_five_seconds(change: Change, state: State) -> None:
    ((found, at_s, since_s),) = states(change)
    assert found == state
    assert at_s <= 5
    assert since_s <= 0.5


def dimmed(picture: Grey, _i: int) -> Grey:
    return (picture * 0.6).astype(np.uint8)


def trembling(picture: Grey, i: int) -> Grey:
    return np.roll(picture, (i % 5) - 2, axis=1)


def nothing(picture: Grey, _i: int) -> Grey:
    return picture.copy()


def passing_hand(picture: Grey, i: int) -> Grey:
    return hand(picture, i) if i < GOOD + 2 * FPS else picture


@pytest.mark.parametrize("change", [nothing, person, dimmed, trembling, passing_hand])
def test_what_happens_in_any_room_is_no_tampering(change: Change) -> None:
    assert states(change) == []


def test_a_camera_that_is_uncovered_is_stated_well_again() -> None:
    found = states(lambda picture, i: hand(picture, i) if i < GOOD + 6 * FPS else picture)
    assert [state for state, *_ in found] == ["covered", "ok"]


def test_a_stream_that_was_away_is_not_frozen_by_that() -> None:
    watch = TamperWatch()
    watch.look(START, scene())
    watch.resume()
    assert not watch.look(START + timedelta(seconds=30), scene())
    assert watch.state == "ok"

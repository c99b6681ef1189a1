import numpy as np
import pytest

from ancu.edge.camera.accuracy import Judged, Passing, average_precision, matches

NONE = np.zeros((0, 4), np.float32)
A, B, SMALL = (0, 0, 100, 200), (300, 0, 400, 200), (500, 0, 510, 20)


def judged(found: list[tuple[tuple[int, ...], float]], people: list[tuple[int, ...]]) -> Judged:
    boxes = np.array([box for box, _ in found], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score in found], np.float32)
    return Judged(boxes, scores, np.array(people, np.float32).reshape(-1, 4))


def test_all_found_and_nothing_else_is_one() -> None:
    assert average_precision([judged([(A, 0.9), (B, 0.8)], [A, B])]) == pytest.approx(1)


def test_nothing_found_is_zero_and_nobody_asked_for_is_none() -> None:
    assert average_precision([judged([], [A])]) == 0
    assert average_precision([judged([(A, 0.9)], [])]) is None


def test_one_of_two_found_is_about_a_half() -> None:
    assert average_precision([judged([(A, 0.9)], [A, B])]) == pytest.approx(51 / 101)


def test_a_surer_wrong_box_costs_precision() -> None:
    assert average_precision([judged([(B, 0.95), (A, 0.9)], [A])]) == pytest.approx(0.5)


def test_a_second_box_of_one_person_is_wrong() -> None:
    assert average_precision([judged([(A, 0.9), (A, 0.95), (B, 0.5)], [A, B])]) == pytest.approx(
        (51 + 50 * 2 / 3) / 101
    )


def test_small_people_are_neither_asked_for_nor_errors() -> None:
    assert average_precision([judged([(SMALL, 0.99), (A, 0.9)], [A, SMALL])], 64) == pytest.approx(1)


def test_passings_match_once_the_same_way_and_near_in_time() -> None:
    truth = [Passing(10, "in"), Passing(20, "out", "front")]
    assert matches([Passing(10.5, "in", "back"), Passing(11, "in", "back")], truth, 2) == 1
    assert matches([Passing(10, "out", "back")], truth, 2) == 0
    assert matches([Passing(20, "out", "back")], truth, 2) == 0
    assert matches([Passing(23, "out", "front")], truth, 2) == 0

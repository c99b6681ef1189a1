import numpy as np
import pytest

from ancu.edge.adapters.camera_detector import saturates
from ancu.edge.camera.boxes import overlaps, suppress
from ancu.edge.camera.detect import BINS, Detections, Fit, Grid, decode


def network_output(fit: Fit, cell: int, sides: tuple[int, int, int, int], logit: float) -> np.ndarray:
    """What the network says when it sees one person from one cell, `sides` strides from its middle."""
    cells = len(Grid.of(fit).strides)
    raw = np.zeros((1 + 4 * BINS, cells), np.float32)
    raw[0] = -20
    raw[0, cell] = logit
    for i, side in enumerate(sides):
        raw[1 + i * BINS + side, cell] = 50
    return raw


@pytest.mark.parametrize(
    ("size", "padded"), [((1280, 720), (416, 256)), ((640, 480), (416, 320)), ((480, 640), (320, 416))]
)
def test_a_picture_is_padded_to_whole_strides_only(size: tuple[int, int], padded: tuple[int, int]) -> None:
    fit = Fit.of(*size, side=416)
    assert (fit.padded_width, fit.padded_height) == padded


def test_a_cell_says_where_the_box_is() -> None:
    fit = Fit.of(416, 416, 416)
    found = decode(network_output(fit, 52 * 10 + 20, (2, 3, 4, 5), 2.0), fit, Grid.of(fit), least=0.5)
    x, y = 20.5 * 8, 10.5 * 8
    assert found.boxes[0] * 416 == pytest.approx([x - 16, y - 24, x + 32, y + 40], abs=0.01)
    assert found.scores[0] == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-4)


def test_what_is_less_sure_than_asked_is_not_there() -> None:
    fit = Fit.of(416, 416, 416)
    assert len(decode(network_output(fit, 7, (1, 1, 1, 1), -2.0), fit, Grid.of(fit), least=0.5)) == 0


def test_the_better_of_two_boxes_of_one_person_is_kept() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 11], [20, 0, 30, 10]], np.float32)
    assert suppress(boxes, np.array([0.5, 0.9, 0.3], np.float32), 0.5) == [1, 2]


def test_boxes_without_area_share_nothing() -> None:
    empty = np.zeros((1, 4), np.float32)
    assert overlaps(empty, empty)[0, 0] == 0


def test_nobody_is_an_empty_answer() -> None:
    nobody = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    assert len(nobody) == 0


@pytest.mark.parametrize(
    ("cpuinfo", "clips"),
    [
        ("processor: 0\nflags\t\t: fpu avx2\n", True),
        ("flags\t\t: fpu avx2 avx512_vnni\n", False),
        ("flags\t\t: fpu avx2 avx_vnni\n", False),
        ("Features\t: asimd asimddp\n", False),
    ],
)
def test_only_x86_processors_without_vnni_take_the_slower_exact_way(cpuinfo: str, clips: bool) -> None:
    assert saturates(cpuinfo) is clips

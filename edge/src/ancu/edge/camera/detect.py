"""The person detector's mathematics on either side of the network (NanoDet: three strides, box sides as distributions).

A frame of any shape is scaled into the smallest rectangle of whole strides, so a wide picture costs no padding.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ancu.edge.camera.boxes import Boxes, Scores, suppress

STRIDES: Final = (8, 16, 32)
BINS: Final = 11  # a side is 0 to 10 strides long, as a distribution over the whole numbers
MOST_CELLS: Final = 1000  # decoded in a picture, the surest: bounds the time that a crowd can take
MOST_OVERLAP: Final = 0.5  # of two boxes of one person


@dataclass(frozen=True, slots=True)
class Detections:
    """Rows of `boxes`, in 0..1 of the frame's width and height, with their confidence; best first."""

    boxes: Boxes
    scores: Scores

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, slots=True)
class Fit:
    """How a frame lies in the network's input: scaled to `width` x `height` at the upper left of the padded size."""

    width: int
    height: int
    padded_width: int
    padded_height: int

    @classmethod
    def of(cls, width: int, height: int, side: int) -> "Fit":
        """The longer edge becomes `side` pixels."""
        scale = side / max(width, height)
        w, h = max(1, round(width * scale)), max(1, round(height * scale))
        step = STRIDES[-1]
        return cls(w, h, -(-w // step) * step, -(-h // step) * step)


@dataclass(frozen=True, slots=True)
class Grid:
    """Centre and stride of every cell of the network's output, in its order."""

    centres: NDArray[np.float32]
    strides: NDArray[np.float32]

    @classmethod
    def of(cls, fit: Fit) -> "Grid":
        centres, strides = [], []
        for stride in STRIDES:
            columns, rows = fit.padded_width // stride, fit.padded_height // stride
            x, y = np.meshgrid(np.arange(columns), np.arange(rows))
            centres.append((np.stack((x, y), axis=-1).reshape(-1, 2) + 0.5) * stride)
            strides.append(np.full(rows * columns, stride))
        return cls(np.concatenate(centres).astype(np.float32), np.concatenate(strides).astype(np.float32))


def decode(raw: NDArray[np.float32], fit: Fit, grid: Grid, least: float) -> Detections:
    """People in the network's output: row 0 the person's logit, rows 1.. the sides' distributions, a column a cell.

    Only cells with a confidence of `least` or more are decoded, and MOST_CELLS of them at most.
    """
    cells = np.flatnonzero(raw[0] >= np.log(least / (1 - least)))
    if len(cells) > MOST_CELLS:
        cells = cells[np.argpartition(raw[0, cells], -MOST_CELLS)[-MOST_CELLS:]]
    scores = (1 / (1 + np.exp(-raw[0, cells]))).astype(np.float32)
    sides = raw[1:, cells].T.reshape(-1, 4, BINS)
    weights = np.exp(sides - sides.max(axis=2, keepdims=True))
    lengths = (weights @ np.arange(BINS, dtype=np.float32)) / weights.sum(axis=2) * grid.strides[cells, None]
    centres = grid.centres[cells]
    size = np.array([fit.width, fit.height], np.float32)
    boxes = np.hstack(((centres - lengths[:, :2]) / size, (centres + lengths[:, 2:]) / size))
    boxes = np.clip(boxes, 0, 1).astype(np.float32)
    kept = suppress(boxes, scores, MOST_OVERLAP)
    return Detections(boxes[kept], scores[kept])

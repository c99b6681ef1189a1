"""Boxes as rows of left, top, right, bottom."""

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
Scores = NDArray[np.float32]
Overlaps = NDArray[np.float32]


def areas(boxes: Boxes) -> Scores:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def overlaps(a: Boxes, b: Boxes) -> Overlaps:
    """Intersection over union of each of `a` with each of `b`; 0 where a union is empty."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.maximum(high - low, 0)
    shared = sides[..., 0] * sides[..., 1]
    union = areas(a)[:, None] + areas(b)[None, :] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0), np.float32)


def suppress(boxes: Boxes, scores: Scores, most: float) -> list[int]:
    """Non-maximum suppression: the rows to keep, best first, no two of which overlap by more than `most`."""
    order = np.argsort(-scores, kind="stable")
    clash = overlaps(boxes[order], boxes[order]) > most
    alive = np.ones(len(order), bool)
    kept: list[int] = []
    for rank, row in enumerate(order):
        if alive[rank]:
            kept.append(int(row))
            alive[rank:] &= ~clash[rank, rank:]
    return kept

"""A picture that may leave: small, with everybody whom the detector finds made unrecognisable.

The detector misses some; who may see the picture is for the site's policy and the server's roles to say.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from ancu.edge.adapters.camera_capture import Image
from ancu.edge.camera.detect import Detections

__all__ = ["MOST_BYTES", "still_of"]

WIDTH: Final = 640
MOST_BYTES: Final = 48 * 1024  # beside other records in a batch of half a mebibyte
BLOCKS: Final = 6  # along a person's height: shape and place stay, nothing of a face does
MARGIN: Final = 0.15  # of the box: a detector's box cuts off hair and hands


def still_of(image: Image, found: Detections) -> tuple[int, int, bytes]:
    """Width, height and JPEG of a BGR picture in which the people found are pixelated."""
    scale = min(1.0, WIDTH / image.shape[1])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small = np.ascontiguousarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    for left, top, right, bottom in found.boxes:
        wide, high = (right - left) * MARGIN, (bottom - top) * MARGIN
        x0, x1 = _within(left - wide, right + wide, size[0])
        y0, y1 = _within(top - high, bottom + high, size[1])
        if x1 > x0 and y1 > y0:
            part = small[y0:y1, x0:x1]
            blocks = (max(1, round(BLOCKS * (x1 - x0) / (y1 - y0))), BLOCKS)
            coarse = cv2.resize(part, blocks, interpolation=cv2.INTER_AREA)
            small[y0:y1, x0:x1] = cv2.resize(coarse, (x1 - x0, y1 - y0), interpolation=cv2.INTER_NEAREST)
    for quality in (75, 60, 45, 30, 15):
        _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if jpeg.nbytes <= MOST_BYTES:
            break
    return size[0], size[1], jpeg.tobytes()


def _within(low: float, high: float, size: int) -> tuple[int, int]:
    return max(0, int(low * size)), min(size, int(np.ceil(high * size)))

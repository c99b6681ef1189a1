"""The motion gate: is there anything new in the picture that the detector should look at?"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

CELL: Final = 4  # pixels of the small grey picture on a side: averages the sensor's noise away
CHANGED: Final = 10  # grey levels of a cell's mean: over noise, under a dark coat on a dark floor
LEAST_CELLS: Final = 3  # a head at the picture's edge is about four
LEARN: Final = 0.05  # of each quiet picture goes into the background
LEARN_MOVING: Final = 0.01  # a person who stands still should not become background at once


def cells(grey: Grey) -> NDArray[np.float32]:
    """Means of CELL x CELL pixels; what does not fill a cell at the right and the bottom is left out."""
    rows, columns = grey.shape[0] // CELL, grey.shape[1] // CELL
    blocks = grey[: rows * CELL, : columns * CELL].reshape(rows, CELL, columns, CELL)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32))


class MotionGate:
    """Compares each picture with a background that it learns."""

    def __init__(self) -> None:
        self._background: NDArray[np.float32] | None = None

    def moves(self, grey: Grey) -> bool:
        """Whether enough of the picture differs from the background. The first picture always does."""
        now = cells(grey)
        if self._background is None or self._background.shape != now.shape:
            self._background = now
            return True
        moving = int(np.count_nonzero(np.abs(now - self._background) > CHANGED)) >= LEAST_CELLS
        self._background += (LEARN_MOVING if moving else LEARN) * (now - self._background)
        return moving

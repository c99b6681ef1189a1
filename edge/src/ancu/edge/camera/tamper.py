"""Has somebody covered, moved or blurred the camera, or is its picture frozen? Judged on a small grey picture.

The reference is what the camera saw when it was started, and it follows the light. A camera that was moved stays
moved until it looks the old way again or is started anew: the zones drawn for the old view mean nothing in the new one.
A dark room cannot be told from a covered lens and is stated as covered.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ancu.edge.camera.facts import State
from ancu.edge.camera.gate import Grey

Plane = NDArray[np.float32]

SETTLE: Final = 5  # pictures before the reference is believed: a camera's exposure starts wrong
EVERY_S: Final = 0.5  # between two comparisons with the reference: what they find lasts for seconds
HOLD_S: Final = 3.0  # a state is stated when it has lasted: somebody who walks past the lens takes less
FROZEN_S: Final = 4.0  # with the second that a fact may take, within 5 s of the cause
FROZEN_LEVELS: Final = 0.005  # mean difference of two pictures: noise alone gives 0.018 and more
FLAT_LEVELS: Final = 12.0  # standard deviation: a hand over the lens has less, an ordinary scene over 30
BLURRED: Final = 0.2  # of the reference's sharpness
COVERED_LIKENESS: Final = 0.5  # of blurred pictures: a defocused scene keeps its large shapes, a cloth does not
MOVED_LIKENESS: Final = 0.25  # of outlines; people in view take away less than this leaves
STEADY_SHIFT: Final = 0.02  # of the width: wind and a slammed door move a picture by less
FOLLOW: Final = 0.02  # of each picture goes into the reference
COARSE: Final = 8  # pixels on a side of what a blurred picture still shows


@dataclass(frozen=True, slots=True)
class Scene:
    """What a picture is compared by."""

    grey: Plane
    outlines: Plane
    coarse: Plane
    sharpness: float
    contrast: float

    @classmethod
    def of(cls, grey: Grey) -> "Scene":
        plane = grey.astype(np.float32)
        outlines = laplacian(plane)
        rows, columns = plane.shape[0] // COARSE, plane.shape[1] // COARSE
        coarse = plane[: rows * COARSE, : columns * COARSE].reshape(rows, COARSE, columns, COARSE).mean(axis=(1, 3))
        return cls(plane, outlines, coarse, float(outlines.var()), float(plane.std()))


class TamperWatch:
    """The camera's state, as far as its pictures tell."""

    def __init__(self) -> None:
        self.state: State = "ok"
        self.since: datetime | None = None
        self._reference: Plane | None = None
        self._reference_scene: Scene | None = None
        self._learnt = 0
        self._previous: Grey | None = None
        self._changed: datetime | None = None
        self._suspected: tuple[State, datetime] | None = None
        self._compared: datetime | None = None

    def look(self, at: datetime, grey: Grey) -> bool:
        """Take in a picture; whether the state changed, which then has been so `since`. The first one is "ok"."""
        frozen = self._frozen(at, grey)
        if frozen is None and self._compared is not None and (at - self._compared).total_seconds() < EVERY_S:
            return False
        suspected = frozen or self._suspect(Scene.of(grey))
        self._compared = at
        if self.since is None:
            self.state, self.since = "ok", at
            return True
        if suspected == self.state:
            self._suspected = None
            return False
        if self._suspected is None or self._suspected[0] != suspected:
            began = self._changed if suspected == "frozen" and self._changed else at
            self._suspected = (suspected, began)
        state, since = self._suspected
        if (at - since).total_seconds() < HOLD_S:
            return False
        self.state, self.since, self._suspected = state, since, None
        return True

    def resume(self) -> None:
        """The stream was away: what was frozen or suspected before says nothing now."""
        self._previous = self._changed = self._suspected = None

    def _frozen(self, at: datetime, grey: Grey) -> State | None:
        previous, self._previous = self._previous, grey
        if previous is None or previous.shape != grey.shape or _difference(previous, grey) >= FROZEN_LEVELS:
            self._changed = at
        if self._changed is None or (at - self._changed).total_seconds() < FROZEN_S:
            return None
        return "frozen"

    def _suspect(self, scene: Scene) -> State:
        if scene.contrast < FLAT_LEVELS:
            return "covered"
        if self._reference is None or self._reference_scene is None or self._reference.shape != scene.grey.shape:
            self._reference, self._reference_scene, self._learnt = scene.grey.copy(), scene, 1
            return "ok"
        if self._learnt < SETTLE:
            self._learn(scene, 1 / (self._learnt + 1))
            return "ok"
        reference = self._reference_scene
        if scene.sharpness < BLURRED * reference.sharpness:
            return "covered" if likeness(reference.coarse, scene.coarse) < COVERED_LIKENESS else "defocused"
        if _displaced(reference, scene):
            return "moved"
        self._learn(scene, FOLLOW)
        return "ok"

    def _learn(self, scene: Scene, share: float) -> None:
        if self._reference is None:
            return
        self._learnt += 1
        self._reference += share * (scene.grey - self._reference)
        if self._learnt <= SETTLE or self._learnt % 10 == 0:
            self._reference_scene = Scene.of(np.asarray(self._reference + 0.5, np.uint8))


def _displaced(reference: Scene, scene: Scene) -> bool:
    """Whether this is another view. A picture that merely trembles is laid over the reference first."""
    if likeness(reference.outlines, scene.outlines) >= MOVED_LIKENESS:
        return False
    dy, dx = shift(reference.outlines, scene.outlines)
    if np.hypot(dx, dy) > STEADY_SHIFT * scene.grey.shape[1]:
        return True
    return likeness(np.roll(reference.outlines, (dy, dx), (0, 1)), scene.outlines) < MOVED_LIKENESS


def _difference(a: Grey, b: Grey) -> float:
    return float(np.abs(a.astype(np.int16) - b).mean())


def laplacian(plane: Plane) -> Plane:
    """How much each pixel differs from its four neighbours; the rim is left out."""
    return np.asarray(
        plane[:-2, 1:-1] + plane[2:, 1:-1] + plane[1:-1, :-2] + plane[1:-1, 2:] - 4 * plane[1:-1, 1:-1], np.float32
    )


def likeness(a: Plane, b: Plane) -> float:
    """Correlation of two planes, -1 to 1; 0 where one is flat."""
    x, y = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum()) / norm if norm > 0 else 0.0


def shift(reference: Plane, plane: Plane) -> tuple[int, int]:
    """Rows and columns by which the plane is moved against the reference, by phase correlation."""
    cross = np.fft.rfft2(plane) * np.conj(np.fft.rfft2(reference))
    cross /= np.maximum(np.abs(cross), 1e-9)
    peak = np.fft.irfft2(cross, s=plane.shape)
    row, column = np.unravel_index(int(np.argmax(peak)), peak.shape)
    return _signed(int(row), peak.shape[0]), _signed(int(column), peak.shape[1])


def _signed(shifted: int, size: int) -> int:
    """A circular shift as the shorter way round."""
    return shifted - size if shifted > size // 2 else shifted

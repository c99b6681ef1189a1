"""The person detector: OpenCV scales, onnxruntime runs the network on one thread."""

import os
import platform
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from ancu.edge.camera.detect import Detections, Fit, Grid, decode
from ancu.edge.camera.weights import weights_folder
from ancu.models.cards import verified_weights

# The official wheel reports its use to its maker, from its import on; nothing may leave a site that nobody allowed.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime  # type: ignore[import-untyped]

Image = NDArray[np.uint8]

QUIET: Final = 3  # onnxruntime's severity "error"


class PersonDetector:
    """Finds people in a BGR image. One instance serves one thread at a time."""

    def __init__(self, folder: Path | None = None, side: int | None = None) -> None:
        """`side`: the longer edge of what the network sees; more finds smaller people and takes longer."""
        card, weights = verified_weights((folder or weights_folder()) / "person.toml")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.x64quantprecision", str(int(saturates(_cpuinfo()))))
        options.log_severity_level = QUIET
        self._session: Any = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        self._input = card.input.name
        self._mean = card.input.mean
        self._side = side or card.input.side
        self._grid = lru_cache(maxsize=4)(Grid.of)

    def __call__(self, image: Image, least: float) -> Detections:
        """People with a confidence of `least` (over 0, under 1) or more."""
        fit = Fit.of(image.shape[1], image.shape[0], self._side)
        scaled = cv2.resize(image, (fit.width, fit.height), interpolation=cv2.INTER_LINEAR)
        tensor = np.zeros((1, 3, fit.padded_height, fit.padded_width), np.float32)
        for channel, mean in enumerate(self._mean):
            np.subtract(scaled[..., channel], mean, out=tensor[0, channel, : fit.height, : fit.width])
        raw = cast("NDArray[np.float32]", self._session.run(None, {self._input: tensor})[0])
        return decode(raw, fit, self._grid(fit), least)


def saturates(cpuinfo: str) -> bool:
    """Whether this processor clips sums of unsigned times signed bytes: an x86 one without VNNI.

    There onnxruntime can take a slower way that keeps the network's accuracy.
    """
    flags = {flag for line in cpuinfo.splitlines() if line.startswith("flags") for flag in line.split()}
    return bool(flags) and not flags & {"avx512_vnni", "avx_vnni"}


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return "flags" if platform.machine().lower() in {"x86_64", "amd64"} else ""

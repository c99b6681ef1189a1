"""A camera at work: takes pictures, looks at them in a thread, and states facts in the event loop.

The capture thread decodes, one picture at a time is judged in a worker thread, and both leave the other cores alone.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import cv2
import msgspec
import numpy as np

from ancu.edge.adapters.camera_capture import EPOCH, Capture, Image, Opener, Picture, open_video
from ancu.edge.adapters.camera_detector import PersonDetector
from ancu.edge.adapters.camera_still import still_of
from ancu.edge.camera.config import CameraConfig, DoorZone, WatchZone
from ancu.edge.camera.facts import CameraHealth, Fact, Still
from ancu.edge.camera.gate import Grey
from ancu.edge.camera.pipeline import Pipeline

__all__ = ["CameraService", "Counters"]

log = logging.getLogger(__name__)

TICK_S: Final = 0.5  # how often silence is noticed
GREY_WIDTH: Final = 320  # of the small picture that motion and tampering are judged on
SMOOTH: Final = 0.05  # of each new time goes into ms_per_frame


@dataclass(slots=True)
class Counters:
    """Since the start. `ms_per_frame` is processor time in the worker thread, smoothed."""

    frames: int = 0
    looks: int = 0
    detections: int = 0
    drops: int = 0
    ms_per_frame: float = 0.0


def small_grey(image: Image) -> Grey:
    """The picture in grey, GREY_WIDTH wide."""
    height = max(8, round(image.shape[0] * GREY_WIDTH / image.shape[1]))
    small = cv2.resize(image, (GREY_WIDTH, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


class CameraService:
    """One camera. Raises `CardError` when its network cannot be loaded; a source that fails is a fact, not an error."""

    def __init__(
        self,
        config: CameraConfig,
        clock: Callable[[], datetime],
        emit: Callable[[Fact], None],
        opener: Opener = open_video,
    ) -> None:
        self.counters = Counters()
        self._config = config
        self._clock = clock
        self._emit = emit
        self._opener = opener
        self._detector = PersonDetector(side=config.detector.side)
        self._redrawn = False  # set on the loop, taken by the worker; so is the ask
        self._ask: str | None = None

    async def run(self) -> None:
        """Watch until cancelled, or until a file that does not loop has ended."""
        capture = Capture(self._config, self._clock, self._opener)
        pipeline = Pipeline(self._config, self._clock() if self._config.realtime else EPOCH)
        loop = asyncio.get_running_loop()
        worker = ThreadPoolExecutor(1, thread_name_prefix=f"camera-{self._config.id}-judge")
        capture.start()
        try:
            while True:
                picture = await loop.run_in_executor(worker, capture.take, TICK_S)
                self.counters.drops = capture.drops
                if picture is not None:
                    self._state(await loop.run_in_executor(worker, self._judge, pipeline, picture))
                elif capture.condition != "ended":
                    self._state(self._silence(pipeline, capture))
                else:
                    self._state(pipeline.cut())
                    return
        finally:
            capture.stop()
            await loop.run_in_executor(worker, capture.join)
            worker.shutdown(wait=False)

    def redraw(self, doors: tuple[DoorZone, ...], zones: tuple[WatchZone, ...]) -> None:
        """Other doors and zones, from the next picture on; raises ValueError for names that are there twice."""
        self._config = msgspec.structs.replace(self._config, doors=doors, zones=zones)
        self._redrawn = True

    def ask_still(self, ask: str) -> None:
        """Let the next picture leave. Whether it may, the caller has asked the settings."""
        self._ask = ask

    def _judge(self, pipeline: Pipeline, picture: Picture) -> list[Fact]:
        began = time.thread_time()
        facts = list(pipeline.cut()) if picture.first else []
        if self._redrawn:
            self._redrawn = False
            facts += pipeline.redraw(self._config.doors, self._config.zones)
        if self._ask is not None:
            ask, self._ask = self._ask, None
            found = self._detector(picture.image, self._config.detector.follow)
            facts.append(Still(picture.at, self._config.id, ask, *still_of(picture.image, found)))
        stated, look = pipeline.picture(picture.at, small_grey(picture.image))
        facts += stated
        if look:
            found = self._detector(picture.image, self._config.detector.follow)
            facts += pipeline.people(picture.at, found)
            self.counters.looks += 1
            self.counters.detections += sum(1 for score in found.scores if score >= self._config.detector.begin)
        spent_ms = (time.thread_time() - began) * 1e3
        counters = self.counters
        counters.ms_per_frame += (SMOOTH if counters.frames else 1.0) * (spent_ms - counters.ms_per_frame)
        counters.frames += 1
        return facts

    def _silence(self, pipeline: Pipeline, capture: Capture) -> list[Fact]:
        if not self._config.realtime:
            return []
        now = self._clock()
        match capture.condition:
            case "resting" | "ended":
                pipeline.idle(now)
                return []
            case "failed":
                return pipeline.dead(now)
            case "opening" | "playing":
                return pipeline.tick(now)

    def _state(self, facts: list[Fact]) -> None:
        for fact in facts:
            if isinstance(fact, CameraHealth):
                level = logging.INFO if fact.state == "ok" else logging.WARNING
                log.log(level, "camera %s is %s since %s", fact.camera, fact.state, fact.since.isoformat())
            self._emit(fact)

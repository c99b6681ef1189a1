"""Pictures from a file, a stream or a device, taken by a thread of their own.

A stream is read to the end of what it has, so that the newest picture waits and no backlog grows; a file plays at
its own pace. A source that cannot be opened or that ends is opened anew, with longer and longer pauses.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import cv2
import numpy as np
from numpy.typing import NDArray

from ancu.edge.camera.config import CameraConfig

# A short probe opens a stream in 0.7 s instead of 5 s; TCP loses no packets; one thread leaves the other cores alone.
STREAM_OPTIONS: Final = "rtsp_transport;tcp|analyzeduration;200000|probesize;200000|threads;1"
FILE_OPTIONS: Final = "threads;1"
OPEN_MS: Final = 4_000  # less than the 5 s in which a process that is told to end must have ended
READ_MS: Final = 3_000
STALLED_S: Final = 0.9 * READ_MS / 1000  # a decoder whose read timed out lets go an old picture as if it were new
JOIN_S: Final = 4.5
RETRY_FIRST_S: Final = 1.0
RETRY_MOST_S: Final = 30.0
DEFAULT_FPS: Final = 25.0  # of a file that does not say
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)  # of pictures that are played as fast as can be

Image = NDArray[np.uint8]
Opener = Callable[[str], Any]  # gives an OpenCV capture
Condition = Literal["opening", "playing", "resting", "failed", "ended"]

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # a broken file is stated by us, once, not by the decoder
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(READ_MS // 1000))
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
cv2.setNumThreads(1)
_opening = threading.Lock()  # the decoder's options are the process's


@dataclass(frozen=True, slots=True)
class Picture:
    """A BGR picture and when it was taken; `first` after an opening or at the beginning of another pass."""

    at: datetime
    image: Image
    first: bool


class Capture:
    """One source. `take` gives the newest picture; nothing here raises for what a source does."""

    def __init__(self, config: CameraConfig, clock: Callable[[], datetime], opener: Opener) -> None:
        self._config = config
        self._open = opener
        self._clock = clock
        self._is_file = is_file(config.source)
        self._every_s = 1 / config.fps
        self._ready = threading.Condition()
        self._waiting: Picture | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.condition: Condition = "opening"
        self.drops = 0  # pictures that nobody took before the next

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=f"camera-{self._config.id}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tell the thread to end."""
        self._stopped.set()
        with self._ready:
            self._ready.notify_all()

    def join(self) -> None:
        """Wait until it has: a process that ends while a thread is inside the decoder is aborted.

        The decoder gives up after OPEN_MS or READ_MS.
        """
        if self._thread is not None:
            self._thread.join(JOIN_S)

    def take(self, timeout_s: float) -> Picture | None:
        """The newest picture that was not taken yet, or None after this long."""
        with self._ready:
            self._ready.wait_for(lambda: self._waiting is not None or self._over(), timeout_s)
            picture, self._waiting = self._waiting, None
            self._ready.notify_all()
            return picture

    def _over(self) -> bool:
        return self._stopped.is_set() or self.condition == "ended"

    def _put(self, picture: Picture) -> None:
        with self._ready:
            if not self._config.realtime:
                self._ready.wait_for(lambda: self._waiting is None or self._stopped.is_set())
            elif self._waiting is not None:
                self.drops += 1
                picture = Picture(picture.at, picture.image, picture.first or self._waiting.first)
            self._waiting = picture
            self._ready.notify_all()

    def _run(self) -> None:
        retry_s = RETRY_FIRST_S
        while not self._stopped.is_set():
            if self._config.delay_s and self._is_file:
                self.condition = "resting"
                self._stopped.wait(self._config.delay_s)
            try:
                played = self._play_file() if self._is_file else self._play_live()
            except cv2.error:  # a picture that cannot even be decoded
                played = False
            if played and self._is_file:
                retry_s = RETRY_FIRST_S
                if self._config.loop:
                    continue
                with self._ready:
                    self.condition = "ended"
                    self._ready.notify_all()
                return
            self.condition = "failed"
            retry_s = RETRY_FIRST_S if played else min(retry_s * 2, RETRY_MOST_S)
            self._stopped.wait(retry_s)

    def _play_file(self) -> bool:
        """Play the file once; whether it gave a picture."""
        video = self._open(self._config.source)
        fps = video.get(cv2.CAP_PROP_FPS)
        fps = fps if 0 < fps < 1000 else DEFAULT_FPS
        began, next_s, index, played = time.monotonic(), self._config.start_s, 0, False
        end_s = self._config.end_s if self._config.end_s is not None else float("inf")
        while not self._stopped.is_set() and video.grab():
            at_s, index = index / fps, index + 1
            if at_s < next_s - 1e-6:
                continue
            if at_s >= end_s:
                break
            next_s = max(next_s + self._every_s, at_s)
            ok, image = video.retrieve()
            if not ok:
                continue
            ahead_s = at_s - self._config.start_s
            if self._config.realtime:
                self._stopped.wait(max(0.0, began + ahead_s - time.monotonic()))
            at = self._clock() if self._config.realtime else EPOCH + timedelta(seconds=at_s)
            self.condition = "playing"
            self._put(Picture(at, image, first=not played))
            played = True
        video.release()
        return played

    def _play_live(self) -> bool:
        """Read a stream or a device until it fails; whether it gave a picture."""
        self.condition = "opening" if self.condition != "failed" else "failed"
        video = self._open(self._config.source)
        next_s, played = time.monotonic(), False
        now_s = time.monotonic()
        while not self._stopped.is_set() and video.grab():
            asked_s, now_s = now_s, time.monotonic()
            if played and now_s - asked_s >= STALLED_S:
                break
            if now_s < next_s:
                continue
            next_s = max(next_s + self._every_s, now_s)
            ok, image = video.retrieve()
            if not ok:
                continue
            self.condition = "playing"
            self._put(Picture(self._clock(), image, first=not played))
            played = True
        video.release()
        return played


def is_file(source: str) -> bool:
    """Whether the source is a recording, which has an end and a pace of its own."""
    return not (source.isdecimal() or source.startswith("/dev/") or "://" in source) or source.startswith("file://")


def open_video(source: str) -> Any:
    """An OpenCV capture, opened or not; nothing is raised."""
    if source.isdecimal():
        return cv2.VideoCapture(int(source), cv2.CAP_V4L2)
    if source.startswith("/dev/"):
        return cv2.VideoCapture(source, cv2.CAP_V4L2)
    path = urlsplit(source).path if source.startswith("file://") else source
    if is_file(source) and not os.path.isfile(path):  # noqa: PTH113 - false for what no file can be called
        return cv2.VideoCapture()
    options = FILE_OPTIONS if is_file(source) else STREAM_OPTIONS
    with _opening:
        os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = options
        return cv2.VideoCapture(
            path,
            cv2.CAP_FFMPEG,
            [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MS],
        )

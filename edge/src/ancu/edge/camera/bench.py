"""`ancu bench vision`: how well and how fast people and their ways through doors are seen."""

import asyncio
import time
from pathlib import Path
from statistics import median
from typing import Any, Final, Literal

import cv2
import msgspec
import numpy as np

from ancu.edge.adapters.camera_capture import EPOCH, Image
from ancu.edge.adapters.camera_detector import PersonDetector
from ancu.edge.adapters.camera_service import CameraService
from ancu.edge.camera.accuracy import Judged, Passing, average_precision, matches
from ancu.edge.camera.boxes import Boxes
from ancu.edge.camera.config import CameraConfig, DetectorSettings, DoorZone
from ancu.edge.camera.facts import Crossing
from ancu.models.clock import SystemClock
from ancu.models.config import Settings
from ancu.models.errors import UsageError

PERSON: Final = 0  # the class in a YOLO label
LEAST: Final = 0.02  # average precision asks for what is hardly believed, too; a camera at work does not
LARGE_PX: Final = 64
PICTURES: Final = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


class Event(Settings, frozen=True):
    """A true passing."""

    at_s: float
    direction: Literal["in", "out"]
    door: str | None = None


class Truth(Settings, frozen=True):
    """What really happened in a clip."""

    events: tuple[Event, ...]
    doors: tuple[DoorZone, ...] = ()
    tolerance_s: float = 2.0
    fps: float = 5.0


def bench_vision(people: Path | None, faces: Path | None, door: Path | None, truth: Path | None) -> dict[str, object]:
    """Figures by name; null where nothing was given to measure. `UsageError` for a folder or a file that is none."""
    figures: dict[str, object] = dict.fromkeys(
        ("ap50", "ap50_64px", "ms_per_frame", "tar_at_far_1e3", "door_precision", "door_recall")
    )
    if people is not None:
        figures |= bench_people(people)
    if faces is not None:
        figures["faces"] = "not measured: face verification is not part of this version"
    if (door is None) != (truth is None):
        raise UsageError("--door and --truth go together")
    if door is not None and truth is not None:
        figures |= bench_door(door, truth)
    return figures


def bench_people(folder: Path) -> dict[str, object]:
    """AP50 over `images/` and YOLO `labels/`, and the median processor time of a picture at work, on one thread."""
    cv2.setNumThreads(1)
    detector = PersonDetector()
    files = sorted(f for f in (folder / "images").glob("*") if f.suffix.lower() in PICTURES)
    if not files:
        raise UsageError(f"{folder}: no pictures in images/")
    judged, spent_ms = [], []
    for file in files:
        image = _read(file)
        height, width = image.shape[:2]
        size = np.array([width, height, width, height], np.float32)
        began = time.thread_time()
        detector(image, DetectorSettings().follow)
        spent_ms.append((time.thread_time() - began) * 1e3)
        found = detector(image, LEAST)
        labels = folder / "labels" / f"{file.stem}.txt"
        judged.append(Judged(found.boxes * size, found.scores, _labels(labels) * size))
    return {
        "images": len(judged),
        "people": sum(len(j.people) for j in judged),
        "ap50": _rounded(average_precision(judged)),
        "ap50_64px": _rounded(average_precision(judged, LARGE_PX)),
        "ms_per_frame": round(median(spent_ms), 1),
    }


def bench_door(clip: Path, truth_file: Path) -> dict[str, object]:
    """Precision and recall of the passings in a clip, by the pipeline that a camera runs."""
    if not clip.is_file():
        raise UsageError(f"{clip}: no such clip")
    truth = read_truth(truth_file)
    config = CameraConfig(id="bench", source=str(clip), fps=truth.fps, doors=truth.doors, realtime=False)
    found: list[Passing] = []
    looked_at = 0

    def emit(fact: object) -> None:
        if isinstance(fact, Crossing):
            found.append(Passing((fact.at - EPOCH).total_seconds(), fact.direction, fact.door))

    async def watch() -> None:
        nonlocal looked_at
        service = CameraService(config, SystemClock().now, emit)
        await service.run()
        looked_at = service.counters.frames

    asyncio.run(watch())
    if not looked_at:
        raise UsageError(f"{clip}: cannot be played")
    true = [Passing(event.at_s, event.direction, event.door) for event in truth.events]
    right = matches(found, true, truth.tolerance_s)
    return {
        "door_precision": round(right / len(found), 3) if found else None,
        "door_recall": round(right / len(true), 3) if true else None,
        "door_events": len(true),
        "door_found": [{"at_s": round(p.at_s, 2), "direction": p.direction, "door": p.door} for p in found],
    }


def read_truth(file: Path) -> Truth:
    """A truth file, TOML or (by its suffix) JSON."""
    decode: Any = msgspec.json.decode if file.suffix == ".json" else msgspec.toml.decode
    try:
        truth = decode(file.read_bytes(), type=Truth)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise UsageError(f"{file}: {error}") from error
    assert isinstance(truth, Truth)  # noqa: S101 - what decode promises
    return truth


def _read(file: Path) -> Image:
    image = cv2.imread(str(file))
    if image is None:
        raise UsageError(f"{file}: not a picture")
    return np.asarray(image, np.uint8)


def _labels(file: Path) -> Boxes:
    """People of a YOLO label file, in 0..1; an absent file is a picture with nobody."""
    rows = []
    for number, line in enumerate(file.read_text().splitlines() if file.exists() else [], 1):
        fields = line.split()
        try:
            kind, x, y, width, height = int(fields[0]), *map(float, fields[1:5])
        except (ValueError, IndexError):
            raise UsageError(f"{file}:{number}: not a YOLO label") from None
        if kind == PERSON:
            rows.append((x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    return np.array(rows, np.float32).reshape(-1, 4)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)

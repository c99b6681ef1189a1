"""The file that a walk leaves in the edge's data folder: rooms by name with their levels, and the thresholds."""

from __future__ import annotations

import json
import math
import os
from datetime import datetime
from pathlib import Path

from ancu.edge.presence import SILENT_DBM, Thresholds
from ancu.models.config import Settings, load
from ancu.models.errors import ConfigError

__all__ = ["FILE", "Room", "Walked", "read_walk", "write_walk"]

FILE = "calibration.toml"  # in the data folder


class Room(Settings, frozen=True):
    """A place and how loud the band was there."""

    name: str
    level_dbm: float | None = None  # absent: silent
    covered: bool = False

    @property
    def level(self) -> float:
        return SILENT_DBM if self.level_dbm is None else self.level_dbm


class Walked(Settings, frozen=True):
    """calibration.toml"""

    walked_at: datetime
    band: int
    proven: bool  # every room is covered, by this edge or by one beside it
    rooms: tuple[Room, ...]
    near_dbm: float | None = None  # absent: this edge is the best one of no room, and has no say
    far_dbm: float | None = None
    outside: Room | None = None

    @property
    def thresholds(self) -> Thresholds | None:
        if self.near_dbm is None or self.far_dbm is None:
            return None
        return Thresholds(self.near_dbm, self.far_dbm)


def read_walk(data: Path) -> Walked | None:
    """The walk of an edge with this data folder; None where nobody walked yet. Raises ConfigError."""
    path = data / FILE
    if not path.exists():
        return None
    walked = load(path, Walked)
    limits = walked.thresholds
    if limits is not None and not (math.isfinite(limits.far_dbm) and limits.far_dbm < limits.near_dbm):
        raise ConfigError(f"{path}: far_dbm must be less than near_dbm; walk anew with `ancu edge calibrate`")
    return walked


def write_walk(data: Path, walked: Walked) -> Path:
    """Replace the file at once or not at all; 0600, for room names are nobody's business."""
    lines = [f"walked_at = {walked.walked_at.isoformat()}", f"band = {walked.band}"]
    lines += [f"proven = {str(walked.proven).lower()}"]
    for name, value in (("near_dbm", walked.near_dbm), ("far_dbm", walked.far_dbm)):
        lines += [f"{name} = {value}"] if value is not None else []
    if walked.outside is not None:
        lines += ["", "[outside]", *_room(walked.outside)]
    for room in walked.rooms:
        lines += ["", "[[rooms]]", *_room(room)]
    data.mkdir(parents=True, exist_ok=True)
    path = data / FILE
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join([*lines, ""]))
    fresh.replace(path)
    return path


def _room(room: Room) -> list[str]:
    level = [] if room.level_dbm is None else [f"level_dbm = {room.level_dbm}"]
    return [f"name = {json.dumps(room.name, ensure_ascii=False)}", *level, f"covered = {str(room.covered).lower()}"]

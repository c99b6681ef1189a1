"""A camera's settings. Places in the picture are in 0..1 of its width and height, from the upper left."""

from typing import Literal

from ancu.models.config import Settings

Point = tuple[float, float]

WHOLE_VIEW = "view"  # the door's name where none is drawn: whoever appears came in, whoever disappears went out


class DoorZone(Settings, frozen=True):
    """A door in the picture: two points are a line, three or more an area."""

    name: str
    area: tuple[Point, ...]
    camera_side: Literal["inside", "outside"] = "inside"
    """For an area: on which side of the door the camera hangs. Who appears in the area came through the door."""
    inside: Point | None = None
    """For a line: any place on its inner side."""

    def __post_init__(self) -> None:
        if len(self.area) < 2:
            raise ValueError(f"door {self.name!r}: area needs two points (a line) or more")
        if any(not 0 <= value <= 1 for point in self.area for value in point):
            raise ValueError(f"door {self.name!r}: points are in 0..1 of the picture's width and height")
        if len(self.area) == 2 and self.area[0] == self.area[1]:
            raise ValueError(f"door {self.name!r}: the line has no length")
        if (len(self.area) == 2) != (self.inside is not None):
            raise ValueError(f"door {self.name!r}: a line, and only a line, says where `inside` is")


class WatchZone(Settings, frozen=True):
    """A part of the picture where nobody may be (`forbidden`), or not many for long (`gathering`)."""

    name: str
    watch: Literal["forbidden", "gathering"]
    area: tuple[Point, ...]

    def __post_init__(self) -> None:
        if len(self.area) < 3:
            raise ValueError(f"zone {self.name!r}: area needs three points or more")
        if any(not 0 <= value <= 1 for point in self.area for value in point):
            raise ValueError(f"zone {self.name!r}: points are in 0..1 of the picture's width and height")


class DetectorSettings(Settings, frozen=True):
    """When a detection counts."""

    begin: float = 0.4
    """Confidence that starts a track."""
    follow: float = 0.15
    """Confidence that continues one."""
    side: int = 416
    """Longer edge of the picture that the network sees: more finds smaller people and takes longer."""

    def __post_init__(self) -> None:
        if not 0 < self.follow <= self.begin < 1:
            raise ValueError("detector: 0 < follow <= begin < 1")
        if not 64 <= self.side <= 1920:
            raise ValueError("detector: side is 64 to 1920 pixels")


class CameraConfig(Settings, frozen=True):
    """One camera."""

    id: str
    source: str
    """An RTSP or HTTP address, a file, /dev/videoN, or the number N of such a device."""
    fps: float = 5.0
    """Pictures looked at a second."""
    doors: tuple[DoorZone, ...] = ()
    """None: the whole view is the door."""
    zones: tuple[WatchZone, ...] = ()
    """Where people are counted."""
    detector: DetectorSettings = DetectorSettings()
    stills: Literal["never", "asked"] = "never"
    """Whether one picture may leave the site when the server asks for it, people in it made unrecognisable."""
    start_s: float = 0.0
    """A file is played from here,"""
    end_s: float | None = None
    """to here,"""
    loop: bool = False
    """over and over,"""
    delay_s: float = 0.0
    """each time after this pause,"""
    realtime: bool = True
    """at its own pace, or as fast as can be."""

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("camera: id is empty")
        if not 0 < self.fps <= 60:
            raise ValueError(f"camera {self.id}: fps is over 0 and at most 60")
        if self.start_s < 0 or self.delay_s < 0 or (self.end_s is not None and self.end_s <= self.start_s):
            raise ValueError(f"camera {self.id}: 0 <= start_s < end_s and 0 <= delay_s")
        names = [door.name for door in self.doors]
        if len(set(names)) < len(names):
            raise ValueError(f"camera {self.id}: two doors of one name")
        zones = [zone.name for zone in self.zones]
        if len(set(zones)) < len(zones):
            raise ValueError(f"camera {self.id}: two zones of one name")

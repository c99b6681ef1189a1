import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from ancu.edge.camera.config import CameraConfig, DetectorSettings, DoorZone


def camera(**fields: object) -> CameraConfig:
    return msgspec.convert({"id": "c", "source": "x.mp4", **fields}, CameraConfig)


def door(**fields: object) -> dict[str, object]:
    return {"doors": [{"name": "d", "area": [[0, 0], [0, 1], [1, 1]], **fields}]}


@pytest.mark.parametrize(
    "fields",
    [
        {"unknown": 1},
        {"id": ""},
        {"fps": 0},
        {"start_s": 2, "end_s": 1},
        {"detector": {"begin": 0.2, "follow": 0.4}},
        {"detector": {"side": 1}},
        door(area=[[0, 0]]),
        door(area=[[0, 0], [0, 2], [1, 1]]),
        door(area=[[0, 0], [1, 1]]),
        door(area=[[0, 0], [0, 0]], inside=[1, 1]),
        door(inside=[0.5, 0.5]),
        {"doors": [{"name": "d", "area": [[0, 0], [0, 1], [1, 1]]}] * 2},
    ],
)
def test_settings_that_cannot_work_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        camera(**fields)


def test_a_camera_needs_an_id_and_a_source_only() -> None:
    assert camera().doors == ()


def test_settings_and_facts_need_no_camera_libraries() -> None:
    code = (
        "import sys, ancu.edge.camera.config, ancu.edge.camera.facts, ancu.edge.camera.democlip;"
        "sys.exit(bool({'cv2', 'numpy', 'onnxruntime'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_setting_is_documented() -> None:
    page = (Path(__file__).parents[4] / "docs" / "camera.md").read_text(encoding="utf-8")
    nested = {"detector"}
    for struct, prefix in ((CameraConfig, ""), (DoorZone, ""), (DetectorSettings, "detector.")):
        for field in msgspec.structs.fields(struct):
            assert field.name in nested or f"`{prefix}{field.name}`" in page, field.name

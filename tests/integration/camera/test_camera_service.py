"""The real chain: OpenCV plays, onnxruntime looks, facts come out. Clips are drawn here, or found where they lie."""

import asyncio
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from ancu.edge.adapters import camera_capture
from ancu.edge.adapters.camera_service import CameraService
from ancu.edge.camera.bench import bench_vision
from ancu.edge.camera.config import CameraConfig
from ancu.edge.camera.democlip import demo_camera, demo_clip
from ancu.edge.camera.facts import CameraHealth, Crossing, Fact
from ancu.models.errors import UsageError

SYSTEM_PYTHON = "/usr/bin/python3"  # GStreamer's bindings come from the distribution
SHARED = Path(__file__).parents[3] / ".." / "shared" / "media"


def now() -> datetime:
    return datetime.now(UTC)


async def watch(
    config: CameraConfig,
    until: Callable[[list[Fact]], object],
    seconds: float = 12,
    opener: camera_capture.Opener = camera_capture.open_video,
) -> list[Fact]:
    """Run until the source ends, enough is known, or the time is up."""
    facts: list[Fact] = []
    enough = asyncio.Event()

    def emit(fact: Fact) -> None:
        facts.append(fact)
        if until(facts):
            enough.set()

    tasks = {asyncio.create_task(CameraService(config, now, emit, opener).run()), asyncio.create_task(enough.wait())}
    done, pending = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()
    return facts


def never(_facts: list[Fact]) -> bool:
    return False


def states(facts: list[Fact]) -> list[str]:
    return [fact.state for fact in facts if isinstance(fact, CameraHealth)]


def draw(path: Path, pictures: int, *, still_from: int | None = None, fps: int = 10) -> Path:
    """A clip of a patterned room with noise and a moving block; the picture freezes at `still_from`."""
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (320, 240))
    assert video.isOpened()
    room = np.kron(np.random.default_rng(1).integers(40, 220, (12, 16, 3)), np.ones((20, 20, 1)))
    for i in range(pictures):
        shown = min(i, still_from) if still_from is not None else i
        picture = (room + np.random.default_rng(shown).normal(0, 4, room.shape)).clip(0, 255).astype(np.uint8)
        cv2.rectangle(picture, (shown * 3 % 300, 100), (shown * 3 % 300 + 30, 200), (30, 30, 30), -1)
        video.write(picture)
    video.release()
    return path


async def test_a_drawn_clip_is_played_to_its_end_without_alarm(tmp_path: Path) -> None:
    clip = draw(tmp_path / "room.avi", 60)
    facts = await watch(CameraConfig(id="c", source=str(clip), realtime=False), never)
    assert states(facts) == ["ok"]
    assert not [fact for fact in facts if isinstance(fact, Crossing)]


async def test_a_recording_of_a_frozen_stream_is_frozen(tmp_path: Path) -> None:
    clip = draw(tmp_path / "frozen.avi", 150, still_from=50)
    facts = await watch(CameraConfig(id="c", source=str(clip), realtime=False), never)
    assert states(facts) == ["ok", "frozen"]
    frozen = facts[-1]
    assert isinstance(frozen, CameraHealth)
    assert (frozen.at - frozen.since).total_seconds() <= 5


async def test_a_clip_plays_at_its_own_pace_and_starts_and_ends_where_told(tmp_path: Path) -> None:
    clip = draw(tmp_path / "room.avi", 60)
    began = asyncio.get_running_loop().time()
    await watch(CameraConfig(id="c", source=str(clip), start_s=1.0, end_s=3.0), never)
    assert 1.5 <= asyncio.get_running_loop().time() - began <= 6


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 400, None], ids=["empty", "garbage", "absent"])
async def test_a_file_that_is_no_video_is_dead_and_raises_nothing(
    tmp_path: Path, content: bytes | None, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.mp4"
    if content is not None:
        file.write_bytes(content)
    facts = await watch(CameraConfig(id="c", source=str(file)), bool, seconds=6)
    assert states(facts) == ["dead"]
    assert capfd.readouterr().err == ""


async def test_a_truncated_video_gives_what_it_has_or_is_dead(tmp_path: Path) -> None:
    clip = draw(tmp_path / "room.avi", 60)
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    facts = await watch(CameraConfig(id="c", source=str(clip), realtime=False), bool, seconds=6)
    assert states(facts)[0] in {"ok", "dead"}


async def test_a_stream_that_nobody_serves_is_dead_within_five_seconds() -> None:
    config = CameraConfig(id="c", source="rtsp://127.0.0.1:1/none")
    began = asyncio.get_running_loop().time()
    facts = await watch(config, bool, seconds=8)
    assert states(facts) == ["dead"]
    assert asyncio.get_running_loop().time() - began <= 5.5


async def test_a_stream_that_stops_giving_pictures_is_dead_within_five_seconds(tmp_path: Path) -> None:
    """The decoder hangs in a read, as it does when a camera's network goes away."""
    clip = draw(tmp_path / "room.avi", 20)
    stop = threading.Event()
    config = CameraConfig(id="c", source="rtsp://camera/1")

    def stated_both(facts: list[Fact]) -> bool:
        if len(facts) == 2:
            stop.set()
        return len(facts) == 2

    facts = await watch(config, stated_both, 10, lambda _source: HangingVideo(clip, stop))
    assert states(facts) == ["ok", "dead"]
    dead = facts[-1]
    assert isinstance(dead, CameraHealth)
    assert (dead.at - dead.since).total_seconds() <= 5


class HangingVideo:
    """A capture that stops answering after its last picture."""

    def __init__(self, clip: Path, stop: threading.Event) -> None:
        self._video = cv2.VideoCapture(str(clip))
        self._stop = stop

    def grab(self) -> bool:
        if self._video.grab():
            return True
        self._stop.wait()
        return False

    def retrieve(self) -> tuple[bool, object]:
        return self._video.retrieve()

    def release(self) -> None:
        self._video.release()


@pytest.fixture
def rtsp_camera() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A real RTSP stream's address, and its server's process."""
    script = [SYSTEM_PYTHON, str(Path(__file__).with_name("rtsp_server.py"))]
    try:
        absent = subprocess.run(script, capture_output=True, check=False, timeout=10).returncode != 0
    except OSError:
        absent = True
    if absent:
        pytest.skip("Debian's gir1.2-gst-rtsp-server-1.0, python3-gi and gstreamer1.0-plugins-ugly are not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([*script, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield f"rtsp://127.0.0.1:{port}/camera", server
    server.kill()
    server.wait()


async def test_an_rtsp_stream_is_seen_and_stated_dead_when_it_stalls(
    rtsp_camera: tuple[str, subprocess.Popen[bytes]],
) -> None:
    address, server = rtsp_camera
    stalled: list[datetime] = []

    def stall(facts: list[Fact]) -> bool:
        if facts[-1].state == "ok" and not stalled:
            stalled.append(now())
            server.send_signal(signal.SIGSTOP)
        return bool(stalled) and facts[-1].state == "dead"

    facts = await watch(CameraConfig(id="c", source=address), stall, seconds=16)
    assert states(facts)[-2:] == ["ok", "dead"]
    assert (facts[-1].at - stalled[0]).total_seconds() <= 5


async def test_a_device_that_is_not_there_is_dead() -> None:
    facts = await watch(CameraConfig(id="c", source="/dev/video987"), bool, seconds=6)
    assert states(facts) == ["dead"]


async def test_the_demo_clip_shows_exactly_one_exit_a_pass() -> None:
    try:
        demo_clip()
    except UsageError as absent:
        pytest.skip(str(absent))
    facts = await watch(demo_camera(), never)
    assert [fact.direction for fact in facts if isinstance(fact, Crossing)] == ["out"]
    assert states(facts) == ["ok"]


@pytest.mark.timeout(60)
def test_the_door_that_we_labelled_is_read_without_an_error(tmp_path: Path) -> None:
    clip = SHARED / "door_dev.mp4"
    if not clip.is_file():
        pytest.skip("the development media are not beside the repository")
    truth = tmp_path / "truth.toml"
    passings = {6.0: "in", 19.8: "out", 22.8: "in", 44.8: "out", 50.2: "in", 69.8: "out"}
    truth.write_text("".join(f'[[events]]\nat_s = {at}\ndirection = "{way}"\n' for at, way in passings.items()))
    figures = bench_vision(None, None, clip, truth)
    assert (figures["door_precision"], figures["door_recall"]) == (1, 1)


@pytest.mark.timeout(60)
def test_people_in_photographs_are_found() -> None:
    people = SHARED / "coco_people_train128"
    if not people.is_dir():
        pytest.skip("the development media are not beside the repository")
    figures = bench_vision(people, None, None, None)
    assert isinstance(figures["ap50"], float)
    assert isinstance(figures["ap50_64px"], float)
    assert figures["ap50"] >= 0.62
    assert figures["ap50_64px"] >= 0.84


def test_a_bench_without_its_files_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no pictures"):
        bench_vision(tmp_path, None, None, None)
    with pytest.raises(UsageError, match="together"):
        bench_vision(None, None, tmp_path / "clip.mp4", None)
    truth = tmp_path / "truth.toml"
    truth.write_text("events = 3")
    with pytest.raises(UsageError, match="no such clip"):
        bench_vision(None, None, tmp_path / "clip.mp4", truth)
    (tmp_path / "clip.mp4").write_bytes(b"x")
    with pytest.raises(UsageError, match="events"):
        bench_vision(None, None, tmp_path / "clip.mp4", truth)

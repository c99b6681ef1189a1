"""The camera's facts in the words of the wire, and a camera's fault kept from ending the edge."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

import msgspec

from ancu.models import wire
from ancu.models.clock import Clock, to_ms
from ancu.models.errors import ConfigError
from ancu.models.topics import Lane

__all__ = ["Camera", "Emit", "open_camera", "watch_camera"]

log = logging.getLogger(__name__)

Emit = Callable[[Lane, wire.CameraCrossing | wire.CameraHealth | wire.CameraZone], None]
DEMO = "demo"  # as a source: the clip that an installed package brings along
AGAIN_S = 10.0  # between two tries of a camera whose code failed


class Camera(Protocol):
    """What the agent runs: ends by itself only when its source has ended."""

    def run(self) -> Coroutine[Any, Any, None]: ...


def open_camera(table: dict[str, Any], folder: Path, clock: Clock, emit: Emit) -> Camera:
    """The camera that a [camera] table asks for; raises ConfigError, also when the camera's code is not installed."""
    try:
        from ancu.edge.adapters.camera_service import CameraService  # noqa: PLC0415 - an extra of this distribution
        from ancu.edge.camera.config import CameraConfig  # noqa: PLC0415
        from ancu.edge.camera.democlip import demo_camera  # noqa: PLC0415
        from ancu.edge.camera.facts import CameraHealth, Crossing, ZoneCount  # noqa: PLC0415
    except ImportError as error:
        missing = error.name or str(error)
        raise ConfigError(
            f"[camera] needs {missing}, which is not installed: pip install 'ancu-edge[camera]'"
        ) from None
    try:
        config = msgspec.convert(table, CameraConfig)
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigError(f"[camera]: {error}") from None
    if config.source == DEMO:
        config = demo_camera(config.id, loop=config.loop, delay_s=config.delay_s)
    beside = folder / config.source
    # Like every path in a configuration file, relative to its folder.
    if os.path.isfile(beside):  # noqa: PTH113 - false for what no file can be called
        config = msgspec.structs.replace(config, source=str(beside))

    def say(fact: Crossing | CameraHealth | ZoneCount) -> None:
        if isinstance(fact, Crossing):
            crossing = wire.CameraCrossing(
                to_ms(fact.at), fact.camera, fact.door, fact.direction, fact.track, fact.confidence, fact.frames
            )
            emit(Lane.ALARM, crossing)
        elif isinstance(fact, ZoneCount):
            zone = wire.CameraZone(to_ms(fact.at), fact.camera, fact.zone, fact.watch, fact.people, to_ms(fact.since))
            emit(Lane.ALARM, zone)
        else:
            emit(Lane.STATE, wire.CameraHealth(to_ms(fact.at), fact.camera, fact.state, to_ms(fact.since)))

    return CameraService(config, clock.now, say)


async def watch_camera(camera: Camera, name: str, clock: Clock, emit: Emit) -> None:
    """Run a camera until its source has ended; a fault of its code is a dead camera, never the end of the edge."""
    while True:
        began_ms = to_ms(clock.now())
        try:
            await camera.run()
        except Exception:
            log.exception("camera failed; it is tried again", extra={"camera": name, "after_s": AGAIN_S})
            emit(Lane.STATE, wire.CameraHealth(to_ms(clock.now()), name, "dead", began_ms))
            await asyncio.sleep(AGAIN_S)
        else:
            log.info("camera source has ended", extra={"camera": name})
            return

"""The camera's facts in the words of the wire, and a camera's fault kept from ending the edge."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from ancu.models import wire
from ancu.models.clock import Clock, to_ms
from ancu.models.commands import SetZones
from ancu.models.errors import ConfigError
from ancu.models.topics import Lane

if TYPE_CHECKING:
    from ancu.edge.adapters.camera_service import CameraService
    from ancu.edge.camera.config import CameraConfig

__all__ = ["Camera", "Emit", "open_camera", "watch_camera"]

log = logging.getLogger(__name__)

Emit = Callable[[Lane, wire.CameraCrossing | wire.CameraHealth | wire.CameraZone | wire.CameraStill], None]
DEMO = "demo"  # as a source: the clip that an installed package brings along
AGAIN_S = 10.0  # between two tries of a camera whose code failed
STILL_MS = 5_000  # between two pictures that leave


class Camera(Protocol):
    """What the agent runs: ends by itself only when its source has ended."""

    def run(self) -> Coroutine[Any, Any, None]: ...
    def redraw(self, drawing: SetZones) -> None:
        """Doors and zones as the server drew them; raises ConfigError, and the ones before stay."""

    def ask_still(self, ask: str) -> None:
        """Let the next picture leave, where the settings allow it; says so where they do not."""


def open_camera(table: dict[str, Any], folder: Path, clock: Clock, emit: Emit) -> Camera:
    """The camera that a [camera] table asks for; raises ConfigError, also when the camera's code is not installed."""
    try:
        from ancu.edge.adapters.camera_service import CameraService  # noqa: PLC0415 - an extra of this distribution
        from ancu.edge.camera.config import CameraConfig  # noqa: PLC0415
        from ancu.edge.camera.democlip import demo_camera  # noqa: PLC0415
        from ancu.edge.camera.facts import CameraHealth, Crossing, Fact, Still, ZoneCount  # noqa: PLC0415
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
        demo = demo_camera(config.id, loop=config.loop, delay_s=config.delay_s)
        config = msgspec.structs.replace(demo, stills=config.stills)
    beside = folder / config.source
    # Like every path in a configuration file, relative to its folder.
    if os.path.isfile(beside):  # noqa: PTH113 - false for what no file can be called
        config = msgspec.structs.replace(config, source=str(beside))

    def say(fact: Fact) -> None:
        at_ms = to_ms(fact.at)
        match fact:
            case Crossing():
                crossing = wire.CameraCrossing(
                    at_ms, fact.camera, fact.door, fact.direction, fact.track, fact.confidence, fact.frames
                )
                emit(Lane.ALARM, crossing)
            case ZoneCount():
                zone = wire.CameraZone(at_ms, fact.camera, fact.zone, fact.watch, fact.people, to_ms(fact.since))
                emit(Lane.ALARM, zone)
            case CameraHealth():
                emit(Lane.STATE, wire.CameraHealth(at_ms, fact.camera, fact.state, to_ms(fact.since)))
            case Still():
                still = wire.CameraStill(at_ms, fact.camera, fact.ask, "", fact.width, fact.height, fact.jpeg)
                emit(Lane.BULK, still)

    return _Drawn(CameraService(config, clock.now, say), config, clock, emit)


class _Drawn:
    """A camera service whose doors and zones the server may draw, and whose pictures stay unless the settings say."""

    def __init__(self, service: CameraService, config: CameraConfig, clock: Clock, emit: Emit) -> None:
        self._service, self._config, self._clock, self._emit = service, config, clock, emit
        self._still_ms = 0

    async def run(self) -> None:
        await self._service.run()

    def redraw(self, drawing: SetZones) -> None:
        from ancu.edge.camera.config import DoorZone, WatchZone  # noqa: PLC0415 - an extra of this distribution

        try:
            doors = tuple(
                DoorZone(name=door.name, area=door.area, camera_side=door.camera_side, inside=door.inside)
                for door in drawing.doors
            )
            zones = tuple(WatchZone(name=zone.name, watch=zone.watch, area=zone.area) for zone in drawing.zones)
            self._service.redraw(doors, zones)
        except ValueError as error:
            raise ConfigError(f"drawing {drawing.version} of camera {drawing.camera}: {error}") from None
        log.info("camera redrawn", extra={"camera": drawing.camera, "version": drawing.version})

    def ask_still(self, ask: str) -> None:
        now_ms = to_ms(self._clock.now())
        if self._config.stills == "never":
            self._emit(Lane.BULK, wire.CameraStill(now_ms, self._config.id, ask, "policy"))
        elif now_ms - self._still_ms < STILL_MS:
            self._emit(Lane.BULK, wire.CameraStill(now_ms, self._config.id, ask, "soon"))
        else:
            self._still_ms = now_ms
            self._service.ask_still(ask)


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

"""Whether an edge could run: every file, the data folder, the broker, the radio and the camera, one finding each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from ancu.edge.config import EdgeSettings, read_bands, read_edge, read_edge_keys
from ancu.edge.ports import Advert, RadioLost
from ancu.edge.updating import read_firmware
from ancu.models import topics
from ancu.models.clock import SystemClock
from ancu.models.errors import AncuError
from ancu.models.findings import Finding, writable
from ancu.models.mqtt import try_link
from ancu.models.topics import Lane
from ancu.models.wire import CameraHealth, Fact

__all__ = ["check_edge"]

LISTEN_S = 3.0  # a band adverts every 2 s
LONGEST_S = 15.0
CAMERA_S = 8.0  # to open a stream and look at some pictures


async def check_edge(config: Path) -> AsyncIterator[Finding]:
    """Findings about a configuration file; raises ConfigError when it cannot be read at all."""
    settings = read_edge(config)
    yield Finding("configuration", ok=True, says=f"{config}: edge {settings.edge} of ward {settings.ward}")
    yield _keys(settings)
    if settings.bands_file is not None:
        yield _bands(settings.bands_file)
    yield writable(settings.data)
    yield await _broker(settings)
    if settings.radio is not None:
        yield await _radio(settings)
        if settings.radio.update_file is not None:
            yield _firmware(settings.radio.update_file)
    if settings.camera is not None:
        yield await _camera(settings, config.parent)


def _keys(settings: EdgeSettings) -> Finding:
    try:
        read_edge_keys(settings.key_file)
    except AncuError as error:
        return Finding("key", ok=False, says=str(error))
    return Finding("key", ok=True, says=f"{settings.key_file}: readable by its owner only")


def _bands(path: Path) -> Finding:
    try:
        bands = read_bands(path)
    except AncuError as error:
        return Finding("bands", ok=False, says=str(error))
    return Finding("bands", ok=True, says=f"{path}: {len(bands)} bands")


def _firmware(path: Path) -> Finding:
    try:
        firmware = read_firmware(path)
    except AncuError as error:
        return Finding("firmware", ok=False, says=str(error))
    return Finding(
        "firmware", ok=True, says=f"{path}: an image of {len(firmware.raw)} bytes; bands judge its signature"
    )


async def _broker(settings: EdgeSettings) -> Finding:
    own = [topics.confirm(settings.ward_code, settings.edge_id), topics.command(settings.ward_code, settings.edge_id)]
    try:
        await try_link(settings.broker, settings.edge, own)
    except AncuError as error:
        return Finding("broker", ok=False, says=str(error))
    broker = settings.broker
    return Finding("broker", ok=True, says=f"{broker.host}:{broker.port}: connected, may hear its confirms")


async def _radio(settings: EdgeSettings) -> Finding:
    from ancu.edge.adapters.bleak_radio import open_radio  # noqa: PLC0415 - a camera-only box has no Bluetooth

    assert settings.radio is not None  # noqa: S101 - the caller looked
    ours = 0

    def hear(_: Advert) -> None:
        nonlocal ours
        ours += 1

    try:
        radio = open_radio(settings.radio.backend, settings.radio.adapter, settings.radio.proxy_key_file)
        try:
            async with asyncio.timeout(LONGEST_S):
                await radio.start(hear, lambda: None)
            await asyncio.sleep(LISTEN_S)
        finally:
            await radio.stop()
    except (RadioLost, TimeoutError) as error:
        return Finding("radio", ok=False, says=f"cannot scan: {error or 'the adapter does not answer'}")
    except AncuError as error:
        return Finding("radio", ok=False, says=str(error))
    says = f"scans; {radio.adverts} adverts in {LISTEN_S:.0f} s, {ours} of them in the format of bands"
    return Finding("radio", ok=True, says=says)


async def _camera(settings: EdgeSettings, folder: Path) -> Finding:
    from ancu.edge.camera_facts import open_camera  # noqa: PLC0415 - needs the camera extra only when it is asked for

    assert settings.camera is not None  # noqa: S101 - the caller looked
    try:
        states: list[str] = []

        def emit(_: Lane, fact: Fact) -> None:
            if isinstance(fact, CameraHealth):
                states.append(fact.state)

        camera = open_camera(settings.camera, folder, SystemClock(), emit)
        try:
            async with asyncio.timeout(CAMERA_S):
                await camera.run()
        except TimeoutError:
            pass
    except AncuError as error:
        return Finding("camera", ok=False, says=str(error))
    if not states or states[-1] != "ok":
        return Finding("camera", ok=False, says=f"no usable picture in {CAMERA_S:.0f} s ({states[-1:] or 'silent'})")
    return Finding("camera", ok=True, says="gives pictures")

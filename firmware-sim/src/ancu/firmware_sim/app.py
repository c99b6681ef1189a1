"""Composition of the simulator's process."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
from pathlib import Path

from ancu.firmware_sim.control import ControlServer
from ancu.firmware_sim.flash import FlashFile
from ancu.firmware_sim.settings import HomeSettings, SimSettings, homes_of, scenario_of
from ancu.firmware_sim.truth import Truth
from ancu.firmware_sim.world import World
from ancu.models.clock import SystemClock
from ancu.models.config import write_secret
from ancu.models.errors import ConfigError
from ancu.models.ids import OrderId
from ancu.models.keys import BAND_KEY_BYTES, derive_band_keys

__all__ = ["run", "throw_away"]

_log = logging.getLogger(__name__)


async def run(settings: SimSettings, for_s: float | None) -> dict[str, object]:
    """Simulate until SIGINT, SIGTERM or the time is up; gives back what the world looked like at the end."""
    if settings.control_port is not None and settings.control_file is None:
        raise ConfigError("control_file: needed with control_port; the token is written there")
    flash = FlashFile(settings.flash_file) if settings.flash_file is not None else None
    truth = Truth(settings.truth_file)
    world = World(
        homes_of(settings, flash),
        SystemClock(),
        truth,
        seed=settings.seed,
        interval_s=settings.interval_s,
        loss=settings.loss,
        crowding=settings.crowding,
        repeats_urgent=settings.repeats_urgent,
        extended_every=settings.extended_every,
        link_kb_per_s=settings.link_kb_per_s,
    )
    control = ControlServer(world, settings.control_file) if settings.control_file is not None else None
    try:
        await world.start()
        if settings.script is not None:
            world.run(scenario_of(settings.script, world.first_bands))
        if control is not None:
            await control.start(settings.control_port or 0)
        _log.info("bands are on the air", extra={"bands": len(world.bands), "adapters": world.ports()})
        await _until_stopped(for_s)
        return world.status()
    except OSError as error:
        raise ConfigError(f"a port cannot be opened: {error.strerror}") from error
    finally:
        if control is not None:
            await control.stop()
        await world.stop()
        truth.close()
        if flash is not None:
            flash.close()


def throw_away(bands: int, interval_s: float, seed: int, hci_port: int, keys_file: Path) -> SimSettings:
    """One home with new bands, whose keys go to `keys_file` (0600)."""
    lines: list[str] = []
    order = OrderId("sim")
    for number in range(1, bands + 1):
        key = secrets.token_bytes(BAND_KEY_BYTES)
        identity = derive_band_keys(key, order).identity
        lines += ["[[bands]]", f"number = {number}", f'key = "{key.hex()}"', f'order = "{order}"']
        lines += [f'# an edge is given only this: identity_key = "{identity.hex()}"', ""]
    write_secret(keys_file, "\n".join(lines).encode())
    home = HomeSettings(name="home-1", hci_port=hci_port, bands=tuple(range(1, bands + 1)))
    return SimSettings(bands_file=keys_file, homes=(home,), seed=seed, interval_s=interval_s)


async def _until_stopped(for_s: float | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        async with asyncio.timeout(for_s):
            await stopped.wait()
    except TimeoutError:
        pass
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

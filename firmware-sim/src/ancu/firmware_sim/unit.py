"""One band on one wearer in one home's air: carries the firmware's adverts to the radio when they are due."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from pathlib import Path

from ancu.firmware_sim.band import Band, Sensed, Sent
from ancu.firmware_sim.bootloader import Bootloader
from ancu.firmware_sim.gatt import GattBand
from ancu.firmware_sim.log import Flash
from ancu.firmware_sim.radio import Air, Fading, OnAir
from ancu.firmware_sim.smp import Smp
from ancu.firmware_sim.wearer import DOOR_M, Wearer
from ancu.models.clock import Clock, to_ms
from ancu.models.keys import BandKeys

__all__ = ["Unit"]

_KEPT = 64  # adverts that an attacker with a recorder has
_BOOT_S = 1.5


class Unit:
    """A running band. Its wearer may be told to do anything; `wake` makes the firmware notice at once."""

    def __init__(
        self,
        number: int,
        keys: BandKeys,
        flash: Flash,
        *,
        air: Air,
        clock: Clock,
        rng: random.Random,
        interval_ms: int,
        gatt: bool = False,
        bonds: Path | None = None,
        bootloader: Bootloader | None = None,
        repeats_urgent: bool = True,
        extended_every: int = 0,
    ) -> None:
        self.number, self.keys = number, keys
        self.air, self.clock = air, clock
        self.recorded: deque[Sent] = deque(maxlen=_KEPT)
        self.sent = 0
        self.fading = Fading()
        self.silent = False
        self._flash, self._rng, self._interval_ms = flash, rng, interval_ms
        self._repeats_urgent, self._extended_every = repeats_urgent, extended_every
        self.wearer = Wearer(rng, at_ms=self.now_ms())
        self.band: Band | None = None
        self._touch = asyncio.Event()
        self.bootloader = bootloader
        smp = Smp(bootloader) if bootloader is not None else None
        self._gatt = GattBand(air, number, keys, self, rng, bonds=bonds, smp=smp) if gatt else None
        self._timer: asyncio.TimerHandle | None = None

    def now_ms(self) -> int:
        return to_ms(self.clock.now())

    def sensed(self) -> Sensed:
        """What the hardware says now."""
        return self.wearer.sensed(self.now_ms())

    def touch(self) -> None:
        """The wearer touches the band."""
        self._touch.set()

    async def touched(self, within_s: float) -> bool:
        self._touch.clear()
        try:
            async with asyncio.timeout(within_s):
                await self._touch.wait()
        except TimeoutError:
            return False
        return True

    def let_in(self) -> None:
        if self.bootloader is not None:
            self.bootloader.confirm()

    def reset(self) -> None:
        self.reboot(loses_clock=False)

    async def start(self) -> None:
        """Boot, and advertise from a random moment of the first interval on, so that bands are not in step."""
        if self._gatt is not None:
            await self._gatt.start()
        self._boot(loses_clock=False)
        self._after(self._rng.uniform(0, self._interval_ms / 1000))

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._gatt is not None:
            self._gatt.stop()

    def reboot(self, *, loses_clock: bool) -> None:
        self.band = None
        if self.bootloader is not None:
            self.bootloader.reset()
        if self._gatt is not None:
            self._gatt.drop()
        self._after(_BOOT_S, loses_clock=loses_clock)

    def wake(self) -> int:
        """Let the firmware sense now and send what is due; returns the time, unix milliseconds."""
        return self._tick()

    def _boot(self, *, loses_clock: bool) -> None:
        now = self.now_ms()
        self.band = Band(
            self.keys,
            self._flash,
            self._rng,
            at_ms=now,
            unix_ms=None if loses_clock else now,
            interval_ms=self._interval_ms,
            repeats_urgent=self._repeats_urgent,
        )

    def _after(self, seconds: float, *, loses_clock: bool = False) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._timed, loses_clock)

    def _timed(self, loses_clock: bool) -> None:
        if self.band is None:
            if self.wearer.sensed(self.now_ms()).battery_percent == 0:
                self._after(self._interval_ms / 1000, loses_clock=True)
                return
            self._boot(loses_clock=loses_clock)
        self._tick()

    def _tick(self) -> int:
        now = self.now_ms()
        if self.band is None:
            return now  # booting, or its battery is empty
        sensed = self.wearer.sensed(now)
        if sensed.battery_percent == 0:
            self.band = None
            self._after(self._interval_ms / 1000, loses_clock=True)
            return now
        self.band.sense(now, sensed)
        sent = self.band.advertise(now)
        if sent is not None and not self.silent:
            self._send(sent)
        self._after(max(0.0, (self.band.next_ms - self.now_ms()) / 1000))
        return now

    def _send(self, sent: Sent) -> None:
        self.sent += 1
        self.recorded.append(sent)
        distance = self.wearer.distance_m(sent.at_ms)
        self.air.transmit(OnAir(sent.address, sent.data), distance, self.fading)
        if self._extended_every and self.band is not None and self.sent % self._extended_every == 0:
            more = self.band.advertise_extended(sent.at_ms)
            if more is not None:
                self.air.transmit(OnAir.extended(more.address, more.data), distance, self.fading)
        if self._gatt is not None:
            offer = self._gatt.beside(sent, in_range=distance <= DOOR_M)
            if offer is not None:
                self.air.transmit(offer, distance, self.fading)

"""A heart-rate band of the shop: one address for ever, a name, and its heart rate for whoever connects.

What an edge makes of such a band is a reduced profile: there is no key, no tamper and no history in it.
"""

from __future__ import annotations

import asyncio
import random

from bumble import hci
from bumble.controller import Controller
from bumble.core import UUID
from bumble.device import AdvertisingType, Device, DeviceConfiguration
from bumble.profiles.battery_service import BatteryService
from bumble.profiles.heart_rate_service import HeartRateService

from ancu.firmware_sim.controller import LE_PACKET_BYTES
from ancu.firmware_sim.radio import Air, Fading, OnAir
from ancu.firmware_sim.wearer import DOOR_M, Wearer
from ancu.models.address import show_address
from ancu.models.clock import Clock, to_ms

__all__ = ["OrdinaryBand", "address_of"]

_QUIET_MS = 10_240.0  # adverts leave by our own timer
_TOLD_EVERY_S = 1.0
_HEART_SERVICE = b"\x03\x03" + UUID.from_16_bits(0x180D).to_bytes()


def address_of(number: int) -> bytes:
    """The static address of the ordinary band with a number, as its box says."""
    return b"\xc0\x0d" + number.to_bytes(4, "big")


class OrdinaryBand:
    """One such band on one wearer, in the air of one home."""

    def __init__(self, number: int, *, air: Air, clock: Clock, rng: random.Random, interval_s: float) -> None:
        self.number, self.address = number, address_of(number)
        self.clock = clock
        self.wearer = Wearer(rng, at_ms=to_ms(clock.now()))
        self.sent = 0
        self._air, self._interval_s, self._fading = air, interval_s, Fading()
        name = f"HRM {number}".encode()
        self._advert = b"\x02\x01\x06" + _HEART_SERVICE + bytes((1 + len(name), 0x09)) + name
        self._controller = Controller(f"ordinary {number}", link=air)
        self._controller.le_acl_data_packet_length = LE_PACKET_BYTES
        self._controller.le_features &= ~hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
        address = hci.Address(show_address(self.address), hci.Address.RANDOM_DEVICE_ADDRESS)
        self._controller.random_address = address
        self._device = Device.from_config_with_hci(
            DeviceConfiguration(name=name.decode(), address=address), self._controller, self._controller
        )
        self._heart = HeartRateService(
            lambda _: self._measured(), body_sensor_location=HeartRateService.BodySensorLocation.WRIST
        )
        battery = BatteryService(lambda _: self.wearer.sensed(to_ms(self.clock.now())).battery_percent)
        self._device.add_services([self._heart, battery])
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self._device.power_on()
        await self._device.start_advertising(
            advertising_type=AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE,
            own_address_type=hci.OwnAddressType.RANDOM,
            auto_restart=True,
            advertising_interval_min=_QUIET_MS,
            advertising_interval_max=_QUIET_MS,
        )
        self._tasks = [asyncio.create_task(self._advertise()), asyncio.create_task(self._tell())]

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._controller.le_legacy_advertiser.stop()
        self._air.lose_links(self._controller)
        self._air.remove_controller(self._controller)

    async def _advertise(self) -> None:
        while True:
            distance = self.wearer.distance_m(to_ms(self.clock.now()))
            if not self._controller.le_connections:
                self.sent += 1
                self._air.transmit(OnAir.connectable(self.address, self._advert, b""), distance, self._fading)
            elif distance > DOOR_M:
                self._air.lose_links(self._controller)
            await asyncio.sleep(self._interval_s)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(_TOLD_EVERY_S)
            if self._controller.le_connections:
                await self._device.notify_subscribers(self._heart.heart_rate_measurement_characteristic)

    def _measured(self) -> HeartRateService.HeartRateMeasurement:
        sensed = self.wearer.sensed(to_ms(self.clock.now()))
        return HeartRateService.HeartRateMeasurement(
            heart_rate=sensed.heart_bpm if sensed.skin else 0, sensor_contact_detected=sensed.skin
        )

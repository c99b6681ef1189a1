"""A band's GATT server: the standard services of an ordinary wristband, on a Bumble device of its own.

Costs a host stack a band, so a home asks for it (`gatt = true`). Vitals go only to a peer that has paired.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from bumble import hci
from bumble.controller import Controller
from bumble.core import UUID
from bumble.device import AdvertisingType, Device, DeviceConfiguration
from bumble.gatt import Characteristic, Service
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.profiles.battery_service import BatteryService
from bumble.profiles.device_information_service import DeviceInformationService
from bumble.profiles.heart_rate_service import HeartRateService

from ancu.firmware_sim.band import Sensed, Sent
from ancu.firmware_sim.radio import Air, OnAir
from ancu.models.address import show_address
from ancu.models.ids import BandNumber, band_name

__all__ = ["FIRMWARE_VERSION", "GattBand"]

FIRMWARE_VERSION = "0.1.0"
_THERMOMETER, _TEMPERATURE = UUID.from_16_bits(0x1809), UUID.from_16_bits(0x2A1C)
_RESPONSE = b"\x03\x03\x0d\x18"  # scan response: offers Heart Rate, and no name that would tell bands apart
_QUIET_MS = 10_240.0  # the longest interval there is: adverts leave with the firmware's frames, not by this timer


class GattBand:
    """The connectable side of one band."""

    def __init__(self, air: Air, number: int, read: Callable[[], Sensed]) -> None:
        self._air, self._read = air, read
        self._controller = Controller(f"band {number}", link=air)
        # Only with legacy commands does Bumble's controller advertise under the address that the firmware rotates.
        self._controller.le_features &= ~hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
        settings = DeviceConfiguration(name="", address=hci.Address.generate_static_address())
        self._device = Device.from_config_with_hci(settings, self._controller, self._controller)
        self._device.keystore = MemoryKeyStore()
        self._device.pairing_config_factory = lambda _: PairingConfig(
            sc=True,
            mitm=False,
            bonding=True,
            delegate=PairingDelegate(PairingDelegate.IoCapability.NO_OUTPUT_NO_INPUT),
        )
        self._heart = HeartRateService(
            lambda _: self._heart_rate(), body_sensor_location=HeartRateService.BodySensorLocation.WRIST
        )
        self._temperature: Characteristic[bytes] = Characteristic(
            _TEMPERATURE, Characteristic.Properties.INDICATE, Characteristic.Permissions(0)
        )
        self._device.add_services(
            [
                self._heart,
                BatteryService(lambda _: self._read().battery_percent),
                Service(_THERMOMETER, [self._temperature]),
                DeviceInformationService(
                    manufacturer_name="An Cu",
                    model_number="WB-1",
                    serial_number=band_name(BandNumber(number)),
                    firmware_revision=FIRMWARE_VERSION,
                ),
            ]
        )
        self._address = b""
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await self._device.power_on()
        await self._device.start_advertising(
            advertising_type=AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE,
            own_address_type=hci.OwnAddressType.RANDOM,
            auto_restart=True,
            advertising_interval_min=_QUIET_MS,
            advertising_interval_max=_QUIET_MS,
        )

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._controller.le_legacy_advertiser.stop()
        self._air.lose_links(self._controller)
        self._air.remove_controller(self._controller)

    def on_air(self, sent: Sent, *, in_range: bool) -> OnAir:
        """The PDU for a frame: connectable unless someone is connected, who then gets the newest vitals."""
        if self._controller.le_connections:
            if not in_range:
                self._air.lose_links(self._controller)
            else:
                self._spawn(self._tell_peers())
            return OnAir(sent.address, sent.data)
        if sent.address != self._address:
            self._address = sent.address
            address = hci.Address(show_address(sent.address), hci.Address.RANDOM_DEVICE_ADDRESS)
            self._controller.random_address = self._device.random_address = address
        return OnAir.connectable(sent.address, sent.data, _RESPONSE)

    async def _tell_peers(self) -> None:
        sensed = self._read()
        for link in list(self._device.connections.values()):
            if link.is_encrypted:
                await self._device.notify_subscriber(link, self._heart.heart_rate_measurement_characteristic)
                await self._device.indicate_subscriber(link, self._temperature, _temperature(sensed.skin_deci_c))

    def _heart_rate(self) -> HeartRateService.HeartRateMeasurement:
        sensed = self._read()
        return HeartRateService.HeartRateMeasurement(heart_rate=sensed.heart_bpm, sensor_contact_detected=sensed.skin)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # the link went while we spoke: the peer sees that for itself


def _temperature(deci_c: int) -> bytes:
    """IEEE 11073 float: tenths of a degree Celsius."""
    return bytes(1) + (deci_c & 0xFFFFFF).to_bytes(3, "little") + b"\xff"

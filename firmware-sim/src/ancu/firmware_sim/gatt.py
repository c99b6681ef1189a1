"""A band's connectable side, on a Bumble device of its own: costs a host stack a band, so a home asks for it.

It advertises beside the frames, under a rotating address of its own: the host that it is bonded with resolves that one,
while the frames' address must reach the edge as it was sent. Everything but the device's name plate is for a bonded
peer that has shown the home's access key.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from bumble import hci
from bumble.controller import Controller
from bumble.core import UUID
from bumble.device import AdvertisingType, Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.profiles.battery_service import BatteryService
from bumble.profiles.device_information_service import DeviceInformationService
from bumble.profiles.heart_rate_service import HeartRateService

from ancu.firmware_sim.band import ROTATE_AT_MOST_MS, Sensed, Sent
from ancu.firmware_sim.bonds import Bonds
from ancu.firmware_sim.controller import LE_PACKET_BYTES
from ancu.firmware_sim.gatt_link import LinkService, Wrist
from ancu.firmware_sim.radio import Air, OnAir
from ancu.firmware_sim.smp import Smp
from ancu.models.address import make_address, show_address
from ancu.models.ids import BandNumber, band_name
from ancu.models.keys import BandKeys
from ancu.models.link import LINK_SERVICE, link_keys

__all__ = ["FIRMWARE_VERSION", "GattBand"]

FIRMWARE_VERSION = "0.1.0"
_THERMOMETER, _TEMPERATURE = UUID.from_16_bits(0x1809), UUID.from_16_bits(0x2A1C)
_OXIMETER, _SPO2, _SPO2_FEATURES = UUID.from_16_bits(0x1822), UUID.from_16_bits(0x2A5F), UUID.from_16_bits(0x2A60)
_OFFER = b"\x02\x01\x06\x11\x07" + UUID(LINK_SERVICE).to_bytes()  # the same for every band
_RESPONSE = b"\x03\x03\x0d\x18"  # scan response: offers Heart Rate, and no name that would tell bands apart
_QUIET_MS = 10_240.0  # the longest interval there is: adverts leave with the firmware's frames, not by this timer
_MTU = 247  # what one link-layer packet of 251 bytes carries
_EVERY = 2  # frames to a connectable advert: 4 s, of which an edge needs one
_ROTATE_AT_LEAST_MS = 10 * 60_000
_BONDS = 8  # hosts that a band remembers: the edges of a home or a site


class GattBand:
    """The connectable side of one band."""

    def __init__(
        self,
        air: Air,
        number: int,
        keys: BandKeys,
        wrist: Wrist,
        rng: random.Random,
        *,
        bonds: Path | None = None,
        smp: Smp | None = None,
    ) -> None:
        self._air, self._wrist, self._rng = air, wrist, rng
        self._link = link_keys(keys.identity)
        self._controller = Controller(f"band {number}", link=air)
        self._controller.le_acl_data_packet_length = LE_PACKET_BYTES
        # Only with legacy commands does Bumble's controller advertise under the address that the firmware rotates.
        self._controller.le_features &= ~hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
        identity = hci.Address(show_address(self._link.address), hci.Address.RANDOM_DEVICE_ADDRESS)
        irk = self._link.resolving[::-1]  # as it goes over the air: least significant byte first
        settings = DeviceConfiguration(name="", address=identity, irk=irk)
        self._device = Device.from_config_with_hci(settings, self._controller, self._controller)
        self._device.gatt_server.max_mtu = _MTU
        self._device.keystore = self._bonds = Bonds(bonds, most=_BONDS)
        self._device.pairing_config_factory = lambda _: PairingConfig(
            sc=True,
            mitm=False,
            bonding=True,
            delegate=PairingDelegate(PairingDelegate.IoCapability.NO_OUTPUT_NO_INPUT),
            identity_address_type=PairingConfig.AddressType.RANDOM,
        )
        self.service = LinkService(self._device, wrist, self._link.access, smp)
        self._heart = HeartRateService(
            lambda _: self._heart_rate(), body_sensor_location=HeartRateService.BodySensorLocation.WRIST
        )
        self._temperature = _told(_TEMPERATURE, Characteristic.Properties.INDICATE)
        self._spo2 = _told(_SPO2, Characteristic.Properties.NOTIFY)
        self._device.add_services(
            [
                self._heart,
                BatteryService(lambda _: self._wrist.sensed().battery_percent),
                Service(_THERMOMETER, [self._temperature]),
                Service(_OXIMETER, [self._spo2, _oximeter_features()]),
                DeviceInformationService(
                    manufacturer_name="An Cu",
                    model_number="WB-1",
                    serial_number=band_name(BandNumber(number)),
                    firmware_revision=FIRMWARE_VERSION,
                ),
                *self.service.services,
            ]
        )
        self._device.on(Device.EVENT_CONNECTION, self._connected)
        self._rotate_ms = 0
        self._frames = 0
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
        self.service.stop()
        self._controller.le_legacy_advertiser.stop()
        self._air.lose_links(self._controller)
        self._air.remove_controller(self._controller)

    def drop(self) -> None:
        """Lose the connection, as a reset does."""
        self._air.lose_links(self._controller)

    @property
    def connected(self) -> bool:
        return bool(self._controller.le_connections)

    def beside(self, sent: Sent, *, in_range: bool) -> OnAir | None:
        """The connectable advert that goes with a frame, if one does; a connected peer gets vitals instead."""
        if self._controller.le_connections:
            if not in_range:
                self.drop()
            else:
                self._spawn(self._tell_peers())
            return None
        self._frames += 1
        if self._frames % _EVERY:
            return None
        if sent.at_ms >= self._rotate_ms:
            self._rotate(sent.at_ms)
        return OnAir.connectable(self._address, _OFFER, _RESPONSE)

    def _rotate(self, at_ms: int) -> None:
        self._address = make_address(self._link.resolving, self._rng.getrandbits(22))
        self._rotate_ms = at_ms + self._rng.randint(_ROTATE_AT_LEAST_MS, ROTATE_AT_MOST_MS - 10_000)
        address = hci.Address(show_address(self._address), hci.Address.RANDOM_DEVICE_ADDRESS)
        self._controller.random_address = self._device.random_address = address

    def _connected(self, link: Connection) -> None:
        def gone(_: int) -> None:
            if not self.service.gone(link):
                # A stranger paired, and could not show the key of the home: nothing of him stays.
                self._spawn(self._bonds.delete(str(link.peer_address)))

        link.on(Connection.EVENT_DISCONNECTION, gone)

    async def _tell_peers(self) -> None:
        sensed = self._wrist.sensed()
        for link in list(self._device.connections.values()):
            if self.service.lets_in(link):
                await self._device.notify_subscriber(link, self._heart.heart_rate_measurement_characteristic)
                await self._device.notify_subscriber(link, self._spo2, _oximetry(sensed))
                await self._device.indicate_subscriber(link, self._temperature, _temperature(sensed.skin_deci_c))

    def _heart_rate(self) -> HeartRateService.HeartRateMeasurement:
        sensed = self._wrist.sensed()
        return HeartRateService.HeartRateMeasurement(heart_rate=sensed.heart_bpm, sensor_contact_detected=sensed.skin)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # the link went while we spoke: the peer sees that for itself


def _told(uuid: UUID, how: Characteristic.Properties) -> Characteristic[bytes]:
    return Characteristic(uuid, how, Characteristic.Permissions(0))


def _oximeter_features() -> Characteristic[bytes]:
    return Characteristic(
        _SPO2_FEATURES,
        Characteristic.Properties.READ,
        Characteristic.Permissions.READABLE,
        CharacteristicValue(read=lambda _: bytes(2)),
    )


def _temperature(deci_c: int) -> bytes:
    """IEEE 11073 float: tenths of a degree Celsius."""
    return bytes(1) + (deci_c & 0xFFFFFF).to_bytes(3, "little") + b"\xff"


def _oximetry(sensed: Sensed) -> bytes:
    """PLX Continuous Measurement: SpO2 and pulse as IEEE 11073 short floats, 0x07FF for what is not known."""
    known = sensed.skin and sensed.spo2_percent
    return b"\0" + b"".join(
        (value if known else 0x07FF).to_bytes(2, "little") for value in (sensed.spo2_percent, sensed.heart_bpm)
    )

"""Bleak's client on Bumble's host stack: GATT over the virtual radio, or over any HCI transport."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, TypeVar
from weakref import WeakSet

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bumble import att, core, hci
from bumble.device import Connection, Peer

from ancu.firmware_sim.advert import uuid_text
from ancu.firmware_sim.hci_host import HciHost, read_spec

__all__ = ["VirtualClient"]

T = TypeVar("T")
_MTU = 247  # what one link-layer packet of 251 bytes carries
_DEFAULT_MTU = 23


class VirtualClient(BaseBleakClient):
    """A connection to one peripheral; its errors are bleak's."""

    _all: ClassVar[WeakSet[VirtualClient]] = WeakSet()

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        bluez: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        self.spec = str((bluez or {}).get("adapter", ""))
        device = address_or_ble_device if isinstance(address_or_ble_device, BLEDevice) else None
        self._name = device.name if device else None
        public = device is not None and device.details is False
        self._target = hci.Address(
            self.address, hci.Address.PUBLIC_DEVICE_ADDRESS if public else hci.Address.RANDOM_DEVICE_ADDRESS
        )
        self._host: HciHost | None = None
        self._link: Connection | None = None
        self._leaving = False
        self._farewell: asyncio.Task[None] | None = None
        self._subscribed: dict[int, Callable[[bytes], None]] = {}
        self._all.add(self)

    @classmethod
    def connected(cls, spec: str) -> list[VirtualClient]:
        """The clients of this process that hold a connection through an adapter."""
        return [client for client in cls._all if client.spec == spec and client.is_connected]

    @property
    def name(self) -> str:
        return self._name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return self._link.att_mtu if self._link else _DEFAULT_MTU

    @property
    def is_connected(self) -> bool:
        return self._link is not None

    async def connect(self, pair: bool = False, **kwargs: Any) -> None:
        if self._link is not None:
            raise BleakError("already connected")
        host = self._host = await HciHost.acquire(self.spec)
        try:
            self._link = await self._initiate(host, float(kwargs.get("timeout", self._timeout)))
            self._link.on(Connection.EVENT_DISCONNECTION, self._on_disconnected)
            peer = Peer(self._link)
            if pair:
                await self.pair()
            await self._do(peer.request_mtu(int(read_spec(self.spec)[1].get("mtu", _MTU))))
            self.services = await self._do(self._discover(peer))
        except BaseException:
            await self.disconnect()
            raise

    async def disconnect(self) -> None:
        link, self._leaving = self._link, True
        try:
            if link is not None and self._host is not None and not self._host.lost:
                await link.disconnect()
        except core.BaseBumbleError as error:
            raise BleakError(f"disconnect: {error.__class__.__name__}") from error
        finally:
            await self._let_go()
            self._leaving = False

    async def pair(self, *_args: Any, **_kwargs: Any) -> None:
        if self._link is None:
            await self.connect(pair=True)
            return
        if self._link.is_encrypted:
            return
        known = self._host is not None and await self._host.knows(self._link)
        try:
            await self._do(self._link.encrypt() if known else self._link.pair())
        except core.ProtocolError as error:
            raise BleakError(f"pairing failed: {error}") from error
        except hci.HCI_Error as error:
            raise BleakError(f"the peer does not know our bond: {error}") from error

    async def unpair(self) -> None:
        if self._host is not None and not self._host.lost and self._host.device.keystore is not None:
            peer = self._target if self._link is None else self._link.peer_address
            await self._host.device.keystore.delete(str(peer))
        await self.disconnect()

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **_kwargs: Any
    ) -> bytearray:
        del use_cached  # nothing is cached
        return bytearray(await self._do(characteristic.obj.read_value()))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **_kwargs: Any
    ) -> bytearray:
        del use_cached
        return bytearray(await self._do(descriptor.obj.read_value()))

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: SizedBuffer,
        response: bool,
    ) -> None:
        await self._do(characteristic.obj.write_value(bytes(data), with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        await self._do(descriptor.obj.write_value(bytes(data), with_response=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_kwargs: Any
    ) -> None:
        def notified(value: bytes) -> None:
            callback(bytearray(value))

        self._subscribed[characteristic.handle] = notified
        await self._do(characteristic.obj.subscribe(notified, prefer_notify=True))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        notified = self._subscribed.pop(characteristic.handle, None)
        if notified is not None:
            await self._do(characteristic.obj.unsubscribe(notified))

    async def _initiate(self, host: HciHost, timeout_s: float) -> Connection:
        try:
            async with asyncio.timeout(timeout_s), host.connecting:
                return await host.device.connect_le(self._target, timeout=None)
        except TimeoutError:
            raise BleakDeviceNotFoundError(self.address, f"{self.address} not found") from None
        except core.BaseBumbleError as error:
            raise BleakError(f"connect: {error.__class__.__name__}") from error

    async def _discover(self, peer: Peer) -> BleakGATTServiceCollection:
        found = BleakGATTServiceCollection()
        for service in await peer.discover_services():
            known = BleakGATTService(service, service.handle, _uuid(service.uuid))
            found.add_service(known)
            for each in await service.discover_characteristics():
                properties = list(gatt_char_props_to_strs(int(each.properties)))
                one = BleakGATTCharacteristic(
                    each, each.handle, _uuid(each.uuid), properties, lambda: self.mtu_size - 3, known
                )
                found.add_characteristic(one)
                for descriptor in await each.discover_descriptors():
                    found.add_descriptor(
                        BleakGATTDescriptor(descriptor, descriptor.handle, _uuid(descriptor.type), one)
                    )
        return found

    async def _do(self, work: Coroutine[Any, Any, T]) -> T:
        """Await one exchange, which the loss of the link ends with a BleakError."""
        if self._link is None:
            work.close()
            raise BleakError("not connected")
        try:
            return await self._link.cancel_on_disconnection(work)
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            if self._link is None:
                raise BleakError("the link was lost") from None
            raise
        except core.BaseBumbleError as error:
            raise BleakError(f"exchange: {error.__class__.__name__}") from error

    def _on_disconnected(self, _reason: int) -> None:
        self._link = None
        if not self._leaving:  # the peer went: nobody need call disconnect() for the adapter to be free
            self._farewell = asyncio.get_running_loop().create_task(self._let_go())
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def _let_go(self) -> None:
        self._link = None
        self._subscribed.clear()
        host, self._host = self._host, None
        if host is not None:
            await host.release()


def _uuid(uuid: core.UUID) -> str:
    return uuid_text(uuid.to_bytes())

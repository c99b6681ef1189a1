"""Connections by public `bleak`: over BlueZ, or over a backend that an installed part offers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError, BleakGATTProtocolError
from bleak_retry_connector import establish_connection

from ancu.edge.adapters.bleak_radio import load_backend
from ancu.edge.adapters.bluez_mtu import att_mtu
from ancu.edge.link_ports import BandLink, LinkFailed, Links

__all__ = ["BleakLinks", "open_links"]

log = logging.getLogger(__name__)
CONNECT_S = 45.0  # several tries of ten advertising intervals each, and the search for its services
TRIES = 2  # at a band that does not answer; what a stack calls transient is tried more often, by the connector
PAIR_S = 20.0
ANSWER_S = 10.0
CLOSE_S = 5.0


class BleakLinks(Links):
    """One adapter; connects one band at a time, as controllers do, and keeps several connected."""

    def __init__(self, backend: str, adapter: str) -> None:
        """Raises ConfigError for a backend that is not installed."""
        self._adapter = adapter
        self._backend = None if backend == "bluez" else load_backend(backend)
        self._initiating = asyncio.Lock()

    async def open(self, device: object, *, bond: bool = True) -> BandLink:
        assert isinstance(device, BLEDevice)  # noqa: S101 - our radio offers no other
        link = _BleakLink(device, self._options())
        try:
            async with self._initiating:
                await link.connect(bond=bond)
        except BaseException:
            await link.close()
            raise
        return link

    def _options(self) -> dict[str, Any]:
        if self._backend is None:
            return {}  # the device knows the adapter that it was seen by
        return {"backend": self._backend.client, **self._backend.client_kwargs(self._adapter)}


class _BleakLink(BandLink):
    def __init__(self, device: BLEDevice, options: dict[str, Any]) -> None:
        self._lost: list[Callable[[], None]] = []
        self._subscribed: set[str] = set()
        self._device, self._options = device, options
        self._made: BleakClient | None = None

    async def connect(self, *, bond: bool) -> None:
        """Connect, and encrypt if asked; a bond that the band forgot is made anew, once."""
        await self._establish()
        if not bond:
            return
        try:
            await _tried(self._client.pair(), PAIR_S)
        except LinkFailed:
            log.info("a bond is made anew")
            await _tried(self._client.unpair(), CLOSE_S)
            if not self._client.is_connected:
                await self._establish()
            await _tried(self._client.pair(), PAIR_S)

    @property
    def mtu(self) -> int:
        return att_mtu(self._client)

    async def read(self, uuid: str) -> bytes:
        return bytes(await _tried(self._client.read_gatt_char(uuid), ANSWER_S))

    async def write(self, uuid: str, value: bytes) -> None:
        await _tried(self._client.write_gatt_char(uuid, value, response=True), ANSWER_S)

    async def send(self, uuid: str, value: bytes) -> None:
        await _tried(self._client.write_gatt_char(uuid, value, response=False), ANSWER_S)

    def has(self, uuid: str) -> bool:
        return self._client.services.get_characteristic(uuid) is not None

    async def subscribe(self, uuid: str, told: Callable[[bytes], None]) -> None:
        def notified(_: BleakGATTCharacteristic, value: bytearray) -> None:
            told(bytes(value))

        if uuid in self._subscribed:
            await _tried(self._client.stop_notify(uuid), ANSWER_S)
        self._subscribed.add(uuid)
        await _tried(self._client.start_notify(uuid, notified), ANSWER_S)

    def on_lost(self, lost: Callable[[], None]) -> None:
        self._lost.append(lost)
        if self._made is None or not self._made.is_connected:
            lost()

    async def close(self) -> None:
        if self._made is None:
            return
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._made.disconnect()
        except Exception as error:  # noqa: BLE001 - backends raise what they like; what cannot be closed is given up
            log.debug("link did not close", extra={"error": str(error)})

    async def _establish(self) -> None:
        # Stacks lose connections while they are being made, and have words for it that mean "again": the connector
        # knows them, and waits until BlueZ has let go of the last try.
        self._made = await _tried(
            establish_connection(
                BleakClient,
                self._device,
                "a band",  # for its log: no address of anybody
                disconnected_callback=lambda _: self._tell_lost(),
                max_attempts=TRIES,
                **self._options,
            ),
            CONNECT_S,
        )

    @property
    def _client(self) -> BleakClient:
        if self._made is None:
            raise LinkFailed("not connected")
        return self._made

    def _tell_lost(self) -> None:
        for lost in self._lost:
            lost()


def open_links(backend: str, adapter: str) -> Links:
    """What connects under a configuration's radio; raises ConfigError for a backend that is not installed."""
    if backend != "bluez":
        return BleakLinks(backend, adapter)
    from ancu.edge.adapters.bluez_links import BluezLinks  # noqa: PLC0415 - D-Bus is there on Linux alone

    return BluezLinks()


async def _tried(work: Any, within_s: float) -> Any:
    """Await a call of bleak's; raises LinkFailed.

    Backends may lose a cancellation (Python 3.11's `wait_for` does; some take it for a lost link): it is taken up here.
    """
    try:
        async with asyncio.timeout(within_s):
            answer = await work
    except BleakGATTProtocolError as error:
        raise LinkFailed(str(error), refused=True) from error
    except TimeoutError as error:
        raise LinkFailed("the band does not answer") from error
    except (BleakError, OSError, EOFError, AttributeError) as error:
        _go_on_being_cancelled()
        raise LinkFailed(f"{error.__class__.__name__}: {error}") from error
    _go_on_being_cancelled()
    return answer


def _go_on_being_cancelled() -> None:
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError

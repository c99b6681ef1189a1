"""The radios of a site: ESP32 boards that run ESPHome's Bluetooth proxy, as one radio. Needs `ancu-edge[site]`.

habluetooth has a scanner for each board, which keeps the subscription alive. Adverts are taken from the same messages
directly: habluetooth passes on only what changed, and only from the board that it prefers, while a frame is as good
from any. Connections are not made through boards: a band's history comes to an edge with an adapter of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aioesphomeapi.client import APIClient
from aioesphomeapi.reconnect_logic import ReconnectLogic
from bleak.uuids import normalize_uuid_16
from bleak_esphome import connect_scanner
from bluetooth_data_tools import parse_advertisement_data_bytes
from habluetooth import BluetoothManager, BluetoothServiceInfoBleak, get_manager, set_manager

from ancu.edge.ports import Advert, Radio, RadioLost
from ancu.models.config import read_secret
from ancu.models.errors import ConfigError
from ancu.models.frame import SERVICE_UUID16

__all__ = ["ProxyRadio"]

log = logging.getLogger(__name__)
PORT = 6053  # ESPHome's own
CONNECT_S = 12.0  # for the first board; the others may come later
_UUID = normalize_uuid_16(SERVICE_UUID16)
_AIR = "radio"  # in the log: boards are named by their place in the configuration


class ProxyRadio(Radio):
    """Every board that can be reached; lost when none is left."""

    def __init__(self, boards: str, key_file: Path | None) -> None:
        """`boards`: `host` or `host:port`, with spaces between. `key_file`: ESPHome's API key, for all; ConfigError."""
        self._places = [_place(board) for board in boards.split()]
        if not self._places:
            raise ConfigError("radio.adapter: name the boards, as in '10.0.0.11 10.0.0.12'")
        self._key = None if key_file is None else read_secret(key_file).decode("ascii", "replace").strip()
        self._boards: list[_Board] = []

    async def start(self, hear: Callable[[Advert], None], lost: Callable[[], None]) -> None:
        _manage()
        changed = asyncio.Event()

        def turned() -> None:
            changed.set()
            if not any(board.there for board in self._boards):
                lost()

        self._boards = [
            _Board(
                number,
                APIClient(host, port, None, noise_psk=self._key, client_info="ancu-edge"),
                told=lambda raw: self._told(raw, hear),
                turned=turned,
            )
            for number, (host, port) in enumerate(self._places, 1)
        ]
        for board in self._boards:
            await board.start()
        try:
            async with asyncio.timeout(CONNECT_S):
                while not any(board.there for board in self._boards):
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            raise RadioLost("no board can be reached") from None

    async def stop(self) -> None:
        boards, self._boards = self._boards, []
        await asyncio.gather(*(board.stop() for board in boards))

    def _told(self, raw: Any, hear: Callable[[Advert], None]) -> None:
        for one in raw.advertisements:
            self.adverts += 1
            address = int(one.address).to_bytes(6, "big")
            service_data = parse_advertisement_data_bytes(bytes(one.data))[2]
            body = service_data.get(_UUID)
            if body is not None:
                hear(Advert(address, int(one.rssi), bytes(body)))
            elif self.foreign is not None:
                self.foreign(address, int(one.rssi))


class _Board:
    """One ESP32: connected again whenever it went."""

    def __init__(
        self, number: int, client: APIClient, *, told: Callable[[Any], None], turned: Callable[[], None]
    ) -> None:
        self.there = False
        self._number, self._client, self._told, self._turned = number, client, told, turned
        self._reconnect = ReconnectLogic(
            client=self._client,
            on_connect=self._connected,
            on_disconnect=self._disconnected,
            zeroconf_wake=False,
        )
        self._undo: list[Callable[[], None]] = []

    async def start(self) -> None:
        await self._reconnect.start()

    async def stop(self) -> None:
        """Never raises."""
        try:
            await self._reconnect.stop()
            await self._client.disconnect(force=True)
        except Exception as error:  # noqa: BLE001 - what cannot be closed is given up
            log.debug("a board did not close", extra={"error": str(error)})
        self._forget()

    async def _connected(self) -> None:
        info = await self._client.device_info()
        scanner = connect_scanner(self._client, info, True).scanner
        assert scanner is not None  # noqa: S101 - connect_scanner makes one
        self._undo = [scanner.async_setup(), get_manager().async_register_scanner(scanner)]
        self._client.subscribe_bluetooth_le_raw_advertisements(self._told)
        self.there = True
        log.info("a board listens", extra={_AIR: self._number})
        self._turned()

    async def _disconnected(self, _expected: bool) -> None:
        if self.there:
            log.warning("a board was lost", extra={_AIR: self._number})
        self._forget()
        self._turned()

    def _forget(self) -> None:
        self.there = False
        undo, self._undo = self._undo, []
        for each in undo:
            each()


class _Manager(BluetoothManager):
    """habluetooth's registry of scanners. What it discovers is heard from the boards themselves."""

    def _discover_service_info(self, service_info: BluetoothServiceInfoBleak) -> None:
        pass


def _manage() -> None:
    try:
        get_manager()
    except RuntimeError:
        set_manager(_Manager())


def _place(board: str) -> tuple[str, int]:
    host, _, port = board.partition(":")
    if not host or not (port or "1").isdigit():
        raise ConfigError(f"radio.adapter: {board!r} is no board")
    return host, int(port or PORT)

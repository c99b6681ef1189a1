"""A small ESP32: ESPHome's native API as its Bluetooth proxy speaks it, over a receiver in the virtual air.

Plain text frames (0 | size | type | protobuf), as a board without an API key speaks them.
"""

from __future__ import annotations

import asyncio
from importlib.metadata import entry_points
from typing import Any

from aioesphomeapi import api_pb2 as api
from aioesphomeapi.core import MESSAGE_TYPE_TO_PROTO
from bleak import BleakScanner

__all__ = ["Esp32"]

BACKEND = entry_points(group="ancu.bleak_backends")["virtual"].load()
TYPES = {proto: number for number, proto in MESSAGE_TYPE_TO_PROTO.items()}
PASSIVE_SCAN, RAW_ADVERTISEMENTS = 1 << 0, 1 << 5


class Esp32:
    """One board; `adapter` is where its receiver's controller listens. Unplugged by `stop`, and started again."""

    def __init__(self, number: int, adapter: str) -> None:
        self.number, self.adapter = number, adapter
        self.port = 0
        self.hosts = 0  # connections so far
        self._server: asyncio.Server | None = None
        self._scanner: BleakScanner | None = None
        self._listening: set[asyncio.StreamWriter] = set()
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._scanner = BleakScanner(self._heard, backend=BACKEND.scanner, **BACKEND.scanner_kwargs(self.adapter))
        await self._scanner.start()

    async def stop(self) -> None:
        if self._server is not None and self._scanner is not None:
            await self._scanner.stop()
            self._server.close()
            for writer in tuple(self._open):
                writer.close()
            await self._server.wait_closed()
        self._server = None

    def _heard(self, _device: Any, data: Any) -> None:
        (report,) = data.platform_data
        one = api.BluetoothLERawAdvertisement(
            address=int.from_bytes(report.address, "big"), rssi=report.rssi_dbm, address_type=1, data=report.data
        )
        for writer in self._listening:
            _say(writer, api.BluetoothLERawAdvertisementsResponse(advertisements=[one]))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        self.hosts += 1
        try:
            while True:
                if (await reader.readexactly(1))[0] != 0:
                    return
                size, kind = await _varint(reader), await _varint(reader)
                self._answer(writer, MESSAGE_TYPE_TO_PROTO[kind].FromString(await reader.readexactly(size)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._listening.discard(writer)
            self._open.discard(writer)
            writer.close()

    def _answer(self, writer: asyncio.StreamWriter, asked: Any) -> None:
        mac = f"AA:BB:CC:00:00:{self.number:02X}"
        match asked:
            case api.HelloRequest():
                _say(writer, api.HelloResponse(api_version_major=1, api_version_minor=10, name=f"proxy-{self.number}"))
            case api.DeviceInfoRequest():
                _say(
                    writer,
                    api.DeviceInfoResponse(
                        name=f"proxy-{self.number}",
                        mac_address=mac,
                        bluetooth_mac_address=mac,
                        bluetooth_proxy_feature_flags=PASSIVE_SCAN | RAW_ADVERTISEMENTS,
                    ),
                )
            case api.SubscribeBluetoothLEAdvertisementsRequest():
                self._listening.add(writer)
            case api.PingRequest():
                _say(writer, api.PingResponse())
            case api.DisconnectRequest():
                _say(writer, api.DisconnectResponse())


def _say(writer: asyncio.StreamWriter, message: Any) -> None:
    body = message.SerializeToString()
    writer.write(b"\0" + _as_varint(len(body)) + _as_varint(TYPES[type(message)]) + body)


def _as_varint(value: int) -> bytes:
    octets = bytearray()
    while value > 127:
        octets.append(value & 127 | 128)
        value >>= 7
    return bytes((*octets, value))


async def _varint(reader: asyncio.StreamReader) -> int:
    value = shift = 0
    while True:
        (octet,) = await reader.readexactly(1)
        value |= (octet & 127) << shift
        shift += 7
        if octet < 128:
            return value

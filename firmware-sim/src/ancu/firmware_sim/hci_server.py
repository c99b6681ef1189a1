"""A home's receiver as a Bluetooth controller: HCI packets (H4) over TCP, one host at a time, for ever.

Bumble's own `tcp-server` transport keeps one controller for all who ever connect, so a host that was killed leaves its
scan, its half-read packet and its connections to the next. Here each connection is a controller fresh from power-on; a
new host takes the place of one that is still connected, as a host that was killed may seem to be.
"""

from __future__ import annotations

import asyncio
import logging

from bumble.core import InvalidPacketError
from bumble.transport.common import PacketParser

from ancu.firmware_sim.controller import RadioController
from ancu.firmware_sim.quiet import quieten
from ancu.firmware_sim.radio import Air

__all__ = ["HciServer"]

_BACKLOG_BYTES = 256 * 1024  # a host that stops reading misses adverts, as with real radio; it does not fill our memory
_log = logging.getLogger(__name__)


class HciServer:
    """Serves the controller of one home on a loopback port."""

    def __init__(self, air: Air, *, home: str, public_address: str) -> None:
        self.air = air
        self.home = home
        self.public_address = public_address
        self.dropped = 0  # packets that a host was too slow for
        self._server: asyncio.Server | None = None
        self._host: _HostLink | None = None

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes a free one."""
        quieten()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _HostLink(self), "127.0.0.1", port)

    @property
    def port(self) -> int:
        assert self._server is not None  # noqa: S101 - only asked of a started server
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def has_host(self) -> bool:
        return self._host is not None

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self.drop_host()
            await self._server.wait_closed()

    def drop_host(self) -> None:
        """Pull the plug of the adapter."""
        if self._host is not None:
            self._host.close()

    def arrived(self, link: _HostLink) -> None:
        self.drop_host()
        self._host = link
        _log.info("a host opened the adapter", extra={"home": self.home})

    def gone(self, link: _HostLink) -> None:
        if self._host is link:
            self._host = None
            _log.info("the host left the adapter", extra={"home": self.home})


class _HostLink(asyncio.Protocol):
    """One host's TCP connection and its controller."""

    def __init__(self, server: HciServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._controller: RadioController | None = None
        self._parser = PacketParser()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - create_server makes no other
        self._transport = transport
        self._server.arrived(self)
        self._controller = RadioController(self._server.home, self._server.air, self._server.public_address)
        self._controller.host = self
        self._parser.set_packet_sink(self._controller)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except InvalidPacketError:
            _log.warning("a host spoke no HCI", extra={"home": self._server.home})
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._switch_off()
        self._server.gone(self)

    def on_packet(self, packet: bytes) -> None:
        """From the controller to its host."""
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size() > _BACKLOG_BYTES:
            self._server.dropped += 1
        else:
            self._transport.write(packet)

    def close(self) -> None:
        self._switch_off()
        if self._transport is not None:
            self._transport.abort()

    def _switch_off(self) -> None:
        controller, self._controller = self._controller, None
        if controller is not None:
            controller.switch_off()

"""Virtual air of one home: who hears an advert, and how loud. Homes do not hear one another.

An indoor path-loss fit to Strzoda 2022 (-65 dBm at 1 m, 20 dB a decade, a wall at the door), slow shadowing by a person
who turns around, fast fading of each packet, and a floor under which nothing is heard. Connections are Bumble's
`LocalLink`; adverts are not, because it hands each to every controller, twice, at -50 dBm.
"""

from __future__ import annotations

import asyncio
import math
import random
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from bumble import hci, ll
from bumble.controller import Controller
from bumble.core import PhysicalTransport
from bumble.link import LocalLink

from ancu.firmware_sim.reports import CONNECTABLE, LEGACY, SCANNABLE
from ancu.firmware_sim.wearer import DOOR_M

__all__ = ["Air", "Fading", "Listener", "OnAir"]

_AT_1_M_DBM = -65.0
_DB_A_DECADE = 20.0
_WALL_DB = 18.0
_FAST_SIGMA_DB = 3.0
_SLOW_SIGMA_DB = 3.0
_SLOW_KEEP = 0.97  # of the shadow from one advert to the next: a minute's memory at 2 s
_FLOOR_DBM = -97.0
_ADVERT_S = 376e-6  # of 31 bytes on one channel: another that starts so near before or after destroys it
_RATE_MEMORY_S = 5.0


class OnAir(NamedTuple):
    """One advertising PDU."""

    address: bytes  # 6 B, most significant first
    data: bytes
    properties: int = LEGACY
    response: bytes | None = None  # what an active scanner gets back

    @classmethod
    def extended(cls, address: bytes, data: bytes) -> OnAir:
        """Up to 229 bytes, for those that scan for such."""
        return cls(address, data, 0)

    @classmethod
    def connectable(cls, address: bytes, data: bytes, response: bytes) -> OnAir:
        return cls(address, data, LEGACY | CONNECTABLE | SCANNABLE, response)


class Listener(Protocol):
    """A receiver in the air of a home."""

    def hear(self, pdu: OnAir, rssi_dbm: int) -> None: ...


@dataclass(slots=True)
class Fading:
    """The slow shadow over one transmitter."""

    shadow_db: float = 0.0


class Air(LocalLink):
    """The air of one home, around a receiver at distance 0."""

    def __init__(
        self, rng: random.Random, *, loss: float = 0.08, crowding: bool = True, link_kb_per_s: float = 0.0
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._rng, self._loss, self._crowding = rng, loss, crowding
        self._listeners: list[Listener] = []
        self._rate_hz, self._rate_at = 0.0, 0.0
        self._link_bytes_per_s, self._link_free_at = link_kb_per_s * 1000, 0.0

    def attach(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def detach(self, listener: Listener) -> None:
        if listener in self._listeners:
            self._listeners.remove(listener)

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    def transmit(self, pdu: OnAir, distance_m: float, fading: Fading) -> None:
        """Send one advert to everybody in range."""
        rng = self._rng
        loss = 1 - (1 - self._loss) * (self._free() if self._crowding else 1.0)
        fading.shadow_db = _SLOW_KEEP * fading.shadow_db + rng.gauss(0, _SLOW_SIGMA_DB * math.sqrt(1 - _SLOW_KEEP**2))
        for listener in tuple(self._listeners):
            rssi = _mean_dbm(distance_m) + fading.shadow_db + rng.gauss(0, _FAST_SIGMA_DB)
            if rssi > _FLOOR_DBM and rng.random() >= loss:
                listener.hear(pdu, round(rssi))

    def lose_links(self, controller: Controller) -> None:
        """Supervision timeout of every connection that `controller` holds, on both ends."""
        for mine in list(controller.le_connections.values()):
            for other in tuple(self.controllers):
                theirs = [c for c in other.le_connections.values() if c.peer_address == mine.self_address]
                if other is not controller:
                    for link in theirs:
                        other.on_le_disconnected(link, hci.HCI_CONNECTION_TIMEOUT_ERROR)
            controller.on_le_disconnected(mine, hci.HCI_CONNECTION_TIMEOUT_ERROR)

    def _free(self) -> float:
        """The chance that an advert meets no other: 0.80 among 300 a second."""
        now = asyncio.get_running_loop().time()
        self._rate_hz *= math.exp((self._rate_at - now) / _RATE_MEMORY_S)
        others_hz, self._rate_at = self._rate_hz, now
        self._rate_hz += 1 / _RATE_MEMORY_S
        return math.exp(-2 * _ADVERT_S * others_hz)

    # --- Bumble's side: connections ---

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        # Only the start of a connection goes this way; adverts leave through transmit().
        if isinstance(packet, ll.ConnectInd):
            loop = asyncio.get_running_loop()
            for controller in self.controllers:
                if controller is not sender_controller:
                    loop.call_soon(controller.on_ll_advertising_pdu, packet)

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        # Bumble 0.0.236 names the sender by its random address even when it connected with its public one, and the
        # peer then drops the data: use the address that the connection was made with.
        link = sender_controller.le_connections.get(destination_address)
        peer = self.find_le_controller(destination_address)
        if link is None or peer is None:
            return
        loop = asyncio.get_running_loop()
        if not self._link_bytes_per_s:
            loop.call_soon(peer.on_link_acl_data, link.self_address, transport, data)
            return
        self._link_free_at = max(loop.time(), self._link_free_at) + len(data) / self._link_bytes_per_s
        loop.call_at(self._link_free_at, peer.on_link_acl_data, link.self_address, transport, data)


def _mean_dbm(distance_m: float) -> float:
    wall = _WALL_DB if distance_m > DOOR_M else 0.0
    return _AT_1_M_DBM - _DB_A_DECADE * math.log10(max(0.3, distance_m)) - wall

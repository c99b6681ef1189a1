"""Ports: what the agent needs from the world, so that it can be run without one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from ancu.models.errors import AncuError
from ancu.models.topics import Lane

__all__ = ["Advert", "Conversation", "Host", "Radio", "RadioLost", "Uplink"]


@dataclass(frozen=True, slots=True)
class Advert:
    """Service data of a band's kind, as the radio heard it."""

    address: bytes  # 6 B, most significant first
    rssi_dbm: int
    body: bytes


class RadioLost(AncuError):
    """The adapter is not there, or cannot scan."""

    code = "radio_lost"


class Radio(ABC):
    """A Bluetooth adapter that scans actively."""

    adverts = 0  # of any device, since the process began
    foreign: Callable[[bytes, int], None] | None = None
    """Told the address (6 B) and signal strength of devices that are no bands, where somebody wants to know."""
    offered: Callable[[bytes, object, int], None] | None = None
    """Told the address (6 B) of a device that offers a link as bands do, what to connect to, and how loud it is."""

    @abstractmethod
    async def start(self, hear: Callable[[Advert], None], lost: Callable[[], None]) -> None:
        """Begin to scan; raises RadioLost. `lost` may be called when the adapter goes while scanning."""

    @abstractmethod
    async def stop(self) -> None:
        """End the scan. Never raises: what cannot be stopped is given up."""


class Conversation(ABC):
    """One session with the broker; every call raises LinkLost when it cannot go on."""

    @abstractmethod
    async def publish(self, lane: Lane, body: bytes) -> None:
        """Hand a sealed batch to the broker. Its acknowledgement means nothing for durability."""

    @abstractmethod
    def confirms(self) -> AsyncIterator[bytes]:
        """Bodies of the confirm topic, without end."""


class Uplink(ABC):
    """The way to the server."""

    connected = False
    commanded: Callable[[bytes], None] | None = None
    """Told the bodies of the command topic, where somebody wants to know."""

    @abstractmethod
    async def run(self, converse: Callable[[Conversation], Awaitable[None]]) -> None:
        """Hold a conversation, again and again as the link comes and goes, until cancelled."""


class Host(ABC):
    """The machine the edge runs on."""

    @abstractmethod
    def mains(self) -> bool:
        """Whether mains power is there (a machine that cannot tell has it)."""

    @abstractmethod
    def clock_synced(self) -> bool:
        """Whether something keeps the clock right."""

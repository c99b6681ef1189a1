"""Ports: a connection to a band."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from ancu.models.errors import AncuError

__all__ = ["BandLink", "LinkFailed", "Links"]


class LinkFailed(AncuError):
    """No connection, or one that broke, or a peer that refused; `refused` for the last."""

    code = "link_failed"

    def __init__(self, why: str, *, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused


class BandLink(ABC):
    """A connection to a band, encrypted but for one of the reduced profile. Every call raises LinkFailed."""

    @property
    @abstractmethod
    def mtu(self) -> int:
        """The negotiated ATT MTU: a write without response carries three bytes less."""

    @abstractmethod
    async def read(self, uuid: str) -> bytes: ...

    @abstractmethod
    async def write(self, uuid: str, value: bytes) -> None:
        """Write and wait for the band's response."""

    @abstractmethod
    async def send(self, uuid: str, value: bytes) -> None:
        """Write without waiting for a response; at most three bytes less than the MTU."""

    @abstractmethod
    def has(self, uuid: str) -> bool:
        """Whether the band has such a characteristic."""

    @abstractmethod
    async def subscribe(self, uuid: str, told: Callable[[bytes], None]) -> None:
        """Be told notifications or indications, until the link is closed."""

    @abstractmethod
    def on_lost(self, lost: Callable[[], None]) -> None:
        """`lost` is called once when the link breaks."""

    @abstractmethod
    async def close(self) -> None:
        """Never raises."""


class Links(ABC):
    """What can connect."""

    @abstractmethod
    async def open(self, device: object, *, bond: bool = True) -> BandLink:
        """Connect to a device that the radio offered; bond with it or take the bond up, if asked; raises LinkFailed."""

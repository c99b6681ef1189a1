"""Ports: what a gateway needs of a broker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

__all__ = ["Broker", "Delivery", "Session"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it came in."""

    topic: str
    body: bytes
    retain: bool = False


class Session(ABC):
    """One session with a broker; every call raises when it cannot go on."""

    @abstractmethod
    async def subscribe(self, filters: Sequence[str]) -> None:
        """Hear these; raises LinkLost when the broker refuses one."""

    @abstractmethod
    async def publish(self, topic: str, body: bytes, *, retain: bool = False) -> None:
        """Hand a body to the broker."""

    @abstractmethod
    def deliveries(self) -> AsyncIterator[Delivery]:
        """What comes in, without end."""


class Broker(ABC):
    """The way to a broker."""

    @abstractmethod
    async def run(self, converse: Callable[[Session], Awaitable[None]]) -> None:
        """Hold a session, again and again as the link comes and goes, until cancelled."""

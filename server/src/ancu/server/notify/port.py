"""The port of all channels: one message to one address, and what became of it.

AncuError
├── Refused       this message will never get through this way: no retry
└── Unreachable   it may get through later: retry
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ancu.models.errors import AncuError
from ancu.server.ports import Severity

__all__ = ["Due", "Item", "Message", "Notifier", "Receipt", "Refused", "State", "Unreachable"]


class State(StrEnum):
    """Of a delivery. 'Sent' is a provider's word that it took the message; 'delivered' that the receiver has it."""

    QUEUED = "queued"
    FAILED = "failed"  # will be tried again
    SENT = "sent"
    DELIVERED = "delivered"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"  # no longer needed: someone took the alert, or another channel got through


@dataclass(frozen=True, slots=True)
class Item:
    """One alert in a message. No name, address or reading may ever be added here: it leaves the house."""

    alert: str
    kind: str
    severity: Severity
    ward: str  # its code
    level: int
    at: datetime
    url: str


@dataclass(frozen=True, slots=True)
class Message:
    """What leaves the house. `id` is the same at every try, so that a receiver can drop a repeat."""

    id: str
    made_at: datetime
    urgent: bool
    subject: str
    text: str
    speech: str  # to be read aloud
    url: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery to try now."""

    id: str
    channel: str
    address: str
    message: Message


@dataclass(frozen=True, slots=True)
class Receipt:
    """The message was taken: by a provider, or by the receiver itself."""

    state: State = State.SENT
    reference: str | None = None  # what the provider calls it


class Refused(AncuError):
    """For good. `gone`: the address itself is no more."""

    code = "refused"

    def __init__(self, why: str, *, gone: bool = False) -> None:
        super().__init__(f"refused: {why}")
        self.why, self.gone = why, gone


class Unreachable(AncuError):
    """Not now."""

    code = "unreachable"

    def __init__(self, why: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"not reached: {why}")
        self.why, self.retry_after_s = why, retry_after_s


class Notifier(Protocol):
    """A channel. Safe to call from several tasks at once; a try ends within the channel's own time."""

    async def send(self, message: Message, address: str) -> Receipt:
        """Raises Refused, Unreachable. Neither message nor address may reach a log."""

    async def close(self) -> None: ...

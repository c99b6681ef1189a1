"""Receipts: what a provider says, later and signed, about a message that it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ancu.models.errors import AncuError

__all__ = ["Callback", "Receiver", "Said", "Unsigned"]


class Unsigned(AncuError):
    """Not signed by the provider, or too long ago: nothing of it is believed."""

    code = "signature_refused"


@dataclass(frozen=True, slots=True)
class Said:
    """About one message: `reference` is what the provider calls it; `why` only where it was not delivered."""

    reference: str
    delivered: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Callback:
    """A request as it came. `url`: as the provider was told it; header names in lower case."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Receiver(Protocol):
    """One provider's way of telling."""

    def read(self, callback: Callback, now_s: float) -> Sequence[Said]:
        """What it says; nothing where it is about something else. Raises Unsigned."""
        ...

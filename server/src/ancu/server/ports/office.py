"""Ports: what officers ask of their own work: who watches, handovers, and what reaches their browsers.

As in `ports.py`, every call takes a `Viewer`; a foreign id and an absent id both raise `NotFound`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ancu.server.ports import AlertState, Viewer

__all__ = ["Colleague", "HandoverItem", "HandoverRow", "OfficePort", "ReceiptsPort", "Taken", "WatchRow"]


@dataclass(frozen=True, slots=True)
class WatchRow:
    """A line of the calendar. `what`: 'shift', 'on_call', 'absent'."""

    officer: str
    name: str
    what: str
    starts_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Colleague:
    """Someone of a ward to whom a shift can be handed."""

    officer: str
    name: str
    role: str
    watch: str | None  # 'shift' or 'on_call' now
    absent: bool


@dataclass(frozen=True, slots=True)
class HandoverItem:
    """An alert as it stood when the list was drawn. Ids and codes only."""

    alert: str
    kind: str
    severity: str
    state: str
    opened_at: datetime
    owner: str | None


@dataclass(frozen=True, slots=True)
class HandoverRow:
    """A list of open items; whole when both have signed its hash. `waits_for_me`: the viewer has yet to sign."""

    id: str
    ward: str
    giver: str
    giver_name: str
    taker: str
    taker_name: str
    drawn_at: datetime
    hash: str
    items: Sequence[HandoverItem]
    giver_signed_at: datetime | None
    taker_signed_at: datetime | None
    whole: bool
    waits_for_me: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """An alert of a push message, and who has it now."""

    alert: str
    state: AlertState
    acknowledged_by: str | None


class OfficePort(Protocol):
    """`push_key`: what a browser subscribes with (VAPID, base64url); None: there is no web push here."""

    push_key: str | None

    async def watches(
        self, viewer: Viewer, start: datetime, end: datetime, *, ward: str | None = None
    ) -> Sequence[WatchRow]:
        """The calendar of his wards, or of one of them, in order; raises NotFound, UsageError."""
        ...

    async def colleagues(self, viewer: Viewer, ward: str) -> Sequence[Colleague]:
        """Whom he can hand a ward to: accounts in use that serve it, without himself; raises NotFound."""
        ...

    async def draw_handover(self, viewer: Viewer, ward: str, taker: str, *, key: str) -> HandoverRow:
        """Freeze a ward's open items for two officers; raises NotFound, HandoverRefused."""
        ...

    async def sign_handover(self, viewer: Viewer, handover: str, hash_: str, *, key: str) -> HandoverRow:
        """Sign the list that was read, named by its hash; raises NotFound, HandoverRefused."""
        ...

    async def handover(self, viewer: Viewer, handover: str) -> HandoverRow: ...
    async def handovers(self, viewer: Viewer) -> Sequence[HandoverRow]:
        """The newest first."""
        ...

    async def subscribe(self, viewer: Viewer, subscription: str, *, key: str) -> None:
        """Keep a browser's push subscription (its JSON); raises NotFound, UsageError."""

    async def unsubscribe(self, viewer: Viewer, endpoint: str, *, key: str) -> None:
        """Forget a subscription of his; nothing where there is none."""

    async def shown(self, viewer: Viewer, message: str, *, key: str) -> None:
        """His browser showed a push message; raises NotFound."""

    async def take(self, viewer: Viewer, message: str, *, key: str) -> Sequence[Taken]:
        """Acknowledge every alert of a push message that nobody has taken yet; raises NotFound."""
        ...


class ReceiptsPort(Protocol):
    async def receive(self, channel: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Take what a provider says of messages that it took; raises NotFound, Unsigned."""

"""Ports: quarantine orders as officers write them. Every call takes a `Viewer`; a foreign ward is no ward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ancu.server.ports import Page, Viewer

__all__ = [
    "Guardian",
    "ImportReport",
    "NewOrder",
    "OrderReason",
    "OrderRow",
    "Orders",
    "Paper",
    "RowFault",
    "WardChoice",
]


class OrderReason(StrEnum):
    """Why somebody is under order; others may stand in orders from elsewhere."""

    POSITIVE = "positive"
    CLOSE_CONTACT = "close_contact"
    ENTRY = "entry"
    HOME_QUARANTINE = "home_quarantine"


@dataclass(frozen=True, slots=True)
class Guardian:
    name: str
    phone: str | None = None
    relation: str = "guardian"


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order of a person who is not known yet."""

    ward: str
    name: str
    starts_at: datetime
    until: datetime
    phone: str | None = None
    address: str | None = None
    guardian: Guardian | None = None
    edge: str | None = None
    reason: str = OrderReason.HOME_QUARANTINE
    place: tuple[float, float] | None = None  # latitude and longitude of the home, in degrees


@dataclass(frozen=True, slots=True)
class OrderRow:
    id: str
    person: str
    label: str  # what an officer reads
    ward: str
    edge: str | None
    starts_at: datetime
    until: datetime
    ended_at: datetime | None
    reason: str
    state: str  # 'coming', 'running', 'over'


@dataclass(frozen=True, slots=True)
class RowFault:
    """Something wrong in a row of a file: `line` as a spreadsheet counts, `fault` a stable code."""

    line: int
    field: str
    fault: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """`orders` are ids of what was kept, `faults` what was not, by line."""

    orders: Sequence[str]
    faults: Sequence[RowFault]
    bad_rows: str = ""  # the refused rows as they were, under their header, to mend and import again


@dataclass(frozen=True, slots=True)
class WardChoice:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Paper:
    """What is printed for one order, beside the two halves of an entry."""

    order: str
    person: str
    name: str
    ward: str
    province: str
    address: str
    starts_at: datetime
    until: datetime
    reason: str
    band: str | None
    edge: str | None
    officer_name: str
    officer_phone: str | None
    guardian: str


class Orders(Protocol):
    async def order_wards(self, viewer: Viewer, *, everywhere: bool = False) -> Sequence[WardChoice]:
        """Wards of the viewer; everywhere: those to which he may transfer, too."""
        ...

    async def orders(
        self, viewer: Viewer, *, still_open: bool = False, limit: int = 100, cursor: str | None = None
    ) -> Page[OrderRow]:
        """Newest first."""
        ...

    async def order(self, viewer: Viewer, order: str) -> OrderRow: ...
    async def create_order(self, viewer: Viewer, new: NewOrder, *, key: str) -> OrderRow:
        """Register the person and open the order; raises NotFound, OrderRefused, UsageError."""
        ...

    async def import_orders(self, viewer: Viewer, raw: bytes, *, key: str) -> ImportReport:
        """Keep every good row of a CSV file; raises UsageError for what is no such file."""
        ...

    async def extend_order(self, viewer: Viewer, order: str, until: datetime, *, key: str) -> OrderRow: ...
    async def end_order(self, viewer: Viewer, order: str, reason: str, *, key: str) -> OrderRow: ...
    async def transfer_order(
        self, viewer: Viewer, order: str, *, ward: str, edge: str | None, address: str | None, key: str
    ) -> OrderRow:
        """To another ward, another home or both; raises NotFound, OrderRefused."""
        ...

    async def papers(self, viewer: Viewer, orders: Sequence[str]) -> Sequence[Paper]:
        """What to print, in the order asked; raises NotFound where one is not the viewer's."""
        ...

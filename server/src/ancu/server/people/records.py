"""Records: what the register says of people and devices, by ids. Names, phones and addresses are in `private.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode
from ancu.models.keys import BandKeys, EdgeKeys
from ancu.server.ports import Role

__all__ = [
    "BandRecord",
    "CameraRecord",
    "EdgeRecord",
    "GatewayRecord",
    "OfficerRecord",
    "OrderRecord",
    "PersonRecord",
    "Snapshot",
    "WardRecord",
]


@dataclass(frozen=True, slots=True)
class WardRecord:
    code: WardCode
    name: str
    province: str


@dataclass(frozen=True, slots=True)
class OfficerRecord:
    id: str
    login: str
    name: str
    role: Role
    wards: frozenset[WardCode]
    phone: str | None
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class PersonRecord:
    id: str
    ward: WardCode


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """A quarantine order. `edge` is the box of the home or site that it is served in."""

    id: OrderId
    person: str
    ward: WardCode
    edge: EdgeId | None
    starts_at: datetime
    until: datetime
    ended_at: datetime | None

    def in_force(self, at: datetime) -> bool:
        """Whether the person is under this order at a time."""
        return self.starts_at <= at < min(self.until, self.ended_at or self.until)


@dataclass(frozen=True, slots=True)
class EdgeRecord:
    id: EdgeId
    ward: WardCode
    gateway: GatewayId | None
    site: str | None  # the quarantine site's label; None is a home
    keys: EdgeKeys = field(repr=False)
    revoked: bool


@dataclass(frozen=True, slots=True)
class GatewayRecord:
    id: GatewayId
    wards: frozenset[WardCode]
    revoked: bool


@dataclass(frozen=True, slots=True)
class CameraRecord:
    edge: EdgeId
    camera: str
    label: str
    door: str | None
    revoked: bool


@dataclass(frozen=True, slots=True)
class BandRecord:
    """A band, and the order that it serves now or, once that ended, served last. Without an order it has no keys."""

    number: BandNumber
    order: OrderId | None
    keys: BandKeys | None = field(repr=False)
    revoked: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a running process keeps in memory, read in one transaction."""

    version: int
    wards: Mapping[WardCode, WardRecord]
    gateways: Mapping[GatewayId, GatewayRecord]
    edges: Mapping[EdgeId, EdgeRecord]
    cameras: Mapping[tuple[EdgeId, str], CameraRecord]
    persons: Mapping[str, PersonRecord]
    orders: Mapping[OrderId, OrderRecord]
    bands: Mapping[BandNumber, BandRecord]

    def band_of(self, order: OrderId) -> BandRecord | None:
        """The band that serves an order."""
        return next((band for band in self.bands.values() if band.order == order), None)

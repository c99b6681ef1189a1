"""Roster: who is under order, with which band, heard by which boxes, watched by which cameras. Replaced as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode

__all__ = ["BandSeat", "CameraSeat", "EdgeSeat", "GatewaySeat", "OrderSeat", "Roster", "area_of"]

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class OrderSeat:
    """A quarantine order."""

    id: OrderId
    person: str
    ward: WardCode
    starts_at: datetime
    until: datetime
    ended_at: datetime | None = None

    @property
    def over_at(self) -> datetime:
        return self.until if self.ended_at is None else min(self.until, self.ended_at)


@dataclass(frozen=True, slots=True)
class BandSeat:
    """A band as it is worn under an order, and the edges that may hear it. A person has one seated band."""

    number: BandNumber
    order: OrderId
    edges: tuple[EdgeId, ...]


@dataclass(frozen=True, slots=True)
class EdgeSeat:
    """A box. `place` is the home or site it serves; edges of one `area` are neighbours (the ward if not said)."""

    id: EdgeId
    ward: WardCode
    place: str
    gateway: GatewayId | None = None
    area: str | None = None


@dataclass(frozen=True, slots=True)
class GatewaySeat:
    id: GatewayId
    ward: WardCode


@dataclass(frozen=True, slots=True)
class CameraSeat:
    """A camera at a place."""

    edge: EdgeId
    camera: str
    place: str


@dataclass(frozen=True)
class Roster:
    """All seats, and the ways between them that decisions walk."""

    orders: Mapping[OrderId, OrderSeat] = field(default_factory=dict)
    bands: Mapping[BandNumber, BandSeat] = field(default_factory=dict)
    edges: Mapping[EdgeId, EdgeSeat] = field(default_factory=dict)
    gateways: Mapping[GatewayId, GatewaySeat] = field(default_factory=dict)
    cameras: Mapping[tuple[EdgeId, str], CameraSeat] = field(default_factory=dict)

    bands_of_edge: Mapping[EdgeId, tuple[BandNumber, ...]] = field(init=False, repr=False, compare=False)
    bands_of_person: Mapping[str, tuple[BandNumber, ...]] = field(init=False, repr=False, compare=False)
    bands_of_place: Mapping[str, tuple[BandNumber, ...]] = field(init=False, repr=False, compare=False)
    places_of_band: Mapping[BandNumber, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    edges_of_gateway: Mapping[GatewayId, tuple[EdgeId, ...]] = field(init=False, repr=False, compare=False)
    edges_of_area: Mapping[str, tuple[EdgeId, ...]] = field(init=False, repr=False, compare=False)
    orders_of_person: Mapping[str, tuple[OrderId, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        seated = [(seat, self.orders[seat.order]) for seat in self.bands.values() if seat.order in self.orders]
        edges = self.edges.values()
        places = {
            seat.number: tuple(sorted({self.edges[e].place for e in seat.edges if e in self.edges}))
            for seat, _ in seated
        }
        indexes: dict[str, Mapping[Any, tuple[Any, ...]]] = {
            "bands_of_edge": _index((e, s.number) for s, _ in seated for e in s.edges),
            "bands_of_person": _index((o.person, s.number) for s, o in seated),
            "bands_of_place": _index((place, number) for number, of_band in places.items() for place in of_band),
            "places_of_band": places,
            "edges_of_gateway": _index((e.gateway, e.id) for e in edges if e.gateway is not None),
            "edges_of_area": _index((area_of(e), e.id) for e in edges),
            "orders_of_person": _index((o.person, o.id) for o in self.orders.values()),
        }
        for name, index in indexes.items():
            object.__setattr__(self, name, index)

    def order_of(self, band: BandNumber) -> OrderSeat | None:
        seat = self.bands.get(band)
        return None if seat is None else self.orders.get(seat.order)


def area_of(edge: EdgeSeat) -> str:
    """The neighbourhood of an edge."""
    return edge.area or f"ward-{edge.ward}"


def _index(pairs: Iterable[tuple[K, V]]) -> dict[K, tuple[V, ...]]:
    lists: dict[K, list[V]] = {}
    for key, value in pairs:
        lists.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in lists.items()}

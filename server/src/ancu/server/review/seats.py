"""Seats: who was to be judged, and where, as a history of changes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId
from ancu.server.cases.roster import BandSeat, CameraSeat, EdgeSeat, GatewaySeat, OrderSeat, Roster

__all__ = ["Seating", "SeatsChange", "change_of", "changed"]


@dataclass(frozen=True, slots=True)
class Seating:
    """The roster, and the province of each ward."""

    roster: Roster = field(default_factory=Roster)
    provinces: Mapping[str, str] = field(default_factory=dict)


class SeatsChange(msgspec.Struct, frozen=True, array_like=True):
    """What became of a seating: seats that are new or other than before, and the keys of those that are gone."""

    whole: bool  # all there is: what was before does not matter
    orders: tuple[OrderSeat, ...] = ()
    bands: tuple[BandSeat, ...] = ()
    edges: tuple[EdgeSeat, ...] = ()
    gateways: tuple[GatewaySeat, ...] = ()
    cameras: tuple[CameraSeat, ...] = ()
    gone_orders: tuple[OrderId, ...] = ()
    gone_bands: tuple[BandNumber, ...] = ()
    gone_edges: tuple[EdgeId, ...] = ()
    gone_gateways: tuple[GatewayId, ...] = ()
    gone_cameras: tuple[tuple[EdgeId, str], ...] = ()
    provinces: Mapping[str, str] | None = None  # None: as before


_PARTS = ("orders", "bands", "edges", "gateways", "cameras")


def change_of(before: Seating | None, after: Seating) -> SeatsChange | None:
    """The change that leads from one seating to another; None where there is none."""
    old = before or Seating()
    parts: dict[str, Any] = {}
    for name in _PARTS:
        was, now = getattr(old.roster, name), getattr(after.roster, name)
        parts[name] = tuple(seat for key, seat in now.items() if was.get(key) != seat)
        parts[f"gone_{name}"] = tuple(key for key in was if key not in now)
    provinces = None if before is not None and old.provinces == after.provinces else dict(after.provinces)
    if before is not None and provinces is None and not any(parts.values()):
        return None
    return SeatsChange(before is None, **parts, provinces=provinces)


def changed(before: Seating, change: SeatsChange) -> Seating:
    """The seating after a change."""
    old = Seating() if change.whole else before
    keys: dict[str, Callable[[Any], Any]] = {
        "orders": lambda seat: seat.id,
        "bands": lambda seat: seat.number,
        "edges": lambda seat: seat.id,
        "gateways": lambda seat: seat.id,
        "cameras": lambda seat: (seat.edge, seat.camera),
    }
    parts: dict[str, Any] = {}
    for name, key in keys.items():
        gone = set(getattr(change, f"gone_{name}"))
        kept = {k: seat for k, seat in getattr(old.roster, name).items() if k not in gone}
        parts[name] = kept | {key(seat): seat for seat in getattr(change, name)}
    return Seating(Roster(**parts), old.provinces if change.provinces is None else change.provinces)

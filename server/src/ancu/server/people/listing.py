"""Listings of the register for a terminal, by ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ancu.models.ids import band_name
from ancu.server.people.records import OrderRecord, Snapshot

__all__ = ["KINDS", "list_devices", "list_orders"]

KINDS: Final = ("gateway", "edge", "band", "camera")


def list_devices(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Every device: kind, id, ward, what it serves, state."""
    return [*_gateways(snapshot), *_edges(snapshot), *_bands(snapshot), *_cameras(snapshot)]


def list_orders(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Every order, the newest first."""
    bands = {band.order: band_name(band.number) for band in snapshot.bands.values() if band.order}
    newest = sorted(snapshot.orders.values(), key=lambda order: order.starts_at, reverse=True)
    return [_order(order, bands.get(order.id)) for order in newest]


def _order(order: OrderRecord, band: str | None) -> dict[str, Any]:
    return {
        "id": order.id,
        "person": order.person,
        "ward": order.ward,
        "edge": order.edge,
        "band": band,
        "from": _time(order.starts_at),
        "until": _time(order.until),
        "ended": _time(order.ended_at) if order.ended_at else None,
    }


def _gateways(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    for gateway in sorted(snapshot.gateways.values(), key=lambda each: each.id):
        yield _row("gateway", gateway.id, ",".join(sorted(gateway.wards)), None, gateway.revoked)


def _edges(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    for edge in sorted(snapshot.edges.values(), key=lambda each: each.id):
        yield _row("edge", edge.id, edge.ward, edge.site or "home", edge.revoked)


def _bands(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    for band in sorted(snapshot.bands.values(), key=lambda each: each.number):
        order = snapshot.orders.get(band.order) if band.order else None
        yield _row("band", band_name(band.number), order.ward if order else None, band.order, band.revoked)


def _cameras(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    for camera in sorted(snapshot.cameras.values(), key=lambda each: (each.edge, each.camera)):
        ward = snapshot.edges[camera.edge].ward
        yield _row("camera", f"{camera.edge}/{camera.camera}", ward, camera.door, camera.revoked)


def _row(kind: str, id_: str, ward: str | None, serves: str | None, revoked: bool) -> dict[str, Any]:
    state = "revoked" if revoked else "in use"
    return {"kind": kind, "id": id_, "ward": ward, "serves": serves, "state": state}


def _time(at: Any) -> str:
    return str(at.isoformat(timespec="minutes"))

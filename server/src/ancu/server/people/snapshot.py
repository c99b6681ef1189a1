"""Snapshots of the register for processes that keep it in memory."""

from __future__ import annotations

import sqlite3

from ancu.models.clock import from_ms
from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode
from ancu.models.keys import derive_band_keys, derive_edge_keys
from ancu.server.optional import moment
from ancu.server.people.records import (
    BandRecord,
    CameraRecord,
    EdgeRecord,
    GatewayRecord,
    OrderRecord,
    PersonRecord,
    Snapshot,
    WardRecord,
)
from ancu.server.people.vault import Vault

__all__ = ["read_snapshot", "read_version"]

Rows = sqlite3.Connection


def read_version(connection: sqlite3.Connection) -> int:
    """Grows with every change that a snapshot would show; cheap enough to ask every second."""
    return int(connection.execute("SELECT version FROM register_version").fetchone()[0])


def read_snapshot(connection: sqlite3.Connection, vault: Vault) -> Snapshot:
    """Read everything at one moment, keys opened; joins a transaction that the caller holds open."""
    joins = connection.in_transaction
    if not joins:
        connection.execute("BEGIN")
    try:
        return Snapshot(
            version=read_version(connection),
            wards={
                WardCode(r["code"]): WardRecord(WardCode(r["code"]), r["name"], r["province"])
                for r in connection.execute("SELECT * FROM wards")
            },
            gateways=_gateways(connection),
            edges=_edges(connection, vault),
            cameras=_cameras(connection),
            persons={
                r["id"]: PersonRecord(r["id"], WardCode(r["ward"]))
                for r in connection.execute("SELECT id, ward FROM persons")
            },
            orders=_orders(connection),
            bands=_bands(connection, vault),
        )
    finally:
        if not joins:
            connection.execute("COMMIT")


def _gateways(connection: Rows) -> dict[GatewayId, GatewayRecord]:
    wards: dict[str, set[WardCode]] = {}
    for r in connection.execute("SELECT gateway, ward FROM gateway_wards"):
        wards.setdefault(r["gateway"], set()).add(WardCode(r["ward"]))
    return {
        GatewayId(r["id"]): GatewayRecord(
            GatewayId(r["id"]), frozenset(wards.get(r["id"], ())), r["revoked_ms"] is not None
        )
        for r in connection.execute("SELECT * FROM gateways")
    }


def _edges(connection: Rows, vault: Vault) -> dict[EdgeId, EdgeRecord]:
    return {
        EdgeId(r["id"]): EdgeRecord(
            id=EdgeId(r["id"]),
            ward=WardCode(r["ward"]),
            gateway=GatewayId(r["gateway"]) if r["gateway"] else None,
            site=r["site"],
            keys=derive_edge_keys(vault.open_sealed(f"edge:{r['id']}", r["sealed_key"])),
            revoked=r["revoked_ms"] is not None,
        )
        for r in connection.execute("SELECT * FROM edges")
    }


def _cameras(connection: Rows) -> dict[tuple[EdgeId, str], CameraRecord]:
    return {
        (EdgeId(r["edge"]), r["camera"]): CameraRecord(
            EdgeId(r["edge"]), r["camera"], r["label"], r["door"], r["revoked_ms"] is not None
        )
        for r in connection.execute("SELECT * FROM cameras")
    }


def _orders(connection: Rows) -> dict[OrderId, OrderRecord]:
    return {
        OrderId(r["id"]): OrderRecord(
            id=OrderId(r["id"]),
            person=r["person"],
            ward=WardCode(r["ward"]),
            edge=EdgeId(r["edge"]) if r["edge"] else None,
            starts_at=from_ms(r["from_ms"]),
            until=from_ms(r["until_ms"]),
            ended_at=moment(r["ended_ms"]),
        )
        for r in connection.execute("SELECT o.*, p.ward FROM orders o JOIN persons p ON p.id = o.person")
    }


def _bands(connection: Rows, vault: Vault) -> dict[BandNumber, BandRecord]:
    query = (
        "SELECT b.number, b.sealed_key, b.revoked_ms, a.quarantine_order FROM bands b"
        " LEFT JOIN assignments a ON a.band = b.number AND a.until_ms IS NULL"
    )
    bands: dict[BandNumber, BandRecord] = {}
    for r in connection.execute(query):
        number, order = BandNumber(r["number"]), r["quarantine_order"]
        keys = derive_band_keys(vault.open_sealed(f"band:{number}", r["sealed_key"]), OrderId(order)) if order else None
        bands[number] = BandRecord(number, OrderId(order) if order else None, keys, r["revoked_ms"] is not None)
    return bands

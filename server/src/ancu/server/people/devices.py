"""Devices: bands, edges, gateways, cameras; who serves whom; which certificates the broker lets in."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from typing import Final, Literal

from ancu.models.clock import to_ms
from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode, band_name, check_id
from ancu.models.keys import BAND_KEY_BYTES, EDGE_KEY_BYTES, derive_band_keys
from ancu.server.adapters.pki import Issued
from ancu.server.people.errors import Absent, Exists, Revoked
from ancu.server.people.ledger import Ledger
from ancu.server.people.vault import Vault

__all__ = ["SERVER_ID", "Admitted", "DeviceKind", "Devices"]

DeviceKind = Literal["edge", "gateway", "server"]
SERVER_ID: Final = "server"  # the CN of the server's own client certificate
_TABLES: Final = {"edge": "edges", "gateway": "gateways"}


@dataclass(frozen=True, slots=True)
class Admitted:
    """One certificate that the broker lets in, and the wards whose topics it may use."""

    id: str
    kind: DeviceKind
    identity: str
    wards: tuple[WardCode, ...]


class Devices:
    """Provision, assign, rotate, revoke. A new key is returned once, to be written to the device."""

    def __init__(self, ledger: Ledger, vault: Vault) -> None:
        self._ledger, self._vault = ledger, vault
        self._connection = ledger.connection

    def add_gateway(self, gateway: GatewayId, wards: list[WardCode]) -> None:
        """Register a gateway for wards; raises Exists, Absent."""
        _not_reserved(gateway)
        self._absent_or_raise("gateway", gateway)
        with self._ledger.change("add_gateway", gateway, wards=[*wards]) as connection:
            connection.execute("INSERT INTO gateways (id, created_ms) VALUES (?, ?)", (gateway, self._ledger.now_ms()))
            for ward in dict.fromkeys(wards):
                self._ward(ward)
                connection.execute("INSERT INTO gateway_wards (gateway, ward) VALUES (?, ?)", (gateway, ward))

    def add_edge(
        self, edge: EdgeId, ward: WardCode, *, gateway: GatewayId | None = None, site: str | None = None
    ) -> bytes:
        """Register an edge and return its new key; `site` is a quarantine site's label. Raises Exists, Absent."""
        _not_reserved(edge)
        self._absent_or_raise("edge", edge)
        self._ward(ward)
        if gateway is not None:
            self._in_use("gateway", gateway)
        key = secrets.token_bytes(EDGE_KEY_BYTES)
        with self._ledger.change("add_edge", edge, ward=ward, gateway=gateway) as connection:
            connection.execute(
                "INSERT INTO edges (id, ward, gateway, site, sealed_key, created_ms) VALUES (?, ?, ?, ?, ?, ?)",
                (edge, ward, gateway, site, self._vault.seal(f"edge:{edge}", key), self._ledger.now_ms()),
            )
        return key

    def add_camera(self, edge: EdgeId, camera: str, label: str, door: str | None = None) -> None:
        """Register a camera of an edge; raises Exists, Absent, Revoked."""
        check_id("camera id", camera)
        self._in_use("edge", edge)
        with self._ledger.change("add_camera", f"{edge}/{camera}") as connection:
            try:
                connection.execute(
                    "INSERT INTO cameras (edge, camera, label, door, created_ms) VALUES (?, ?, ?, ?, ?)",
                    (edge, camera, label, door, self._ledger.now_ms()),
                )
            except sqlite3.IntegrityError:
                raise Exists("camera", f"{edge}/{camera}") from None

    def add_band(self, band: BandNumber, key: bytes | None = None) -> bytes:
        """Register a band and return its key: a new one, or the one that the depot wrote. Raises Exists."""
        key = key or secrets.token_bytes(BAND_KEY_BYTES)
        with self._ledger.change("add_band", band_name(band)) as connection:
            try:
                connection.execute(
                    "INSERT INTO bands (number, sealed_key, generation, created_ms) VALUES (?, ?, 1, ?)",
                    (band, self._vault.seal(f"band:{band}", key), self._ledger.now_ms()),
                )
            except sqlite3.IntegrityError:
                raise Exists("band", band_name(band)) from None
        return key

    def assign(self, band: BandNumber, order: OrderId) -> None:
        """Let a band serve an order from now on, and no other; its keys follow. Raises Absent, Revoked."""
        self._band(band)
        if self._connection.execute("SELECT 1 FROM orders WHERE id = ?", (order,)).fetchone() is None:
            raise Absent("order", order)
        now = self._ledger.now_ms()
        with self._ledger.change("assign", band_name(band), order=order) as connection:
            connection.execute(
                "UPDATE assignments SET until_ms = ? WHERE (band = ? OR quarantine_order = ?) AND until_ms IS NULL",
                (now, band, order),
            )
            connection.execute(
                "INSERT INTO assignments (band, quarantine_order, from_ms) VALUES (?, ?, ?)", (band, order, now)
            )

    def rotate_edge(self, edge: EdgeId) -> bytes:
        """Give an edge a new key; what it sealed with the old one is refused from now on. Raises Absent, Revoked."""
        self._in_use("edge", edge)
        key = secrets.token_bytes(EDGE_KEY_BYTES)
        with self._ledger.change("rotate_edge", edge) as connection:
            connection.execute(
                "UPDATE edges SET sealed_key = ? WHERE id = ?", (self._vault.seal(f"edge:{edge}", key), edge)
            )
        return key

    def rotate_band(self, band: BandNumber) -> bytes:
        """Give a band a new key, to be written at the depot. Raises Absent, Revoked."""
        self._band(band)
        key = secrets.token_bytes(BAND_KEY_BYTES)
        with self._ledger.change("rotate_band", band_name(band)) as connection:
            connection.execute(
                "UPDATE bands SET sealed_key = ?, generation = generation + 1 WHERE number = ?",
                (self._vault.seal(f"band:{band}", key), band),
            )
        return key

    def revoke_device(self, kind: Literal["edge", "gateway"], device: str) -> None:
        """Shut a device and its certificates out, for good. Raises Absent, Revoked."""
        self._in_use(kind, device)
        now = self._ledger.now_ms()
        with self._ledger.change(f"revoke_{kind}", device) as connection:
            connection.execute(f"UPDATE {_TABLES[kind]} SET revoked_ms = ? WHERE id = ?", (now, device))  # noqa: S608
            connection.execute(
                "UPDATE certificates SET revoked_ms = ? WHERE device = ? AND revoked_ms IS NULL", (now, device)
            )

    def revoke_band(self, band: BandNumber) -> None:
        """Believe a band no longer, for good. Raises Absent, Revoked."""
        self._band(band)
        with self._ledger.change("revoke_band", band_name(band)) as connection:
            connection.execute("UPDATE bands SET revoked_ms = ? WHERE number = ?", (self._ledger.now_ms(), band))

    def revoke_camera(self, edge: EdgeId, camera: str) -> None:
        """Believe a camera no longer. Raises Absent."""
        with self._ledger.change("revoke_camera", f"{edge}/{camera}") as connection:
            done = connection.execute(
                "UPDATE cameras SET revoked_ms = ? WHERE edge = ? AND camera = ? AND revoked_ms IS NULL",
                (self._ledger.now_ms(), edge, camera),
            )
            if not done.rowcount:
                raise Absent("camera", f"{edge}/{camera}")

    def band_key(self, band: BandNumber) -> bytes:
        """The band's own key, for the depot's writer and for simulated bands. Raises Absent, Revoked."""
        return self._vault.open_sealed(f"band:{band}", self._band(band)["sealed_key"])

    def identity_keys(self, edge: EdgeId) -> dict[BandNumber, bytes]:
        """What an edge needs to know the bands of its home or site by: identity keys, and no other."""
        rows = self._connection.execute(
            "SELECT b.number, b.sealed_key, o.id FROM assignments a JOIN bands b ON b.number = a.band"
            " JOIN orders o ON o.id = a.quarantine_order"
            " WHERE o.edge = ? AND a.until_ms IS NULL AND b.revoked_ms IS NULL ORDER BY b.number",
            (edge,),
        )
        return {
            BandNumber(row["number"]): derive_band_keys(
                self._vault.open_sealed(f"band:{row['number']}", row["sealed_key"]), OrderId(row["id"])
            ).identity
            for row in rows
        }

    def certify(self, kind: DeviceKind, issued: Issued) -> None:
        """Let the broker know a device by this certificate, and by no older one."""
        with self._ledger.change("certify", issued.name, serial=issued.serial) as connection:
            connection.execute(
                "UPDATE certificates SET revoked_ms = ? WHERE device = ? AND revoked_ms IS NULL",
                (self._ledger.now_ms(), issued.name),
            )
            connection.execute(
                "INSERT INTO certificates (serial, device, kind, identity, not_after_ms) VALUES (?, ?, ?, ?, ?)",
                (issued.serial, issued.name, kind, issued.identity, to_ms(issued.not_after)),
            )

    def admitted(self) -> list[Admitted]:
        """The certificates that the broker lets in, by device id."""
        rows = self._connection.execute(
            "SELECT device, kind, identity FROM certificates WHERE revoked_ms IS NULL ORDER BY device"
        ).fetchall()
        return [Admitted(r["device"], r["kind"], r["identity"], self._wards_of(r["kind"], r["device"])) for r in rows]

    def _wards_of(self, kind: DeviceKind, device: str) -> tuple[WardCode, ...]:
        query = {
            "edge": "SELECT ward FROM edges WHERE id = ?",
            "gateway": "SELECT ward FROM gateway_wards WHERE gateway = ? ORDER BY ward",
            "server": "SELECT code AS ward FROM wards WHERE ? = ''",
        }[kind]
        return tuple(WardCode(row["ward"]) for row in self._connection.execute(query, (device,)))

    def _band(self, band: BandNumber) -> sqlite3.Row:
        row: sqlite3.Row | None = self._connection.execute("SELECT * FROM bands WHERE number = ?", (band,)).fetchone()
        if row is None:
            raise Absent("band", band_name(band))
        if row["revoked_ms"] is not None:
            raise Revoked("band", band_name(band))
        return row

    def _in_use(self, kind: Literal["edge", "gateway"], device: str) -> None:
        row = self._connection.execute(
            f"SELECT revoked_ms FROM {_TABLES[kind]} WHERE id = ?",  # noqa: S608 - our own table names
            (device,),
        ).fetchone()
        if row is None:
            raise Absent(kind, device)
        if row["revoked_ms"] is not None:
            raise Revoked(kind, device)

    def _absent_or_raise(self, kind: Literal["edge", "gateway"], device: str) -> None:
        check_id(f"{kind} id", device)
        for other, table in _TABLES.items():  # an id is a certificate's name: one edge or one gateway has it
            if self._connection.execute(f"SELECT 1 FROM {table} WHERE id = ?", (device,)).fetchone():  # noqa: S608
                raise Exists(other, device)

    def _ward(self, ward: WardCode) -> None:
        if self._connection.execute("SELECT 1 FROM wards WHERE code = ?", (ward,)).fetchone() is None:
            raise Absent("ward", ward)


def _not_reserved(device: str) -> None:
    if device == SERVER_ID:
        raise Exists("device", device)

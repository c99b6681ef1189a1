"""Kits: a box, a band and their label; who gets them, and what is given in exchange for what."""

from __future__ import annotations

import re
import sqlite3
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from ancu.models.ids import BandNumber, EdgeId, OrderId, band_name, band_number, check_id
from ancu.server.people.devices import Devices
from ancu.server.people.errors import Absent, OrderRefused, Revoked
from ancu.server.people.ledger import Ledger

__all__ = ["Kits", "kit_text", "read_band", "read_kit"]

_BAND = re.compile(r"\b(?:wb-)?([0-9]{8,10})\b", re.IGNORECASE)
_EDGE = re.compile(r"\b([a-z][a-z0-9]*(?:-[a-z0-9]+)+)\b")


def kit_text(edge: str, band: str | None = None) -> str:
    """What the label's QR code says. It is no secret: it names devices, and opens nothing."""
    return f"ancu:kit?edge={edge}" + (f"&band={band}" if band else "")


def read_kit(text: str) -> tuple[EdgeId, BandNumber | None]:
    """What a label names, scanned or typed: the code's text, or the box's id and perhaps the band's name.

    Raises UsageError.
    """
    fields = parse_qs(urlsplit(text.strip()).query)
    if "edge" in fields:
        named, bands = fields["edge"][0], fields.get("band", [])
    else:
        typed = text.strip().lower()
        bands = [match[0] for match in _BAND.finditer(typed)]
        boxes = [match[1] for match in _EDGE.finditer(_BAND.sub(" ", typed))]
        named = boxes[0] if boxes else ""
    edge = EdgeId(check_id("box", named))
    return edge, read_band(bands[0]) if bands else None


def read_band(text: str) -> BandNumber:
    """The number of a band by its label: 'wb-00000042', or its digits alone. Raises UsageError."""
    fields = parse_qs(urlsplit(text.strip()).query)
    name = fields["band"][0] if "band" in fields else text.strip().lower()
    if name.isascii() and name.isdigit() and len(name) <= 10:
        name = f"wb-{name:>08}"
    return band_number(name)


class Kits:
    """Changes over one ledger; each is a transaction, or part of the one that is open."""

    def __init__(self, ledger: Ledger, devices: Devices) -> None:
        self._ledger, self._devices = ledger, devices
        self._connection = ledger.connection

    def spare(self, band: BandNumber, *, order: OrderId | None = None) -> None:
        """Raises Absent, Revoked, and OrderRefused for a band that serves another order in force."""
        row = self._connection.execute("SELECT revoked_ms FROM bands WHERE number = ?", (band,)).fetchone()
        if row is None:
            raise Absent("band", band_name(band))
        if row["revoked_ms"] is not None:
            raise Revoked("band", band_name(band))
        held = self.serves(band)
        if held is not None and held != order:
            raise OrderRefused(f"band {band_name(band)} serves another order")

    def serves(self, band: BandNumber) -> OrderId | None:
        """The order in force that a band serves."""
        row = self._connection.execute(
            "SELECT a.quarantine_order FROM assignments a JOIN orders o ON o.id = a.quarantine_order"
            " WHERE a.band = ? AND a.until_ms IS NULL AND o.ended_ms IS NULL AND o.until_ms > ?",
            (band, self._ledger.now_ms()),
        ).fetchone()
        return None if row is None else OrderId(row["quarantine_order"])

    def swap(
        self, old: BandNumber, new: BandNumber, order: OrderId, reason: Literal["battery", "broken", "strap", "lost"]
    ) -> None:
        """Let `new` serve the order that `old` served. A lost band is believed no longer. Raises as `spare`, Absent."""
        self.spare(new, order=order)
        if self.serves(old) != order:
            raise Absent("band in use", band_name(old))
        with self._ledger.together():
            with self._ledger.change("swap_band", band_name(old), new=band_name(new), order=order, reason=reason):
                pass
            self._devices.assign(new, order)
            if reason == "lost":
                self._devices.revoke_band(old)

    def hand_over(self, order: OrderId, edge: EdgeId, band: BandNumber | None) -> None:
        """Serve an order at a box of its ward, with a band if one is given. Raises Absent, Revoked, OrderRefused."""
        row = self._order(order)
        box = self._connection.execute("SELECT ward, revoked_ms FROM edges WHERE id = ?", (edge,)).fetchone()
        if box is None or box["ward"] != row["ward"]:
            raise Absent("edge", edge)
        if box["revoked_ms"] is not None:
            raise Revoked("edge", edge)
        if band is not None:
            self.spare(band, order=order)
        with self._ledger.together() as connection:
            with self._ledger.change("give_kit", edge, order=order, band=None if band is None else band_name(band)):
                connection.execute("UPDATE orders SET edge = ? WHERE id = ?", (edge, order))
            if band is not None:
                self._devices.assign(band, order)

    def has_band(self, order: OrderId) -> bool:
        query = "SELECT 1 FROM assignments WHERE quarantine_order = ? AND until_ms IS NULL"
        return self._connection.execute(query, (order,)).fetchone() is not None

    def neighbours(self, edge: EdgeId, order: OrderId | None = None) -> list[str]:
        """Persons whose open orders are served at a box, without one order's."""
        rows = self._connection.execute(
            "SELECT person FROM orders WHERE edge = ? AND ended_ms IS NULL AND until_ms > ? AND id <> ?",
            (edge, self._ledger.now_ms(), order or ""),
        )
        return [row["person"] for row in rows]

    def _order(self, order: OrderId) -> sqlite3.Row:
        row: sqlite3.Row | None = self._connection.execute(
            "SELECT o.*, p.ward FROM orders o JOIN persons p ON p.id = o.person WHERE o.id = ?", (order,)
        ).fetchone()
        if row is None:
            raise Absent("order", order)
        if row["ended_ms"] is not None:
            raise OrderRefused(f"order {order!r} has ended already")
        return row

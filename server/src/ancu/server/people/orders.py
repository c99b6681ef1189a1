"""Quarantine orders and the persons under them, by pseudonymous ids."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ancu.models.clock import to_ms
from ancu.models.ids import EdgeId, OrderId, WardCode, check_id
from ancu.server.people.errors import Absent, Exists, OrderRefused
from ancu.server.people.ledger import Ledger

__all__ = ["Contact", "NewPerson", "Orders", "new_id"]

_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"  # no 0/o, 1/l/i: ids are read out over the phone
_ID_CHARS = 10  # 49 bits: no two alike in a country, and nobody counts through them


@dataclass(frozen=True, slots=True)
class Contact:
    """Someone to call about a person."""

    name: str
    phone: str | None
    relation: str


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person as the order names them; goes to the private tables only."""

    ward: WardCode
    name: str
    phone: str | None = None
    address: str | None = None
    guardians: Sequence[Contact] = ()
    place: tuple[float, float] | None = None  # latitude and longitude of the home, in degrees


class Orders:
    """Adds persons; opens, extends and ends orders."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._connection = ledger.connection

    def add_person(self, person: NewPerson, id_: str | None = None) -> str:
        """Register a person and return the pseudonymous id; raises Absent, Exists, OrderRefused."""
        id_ = check_id("person id", id_ or new_id("p"))
        if not person.name.strip():
            raise OrderRefused("a person has a name")
        with self._ledger.change("add_person", id_, ward=person.ward) as connection:
            if connection.execute("SELECT 1 FROM wards WHERE code = ?", (person.ward,)).fetchone() is None:
                raise Absent("ward", person.ward)
            try:
                connection.execute(
                    "INSERT INTO persons (id, ward, created_ms) VALUES (?, ?, ?)",
                    (id_, person.ward, self._ledger.now_ms()),
                )
            except sqlite3.IntegrityError:
                raise Exists("person", id_) from None
            connection.execute(
                "INSERT INTO person_private (person, name, phone, address, lat, lon) VALUES (?, ?, ?, ?, ?, ?)",
                (id_, person.name, person.phone, person.address, *(person.place or (None, None))),
            )
            connection.executemany(
                "INSERT INTO guardians (person, position, name, phone, relation) VALUES (?, ?, ?, ?, ?)",
                [(id_, i, g.name, g.phone, g.relation) for i, g in enumerate(person.guardians)],
            )
        return id_

    def add(
        self,
        person: str,
        starts_at: datetime,
        until: datetime,
        *,
        edge: EdgeId | None = None,
        reason: str = "home_quarantine",
        id_: OrderId | None = None,
    ) -> OrderId:
        """Open an order; a person has one open order at most. Raises Absent, Exists, OrderRefused."""
        order = OrderId(check_id("order id", id_ or new_id("o")))
        if until <= starts_at:
            raise OrderRefused("an order ends after it starts")
        self._edge_fits(person, edge)
        with self._ledger.change("add_order", order, person=person, edge=edge) as connection:
            if self._is_taken(order):
                raise Exists("order", order)
            if self._open_order(person):
                raise OrderRefused(f"person {person!r} is under an order already; end or extend it")
            connection.execute(
                "INSERT INTO orders (id, person, edge, from_ms, until_ms, reason) VALUES (?, ?, ?, ?, ?, ?)",
                (order, person, edge, to_ms(starts_at), to_ms(until), reason),
            )
        return order

    def extend(self, order: OrderId, until: datetime) -> None:
        """Move an open order's end, later or earlier, but not before its start. Raises Absent, OrderRefused."""
        row = self._open(order)
        if to_ms(until) <= row["from_ms"]:
            raise OrderRefused("an order ends after it starts")
        with self._ledger.change("extend_order", order, until_ms=to_ms(until)) as connection:
            connection.execute("UPDATE orders SET until_ms = ? WHERE id = ?", (to_ms(until), order))

    def end(self, order: OrderId, reason: str, at: datetime | None = None) -> None:
        """End an order now, or at the time given. The band stays known until it serves another. Raises as above."""
        self._open(order)
        ended_ms = to_ms(at) if at else self._ledger.now_ms()
        with self._ledger.change("end_order", order, reason=reason) as connection:
            connection.execute("UPDATE orders SET ended_ms = ?, end_reason = ? WHERE id = ?", (ended_ms, reason, order))

    def transfer(self, order: OrderId, ward: WardCode, edge: EdgeId | None, address: str | None = None) -> None:
        """Move an open order to another ward, another home or both. Raises Absent, OrderRefused.

        Without an edge nothing is heard until the new home has its own. None leaves the address as it is. Where the old
        home was on the map is forgotten: the next one is elsewhere.
        """
        person = self._open(order)["person"]
        with self._ledger.change("transfer_order", order, ward=ward, edge=edge) as connection:
            if connection.execute("SELECT 1 FROM wards WHERE code = ?", (ward,)).fetchone() is None:
                raise Absent("ward", ward)
            connection.execute("UPDATE persons SET ward = ? WHERE id = ?", (ward, person))
            self._edge_fits(person, edge)
            connection.execute("UPDATE orders SET edge = ? WHERE id = ?", (edge, order))
            connection.execute("UPDATE person_private SET lat = NULL, lon = NULL WHERE person = ?", (person,))
            if address is not None:
                connection.execute("UPDATE person_private SET address = ? WHERE person = ?", (address, person))

    def _open(self, order: OrderId) -> sqlite3.Row:
        row: sqlite3.Row | None = self._connection.execute("SELECT * FROM orders WHERE id = ?", (order,)).fetchone()
        if row is None:
            raise Absent("order", order)
        if row["ended_ms"] is not None:
            raise OrderRefused(f"order {order!r} has ended already")
        return row

    def _open_order(self, person: str) -> bool:
        query = "SELECT 1 FROM orders WHERE person = ? AND ended_ms IS NULL"
        return self._connection.execute(query, (person,)).fetchone() is not None

    def _is_taken(self, order: OrderId) -> bool:
        return self._connection.execute("SELECT 1 FROM orders WHERE id = ?", (order,)).fetchone() is not None

    def _edge_fits(self, person: str, edge: EdgeId | None) -> None:
        row = self._connection.execute("SELECT ward FROM persons WHERE id = ?", (person,)).fetchone()
        if row is None:
            raise Absent("person", person)
        if edge is None:
            return
        box = self._connection.execute("SELECT ward, revoked_ms FROM edges WHERE id = ?", (edge,)).fetchone()
        if box is None or box["revoked_ms"] is not None:
            raise Absent("edge in use", edge)
        if box["ward"] != row["ward"]:
            raise OrderRefused(f"edge {edge!r} is in ward {box['ward']!r}, the person in {row['ward']!r}")


def new_id(prefix: str) -> str:
    """A random id such as 'p-7h3kq9x2mb'."""
    return f"{prefix}-" + "".join(secrets.choice(_ALPHABET) for _ in range(_ID_CHARS))

"""Quarantine sites: the label that edges of a ward carry makes them one; beds and head counts hang on the site's id."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ancu.models.ids import EdgeId, WardCode
from ancu.server.people.errors import Exists
from ancu.server.people.ledger import Ledger
from ancu.server.people.records import OrderRecord, Snapshot

__all__ = ["Counted", "Site", "assign_bed", "beds_of", "count_people", "counted", "note_count", "site_id", "sites_of"]


@dataclass(frozen=True, slots=True)
class Site:
    id: str
    ward: WardCode
    label: str
    edges: frozenset[EdgeId]

    def serves(self, order: OrderRecord) -> bool:
        return order.edge in self.edges


@dataclass(frozen=True, slots=True)
class Counted:
    """The last head count, and what went through the doors since."""

    people: int
    at_ms: int
    entries: int
    exits: int

    @property
    def now(self) -> int:
        return max(0, self.people + self.entries - self.exits)


def site_id(ward: str, label: str) -> str:
    return "s-" + hashlib.sha256(f"{ward}\0{label}".encode()).hexdigest()[:10]


def sites_of(register: Snapshot) -> dict[str, Site]:
    """Every site by its id."""
    edges: dict[tuple[WardCode, str], set[EdgeId]] = {}
    for edge in register.edges.values():
        if edge.site and not edge.revoked:
            edges.setdefault((edge.ward, edge.site), set()).add(edge.id)
    found = (Site(site_id(ward, label), ward, label, frozenset(ids)) for (ward, label), ids in edges.items())
    return {site.id: site for site in sorted(found, key=lambda site: (site.ward, site.label))}


def beds_of(connection: sqlite3.Connection, site: str) -> Mapping[str, str]:
    """Persons by bed."""
    rows = connection.execute("SELECT bed, person FROM bed_stays WHERE site = ? AND until_ms IS NULL", (site,))
    return {row["bed"]: row["person"] for row in rows}


def assign_bed(ledger: Ledger, site: str, person: str, bed: str | None) -> None:
    """Move a person to a bed, or (None) out of his. Raises Exists for a bed that another one has."""
    held = beds_of(ledger.connection, site)
    if bed is not None and held.get(bed, person) != person:
        raise Exists("stay in bed", bed)
    if bed is not None and held.get(bed) == person:
        return
    now = ledger.now_ms()
    with ledger.change("assign_bed", person, site=site, bed=bed) as db:
        db.execute("UPDATE bed_stays SET until_ms = ? WHERE person = ? AND until_ms IS NULL", (now, person))
        if bed is not None:
            db.execute(
                "INSERT INTO bed_stays (site, bed, person, from_ms, by) VALUES (?, ?, ?, ?, ?)",
                (site, bed, person, now, ledger.actor),
            )


def note_count(ledger: Ledger, site: str, people: int) -> None:
    """So many were counted by hand."""
    with ledger.change("count_site", site, people=people) as db:
        db.execute(
            "INSERT OR REPLACE INTO site_counts (site, at_ms, by, people) VALUES (?, ?, ?, ?)",
            (site, ledger.now_ms(), ledger.actor, people),
        )


def counted(connection: sqlite3.Connection, site: Site) -> Counted | None:
    row = connection.execute(
        "SELECT people, at_ms FROM site_counts WHERE site = ? ORDER BY at_ms DESC LIMIT 1", (site.id,)
    ).fetchone()
    if row is None:
        return None
    passed = count_people(connection, site.edges, row["at_ms"])
    return Counted(row["people"], row["at_ms"], passed["in"], passed["out"])


def count_people(connection: sqlite3.Connection, edges: Iterable[EdgeId], since_ms: int) -> dict[str, int]:
    """Crossings in and out since a time."""
    ids = sorted(edges)
    query = (
        f"SELECT direction, count(*) AS n FROM crossings WHERE edge IN ({', '.join('?' * len(ids))}) AND at_ms > ?"  # noqa: S608 - our own marks
        " GROUP BY direction"
    )
    found = {row["direction"]: row["n"] for row in connection.execute(query, (*ids, since_ms))}
    return {"in": found.get("in", 0), "out": found.get("out", 0)}

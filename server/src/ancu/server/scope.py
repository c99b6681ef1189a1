"""The only place where a viewer's role and wards turn into what he may read, as SQL and as a question in memory.

Whoever answers a viewer reads a view of his scope, never a table: `f"SELECT * FROM {scope.view('asks')} WHERE ..."`
with `scope.values` bound. A view holds the rows of his wards, or of himself, and nothing else; so a query that forgets
who asks cannot be written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ancu.server.cases.codes import CONCERN_OF, Concern, Kind
from ancu.server.ports import Role, Viewer

__all__ = ["CLINICAL", "EVERYTHING", "VIEWS", "Scope", "role_sees_kind", "sees", "sees_kind"]

CLINICAL: Final = tuple(str(kind) for kind in Kind if CONCERN_OF[kind] is Concern.HEALTH)


@dataclass(frozen=True, slots=True)
class _View:
    """Rows of a table and the expressions that say whose they are; without `person` a citizen sees none."""

    rows: str
    ward: str
    person: str | None = None
    kind: str | None = None


def _of_person(table: str) -> _View:
    return _View(f"SELECT t.*, p.ward FROM {table} t JOIN persons p ON p.id = t.person", "p.ward", "t.person")  # noqa: S608 - our own words


def _of_edge(table: str) -> _View:
    return _View(f"SELECT t.*, e.ward FROM {table} t JOIN edges e ON e.id = t.edge", "e.ward")  # noqa: S608 - our own words


VIEWS: Final = {
    "alerts": _View("SELECT * FROM alerts", "ward", "person", "kind"),
    "handovers": _View("SELECT * FROM handovers", "ward"),
    "orders": _View(
        "SELECT o.*, p.ward, v.name, v.phone, v.address, w.name AS ward_name, w.province FROM orders o"
        " JOIN persons p ON p.id = o.person JOIN wards w ON w.code = p.ward"
        " LEFT JOIN person_private v ON v.person = o.person",
        "p.ward",
        "o.person",
    ),
    "person_private": _View(
        "SELECT v.*, p.ward, w.name AS ward_name FROM person_private v JOIN persons p ON p.id = v.person"
        " JOIN wards w ON w.code = p.ward",
        "p.ward",
        "v.person",
    ),
    "assignments": _View(
        "SELECT t.*, o.person, p.ward FROM assignments t JOIN orders o ON o.id = t.quarantine_order"
        " JOIN persons p ON p.id = o.person",
        "p.ward",
        "o.person",
    ),
    **{
        table: _of_person(table)
        for table in (
            "absences",
            "accesses",
            "asks",
            "checkins",
            "checkpoint_scans",
            "declarations",
            "guardians",
            "test_results",
            "vaccinations",
            "visits",
        )
    },
    **{table: _of_edge(table) for table in ("camera_stills", "crossings")},
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What decides which rows are a viewer's: viewers of one scope see the same."""

    wards: frozenset[str] | None = None  # None: all
    person: str | None = None  # of a citizen: only what is about him
    hidden: frozenset[str] = frozenset()  # kinds of alerts

    @classmethod
    def of(cls, viewer: Viewer) -> Scope:
        if viewer.role is Role.CITIZEN:
            return cls(frozenset(), viewer.person)
        return cls(viewer.wards, None, frozenset(kind for kind in CLINICAL if not role_sees_kind(viewer.role, kind)))

    def has(self, ward: str, person: str | None = None, kind: str | None = None) -> bool:
        """Whether something of a ward, perhaps of a person and of a kind of alert, is in it."""
        if self.person is not None:
            return person == self.person
        return (self.wards is None or ward in self.wards) and kind not in self.hidden

    def view(self, name: str) -> str:
        """The rows of a table that are in it, for the FROM of a query that binds `values`."""
        view = VIEWS[name]
        where = ["0" if view.person is None else f"{view.person} = :scope_person"]
        if self.person is None:
            where = [_among(view.ward, "scope_ward", self.wards)]
            if view.kind is not None and self.hidden:
                where.append(f"NOT {_among(view.kind, 'scope_kind', self.hidden)}")
        return f"({view.rows} WHERE {' AND '.join(where)})"

    @property
    def values(self) -> dict[str, Any]:
        """What its views bind, by name."""
        return {
            "scope_person": self.person,
            **{f"scope_ward{n}": ward for n, ward in enumerate(sorted(self.wards or ()))},
            **{f"scope_kind{n}": kind for n, kind in enumerate(sorted(self.hidden))},
        }


EVERYTHING: Final = Scope()
"""The server's own eyes: for what is handed on through a scope after it was read, never straight to a viewer."""


def sees(viewer: Viewer, ward: str, person: str | None) -> bool:
    """Whether something of a ward and perhaps a person is the viewer's to see."""
    return Scope.of(viewer).has(ward, person)


def sees_kind(viewer: Viewer, kind: str) -> bool:
    """Health alerts are for the health worker and the person, never for whoever enforces an order."""
    return role_sees_kind(viewer.role, kind)


def role_sees_kind(role: Role, kind: str) -> bool:
    return kind not in CLINICAL or role not in {Role.OFFICER, Role.SITE}


def _among(column: str, name: str, values: frozenset[str] | None) -> str:
    """A condition; None: any. Nothing is among nothing."""
    if values is None:
        return "1"
    return f"{column} IN ({', '.join(f':{name}{n}' for n in range(len(values)))})"

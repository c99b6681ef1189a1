"""What a viewer may read is decided in one module: who answers viewers names no table of people or wards."""

from __future__ import annotations

import ast
import re
import sqlite3
from pathlib import Path

import pytest

from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.ports import Role, Viewer
from ancu.server.scope import EVERYTHING, VIEWS, Scope

SERVER = Path(__file__).parents[2] / "server" / "src" / "ancu" / "server"
LAYER = SERVER / "scope.py"
OF_SOMEBODY = {"person", "ward", "edge", "band", "quarantine_order", "alert"}  # columns that say whose a row is
NO_ANSWERS = ("bench", "cli", "demo")  # folders of the operator's own tools: they answer no viewer
MAKES_VIEWERS = {"web/accounts_sqlite.py"}  # says who somebody is, by his session: before there is a viewer
KNOWS_ALL = {  # modules that may use EVERYTHING, and why
    "scope.py": "defines it",
    "people/register.py": "the operator's own tools",
    "notify/reminders.py": "the server itself writes to a person's telephone",
    "desk/rows.py": "the label of an alert that was read within a scope",
    "desk/alerts.py": "changes are read once and handed on through each stream's scope",
    "desk/orders.py": "who moved an order away is told once how he left it",
}


def modules() -> list[Path]:
    return [path for path in sorted(SERVER.rglob("*.py")) if path.relative_to(SERVER).parts[0] not in NO_ANSWERS]


def name_of(path: Path) -> str:
    return path.relative_to(SERVER).as_posix()


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """Of the newest schema, those whose rows are somebody's: a new one is found by itself."""
    connection = connect(tmp_path_factory.mktemp("schema") / "ancu.sqlite")
    migrate(connection)
    found = connection.execute(
        "SELECT t.name AS name, c.name AS part FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'"
    ).fetchall()
    connection.close()
    return frozenset({row["name"] for row in found if row["part"] in OF_SOMEBODY} | {"persons"})


def knows_viewers(tree: ast.AST) -> bool:
    """Whether a module takes the word of a viewer or of his scope."""
    return any(
        isinstance(node, ast.ImportFrom) and any(each.name in {"Viewer", "Scope"} for each in node.names)
        for node in ast.walk(tree)
    )


def named(tree: ast.AST, tables: frozenset[str]) -> set[str]:
    """The tables that a module's queries read or change; adding a row is not reading one."""
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    found = {name for text in texts for name in re.findall(r"\b(?:FROM|JOIN|UPDATE)\s+(\w+)", text)}
    return found & tables


def wards_read(tree: ast.AST) -> list[int]:
    """Lines that take the wards of a viewer."""
    return sorted(
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr == "wards"
        and (
            (isinstance(node.value, ast.Name) and node.value.id == "viewer")
            or (isinstance(node.value, ast.Attribute) and node.value.attr == "viewer")
        )
    )


def breaks_the_rule(text: str, tables: frozenset[str]) -> set[str]:
    tree = ast.parse(text)
    return named(tree, tables) if knows_viewers(tree) else set()


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_who_answers_viewers_reads_views_of_their_scope_and_no_table(path: Path, tables: frozenset[str]):
    if path != LAYER and name_of(path) not in MAKES_VIEWERS:
        assert breaks_the_rule(path.read_text("utf-8"), tables) == set()


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_viewers_wards_are_read_in_one_module(path: Path):
    shown = {"web/api/me.py"}  # tells the viewer himself which they are
    if path != LAYER and name_of(path) not in shown:
        assert wards_read(ast.parse(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_the_servers_own_eyes_are_used_where_it_is_said_why(path: Path):
    uses = any(isinstance(n, ast.Name) and n.id == "EVERYTHING" for n in ast.walk(ast.parse(path.read_text("utf-8"))))
    assert not uses or name_of(path) in KNOWS_ALL


@pytest.mark.parametrize(
    "bad",
    [
        'query = "SELECT * FROM asks WHERE id = ?"',
        'query = f"SELECT v.name FROM {x} a JOIN person_private v ON v.person = a.person"',
        'db.execute("UPDATE absences SET ended_ms = ? WHERE id = ?")',
        'db.execute("DELETE FROM visits WHERE id = ?")',
    ],
)
def test_a_query_beside_the_layer_is_found(bad: str, tables: frozenset[str]):
    assert breaks_the_rule(f"from ancu.server.ports import Viewer\n{bad}", tables)
    assert breaks_the_rule(f"from ancu.server.scope import Scope\n{bad}", tables)


def test_wards_read_beside_the_layer_are_found():
    assert wards_read(ast.parse("x = sorted(viewer.wards)\ny = session.viewer.wards")) == [1, 2]


def test_tables_of_people_are_known_by_their_columns(tables: frozenset[str]):
    assert {"persons", "person_private", "asks", "visits", "alerts", "crossings", "history_held"} <= tables


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    """A person with one row of everything that has a view, in ward A and in ward B."""
    connection = connect(tmp_path_factory.mktemp("scoped") / "ancu.sqlite")
    migrate(connection)
    connection.execute("PRAGMA foreign_keys=OFF")
    for ward in "ab":
        connection.execute("INSERT INTO wards VALUES (?, ?, '79')", (ward, f"Phường {ward}"))
        connection.execute("INSERT INTO persons VALUES (?, ?, 0)", (f"p-{ward}", ward))
        connection.execute("INSERT INTO edges VALUES (?, ?, NULL, NULL, x'', 0, NULL)", (f"e-{ward}", ward))
        connection.execute("INSERT INTO orders VALUES (?, ?, NULL, 0, 1, 'x', NULL, NULL)", (f"o-{ward}", f"p-{ward}"))
        for table in VIEWS:
            if table != "orders":
                _one_row(connection, table, ward)
    return connection


def _one_row(connection: sqlite3.Connection, table: str, ward: str) -> None:
    own = {
        "person": f"p-{ward}",
        "ward": ward,
        "edge": f"e-{ward}",
        "quarantine_order": f"o-{ward}",
        "kind": "sos",
        "direction": "in",
    }
    columns = connection.execute(f"SELECT * FROM pragma_table_info('{table}')").fetchall()  # noqa: S608
    values = {
        c["name"]: own.get(c["name"], f"{ward}1" if c["pk"] or c["type"] == "TEXT" else {"a": 1, "b": 2}[ward])
        for c in columns
    }
    if "until_ms" in values:
        values["until_ms"] = 3
    marks = ", ".join(f":{name}" for name in values)
    connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", values)  # noqa: S608


def seen(store: sqlite3.Connection, scope: Scope, view: str) -> list[str]:
    return [row["ward"] for row in store.execute(f"SELECT ward FROM {scope.view(view)} ORDER BY 1", scope.values)]  # noqa: S608


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_holds_ones_own_wards_and_nothing_else(store: sqlite3.Connection, view: str):
    assert seen(store, EVERYTHING, view) == ["a", "b"]
    assert seen(store, Scope.of(Viewer("u", Role.PROVINCE, None)), view) == ["a", "b"]
    assert seen(store, Scope.of(Viewer("u", Role.OFFICER, frozenset({"a"}))), view) == ["a"]
    assert seen(store, Scope.of(Viewer("u", Role.OFFICER, frozenset({"a", "b", "c"}))), view) == ["a", "b"]
    assert seen(store, Scope.of(Viewer("u", Role.OFFICER, frozenset())), view) == []
    of_a_person = VIEWS[view].person is not None
    citizen = Scope.of(Viewer("p-a", Role.CITIZEN, frozenset({"a"}), "p-a"))
    assert seen(store, citizen, view) == (["a"] if of_a_person else [])
    assert seen(store, Scope.of(Viewer("p-z", Role.CITIZEN, frozenset({"a"}), None)), view) == []


def test_health_alerts_are_hidden_from_who_enforces(store: sqlite3.Connection):
    store.execute("UPDATE alerts SET kind = 'fever' WHERE ward = 'a'")
    try:
        wards = frozenset({"a", "b"})
        assert seen(store, Scope.of(Viewer("u", Role.OFFICER, wards)), "alerts") == ["b"]
        assert seen(store, Scope.of(Viewer("u", Role.HEALTH, wards)), "alerts") == ["a", "b"]
    finally:
        store.execute("UPDATE alerts SET kind = 'sos'")

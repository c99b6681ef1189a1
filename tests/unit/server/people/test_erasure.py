"""Erasure: a table that could lead to a person is erased from, or is named with the reason why it stays."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from ancu.models.clock import to_ms
from ancu.models.ids import BandNumber
from ancu.server.people.erasure import KEPT, THROUGH, erase, erased_tables
from ancu.server.people.register import Register

from .conftest import PERSON, START, UNTIL, WARD, FakeClock

LEADS = {"person", "band", "quarantine_order", "asker", "subject", "alert", "checkin", "serves", "readings", "body"}
NOBODYS = {  # tables with a column of such a name that leads to nobody
    "aside": "beginnings of bodies that could not be read, capped; they are sealed by their edge",
    "camera_drawings": "doors and zones",
    "site_plans": "rooms and beds",
    "erasures": "'person' or an officer's id",
    "login_identities": "an officer's name at his province's provider",
    "persons": "the random id itself",
}
ORDERS = {"erased": "o-1", "other": "o-2"}


def unknown_tables(connection: sqlite3.Connection) -> set[str]:
    """Tables that may lead to a person and that erasure says nothing of."""
    rows = connection.execute(
        "SELECT t.name AS name, c.name AS part FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'"
    )
    leading = {row["name"] for row in rows if row["part"] in LEADS}
    return leading - {name for name, _ in erased_tables(connection)} - set(THROUGH) - set(KEPT) - set(NOBODYS)


def test_every_table_that_may_lead_to_a_person_is_erased_from_or_kept_with_a_reason(register: Register):
    assert unknown_tables(register.connection) == set()


def test_a_table_that_nobody_thought_of_is_found(register: Register):
    register.connection.execute("CREATE TABLE steps_of_bands (band INTEGER, steps INTEGER)")
    assert unknown_tables(register.connection) == {"steps_of_bands"}
    register.connection.execute("CREATE TABLE dreams (person TEXT, dream TEXT)")  # without a foreign key
    assert unknown_tables(register.connection) == {"steps_of_bands", "dreams"}


def test_what_is_named_is_there(register: Register):
    known = {row["name"] for row in register.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert set(KEPT) | set(THROUGH) | set(NOBODYS) <= known


def two_people_one_band_after_the_other(register: Register, clock: FakeClock) -> dict[str, str]:
    register.devices.add_band(BandNumber(7))
    people = {}
    for who, order in ORDERS.items():
        people[who] = register.orders.add_person(PERSON)
        register.orders.add(people[who], clock.now(), clock.now() + (UNTIL - START), id_=order)
        register.devices.assign(BandNumber(7), order)
        note_what_the_band_told(register.connection, order, to_ms(clock.now() + timedelta(days=1)))
        register.connection.execute(
            "INSERT INTO visits VALUES (?, ?, 'visit', 0, 0, 'u', 1, 'well', 'x')", (f"v-{order}", people[who])
        )
        clock.advance(days=20)
        register.orders.end(order, "completed")
    return people


def note_what_the_band_told(db: sqlite3.Connection, order: str, ms: int) -> None:
    log = f"{order}/0a1b2c3d4e5f"  # a log is named by its order and its key
    db.execute("INSERT INTO history_held VALUES (7, ?, 3, x'00', 1)", (log,))
    db.execute("INSERT INTO history_clocks VALUES (7, ?, 1, 5, ?)", (log, ms // 1000))
    db.execute("INSERT INTO history_undated VALUES (7, ?, 2, 4, 6, x'00')", (log,))
    db.execute("INSERT INTO history_faults VALUES (NULL, ?, 'home-001', 7, ?, 9, 'gap')", (ms, log))
    db.execute("INSERT INTO challenges VALUES (?, 7, ?, 'home-001', x'00', 0, ?, ?, NULL, NULL)", (log, order, ms, ms))
    db.execute("INSERT INTO band_clocks VALUES (7, 1, ?, ?, 0)", (ms, ms))


def test_what_a_band_told_under_the_order_goes_too_and_the_next_wearers_stays(register: Register, clock: FakeClock):
    people = two_people_one_band_after_the_other(register, clock)
    erase(register.ledger, people["erased"], asker="person")
    db = register.connection
    for table in (*THROUGH, "visits"):
        if table != "checkin_answers":
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 1, table  # noqa: S608 - our own words
    left = {row[0] for row in db.execute("SELECT quarantine_order FROM history_held")}
    assert left == {f"{ORDERS['other']}/0a1b2c3d4e5f"}
    assert db.execute("SELECT person FROM visits").fetchone()[0] == people["other"]
    erase(register.ledger, people["other"], asker="person")
    for table in THROUGH:
        assert db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0, table  # noqa: S608 - our own words
    assert WARD in {row["ward"] for row in db.execute("SELECT ward FROM persons")}  # ids without a name stay

from __future__ import annotations

from datetime import timedelta

import pytest

from ancu.models.ids import EdgeId, OrderId, WardCode
from ancu.server.people.errors import Absent, Exists, OrderRefused
from ancu.server.people.orders import NewPerson, new_id
from ancu.server.people.register import Register

from .conftest import EDGE, OTHER, PERSON, START, UNTIL, FakeClock


def test_an_order_is_in_the_snapshot_by_ids_alone(register: Register) -> None:
    person = register.orders.add_person(PERSON)
    order = register.orders.add(person, START, UNTIL, edge=EDGE)
    snapshot = register.snapshot()
    record = snapshot.orders[order]
    assert (record.person, record.edge, record.starts_at, record.until, record.ended_at) == (
        person,
        EDGE,
        START,
        UNTIL,
        None,
    )
    assert PERSON.name not in repr(snapshot)
    assert "Nhà mẫu" not in repr(snapshot)


def test_an_order_is_in_force_from_its_start_to_its_end_and_not_a_moment_longer(
    register: Register, clock: FakeClock
) -> None:
    order = register.orders.add(register.orders.add_person(PERSON), START, UNTIL)
    record = register.snapshot().orders[order]
    assert [record.in_force(at) for at in (START - timedelta(milliseconds=1), START, UNTIL)] == [False, True, False]
    clock.advance(days=3)
    register.orders.end(order, "negative_test")
    record = register.snapshot().orders[order]
    assert record.ended_at == START + timedelta(days=3)
    assert not record.in_force(record.ended_at)


def test_a_person_is_under_one_order_at_a_time(register: Register) -> None:
    person = register.orders.add_person(PERSON)
    first = register.orders.add(person, START, UNTIL)
    with pytest.raises(OrderRefused, match="already"):
        register.orders.add(person, START, UNTIL)
    register.orders.end(first, "completed")
    assert register.orders.add(person, START, UNTIL) != first


def test_an_order_can_be_extended_while_it_is_open(register: Register) -> None:
    order = register.orders.add(register.orders.add_person(PERSON), START, UNTIL)
    register.orders.extend(order, UNTIL + timedelta(days=7))
    assert register.snapshot().orders[order].until == UNTIL + timedelta(days=7)
    with pytest.raises(OrderRefused):
        register.orders.extend(order, START)
    register.orders.end(order, "completed")
    for change in (lambda: register.orders.extend(order, UNTIL), lambda: register.orders.end(order, "again")):
        with pytest.raises(OrderRefused, match="ended already"):
            change()


def test_what_does_not_exist_is_said(register: Register) -> None:
    with pytest.raises(Absent, match="ward"):
        register.orders.add_person(NewPerson(WardCode("w-none"), "A"))
    with pytest.raises(Absent, match="person"):
        register.orders.add("p-none", START, UNTIL)
    with pytest.raises(Absent, match="edge"):
        register.orders.add(register.orders.add_person(PERSON), START, UNTIL, edge=EdgeId("home-999"))
    with pytest.raises(Absent, match="order"):
        register.orders.end(OrderId("o-none"), "x")


def test_a_refused_change_leaves_neither_a_row_nor_a_line_in_the_log(register: Register) -> None:
    before = (register.version(), len(register.ledger.entries()))
    with pytest.raises(Absent):
        register.orders.add_person(NewPerson(WardCode("w-none"), "A"), "p-one")
    with pytest.raises(OrderRefused):
        register.orders.add_person(NewPerson(OTHER, "  "))
    assert (register.version(), len(register.ledger.entries())) == before
    assert "p-one" not in register.snapshot().persons


def test_the_edge_of_an_order_is_in_the_persons_ward(register: Register) -> None:
    person = register.orders.add_person(NewPerson(OTHER, "Lê Thị Thử"))
    with pytest.raises(OrderRefused, match="ward"):
        register.orders.add(person, START, UNTIL, edge=EDGE)


def test_ids_are_not_given_twice(register: Register) -> None:
    person = register.orders.add_person(PERSON, "p-one")
    with pytest.raises(Exists):
        register.orders.add_person(PERSON, "p-one")
    register.orders.add(person, START, UNTIL, id_=OrderId("o-one"))
    other = register.orders.add_person(PERSON)
    with pytest.raises(Exists):
        register.orders.add(other, START, UNTIL, id_=OrderId("o-one"))


def test_ids_can_be_read_out_and_not_counted_through() -> None:
    ids = {new_id("p") for _ in range(200)}
    assert len(ids) == 200
    assert all(len(each) == 12 and not set(each[2:]) & set("01oil") for each in ids)


def test_names_are_given_one_by_one_and_the_person_is_first_to_call(register: Register) -> None:
    person = register.orders.add_person(PERSON)
    assert register.private.label(person) == "Nguyễn Văn Mẫu · Phường Hoa Sen"
    assert register.private.address(person) == "Nhà mẫu số 1"
    assert [(call.name, call.relation) for call in register.private.calls(person)] == [
        ("Nguyễn Văn Mẫu", "self"),
        ("Trần Thị Ví Dụ", "mother"),
    ]
    with pytest.raises(Absent):
        register.private.label("p-none")

from __future__ import annotations

import pytest

from ancu.server.people.register import Register

from .conftest import EDGE, PERSON, START, UNTIL


def test_every_change_names_who_did_what_to_which_id_and_when(register: Register) -> None:
    person = register.orders.add_person(PERSON)
    order = register.orders.add(person, START, UNTIL, edge=EDGE)
    last = register.ledger.entries(after=len(register.ledger.entries()) - 1)[0]
    assert (last.at, last.actor, last.action, last.subject) == (START, "u-test", "add_order", order)
    assert last.detail == {"person": person, "edge": EDGE}


def test_no_name_phone_or_address_is_in_the_log(register: Register) -> None:
    register.orders.add_person(PERSON)
    logged = repr(register.ledger.entries())
    for private in (PERSON.name, PERSON.phone, PERSON.address, PERSON.guardians[0].name):
        assert str(private) not in logged


@pytest.mark.parametrize(
    ("change", "found_at"),
    [
        ("UPDATE admin_log SET actor = 'u-other' WHERE position = 2", 2),
        ("UPDATE admin_log SET at_ms = at_ms + 1 WHERE position = 3", 3),
        ("UPDATE admin_log SET detail = '{}' WHERE position = 3", 3),
        ("DELETE FROM admin_log WHERE position = 1", 1),
        ("DELETE FROM admin_log WHERE position = 3", 3),
        ("UPDATE admin_log SET position = 99 WHERE position = 2", 2),
        ("UPDATE admin_log SET hash = prev_hash WHERE position = 4", 4),
    ],
)
def test_a_change_of_the_log_is_found(register: Register, change: str, found_at: int) -> None:
    assert register.ledger.verify() is None
    register.connection.execute(change)
    assert register.ledger.verify() == found_at


def test_changes_made_together_are_made_or_not_made_together(register: Register) -> None:
    def add_two_and_fail() -> None:
        with register.ledger.together():
            register.orders.add_person(PERSON, "p-one")
            register.orders.add_person(PERSON, "p-two")
            raise ZeroDivisionError

    before = len(register.ledger.entries())
    with pytest.raises(ZeroDivisionError):
        add_two_and_fail()
    assert len(register.ledger.entries()) == before
    assert register.snapshot().persons == {}
    with register.ledger.together():
        register.orders.add_person(PERSON, "p-one")
    assert set(register.snapshot().persons) == {"p-one"}
    assert register.ledger.verify() is None

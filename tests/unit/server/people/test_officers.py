from __future__ import annotations

import threading

import argon2
import pytest

from ancu.models.errors import UsageError
from ancu.models.ids import WardCode
from ancu.server.people.errors import Absent, Exists, LoginRefused
from ancu.server.people.officers import ATTEMPTS, WINDOW_S
from ancu.server.people.passwords import MOST_CHARS, Passwords, make_password
from ancu.server.people.register import Register
from ancu.server.ports import Role

from .conftest import OTHER, PERSON, WARD, FakeClock

PASSWORD = "correct horse battery"


def refusal(register: Register, login: str, password: str) -> LoginRefused:
    with pytest.raises(LoginRefused) as refused:
        register.officers.log_in(login, password)
    return refused.value


@pytest.fixture
def lan(register: Register) -> str:
    return register.officers.add("lan", "Cán bộ Lan", Role.OFFICER, [WARD, OTHER], password=PASSWORD)


def test_an_officer_logs_in_and_has_his_wards(register: Register, lan: str) -> None:
    for login in ("lan", " LAN "):
        officer = register.officers.log_in(login, PASSWORD)
        assert (officer.id, officer.role, officer.wards) == (lan, Role.OFFICER, {WARD, OTHER})
    assert register.officers.get(lan).login == "lan"


@pytest.mark.usefixtures("lan")
def test_a_wrong_password_and_an_unknown_login_answer_alike(register: Register) -> None:
    assert refusal(register, "lan", "wrong password").reason == "wrong"
    assert refusal(register, "nobody", PASSWORD).reason == "wrong"
    assert str(refusal(register, "nobody", "x" * (MOST_CHARS + 1))) == "login refused"


@pytest.mark.usefixtures("lan")
def test_five_failures_in_half_an_hour_shut_a_login_until_the_oldest_is_over(
    register: Register, clock: FakeClock
) -> None:
    for _ in range(ATTEMPTS):
        assert refusal(register, "lan", "wrong password").reason == "wrong"
        clock.advance(minutes=1)
    shut = refusal(register, "lan", PASSWORD)
    assert (shut.reason, shut.retry_after_s) == ("too_many", WINDOW_S - ATTEMPTS * 60)
    clock.advance(seconds=shut.retry_after_s)
    assert register.officers.log_in("lan", PASSWORD).login == "lan"


@pytest.mark.usefixtures("lan")
def test_a_success_forgets_the_failures_before_it(register: Register) -> None:
    for _ in range(3):
        for _ in range(ATTEMPTS - 1):
            refusal(register, "lan", "wrong password")
        register.officers.log_in("lan", PASSWORD)


@pytest.mark.usefixtures("lan")
def test_failures_of_one_login_do_not_shut_another(register: Register) -> None:
    for _ in range(ATTEMPTS):
        refusal(register, "nobody", "x")
    assert refusal(register, "nobody", "x").reason == "too_many"
    register.officers.log_in("lan", PASSWORD)


def test_a_disabled_officer_is_refused(register: Register, lan: str) -> None:
    register.officers.disable("lan")
    assert refusal(register, "lan", PASSWORD).reason == "disabled"
    assert register.officers.get(lan).disabled_at is not None
    with pytest.raises(Absent):
        register.officers.disable("nobody")


def test_a_role_that_sees_all_has_no_wards_and_the_others_have_some(register: Register) -> None:
    register.officers.add("tinh", "Trực ban", Role.PROVINCE, [], password=PASSWORD)
    with pytest.raises(UsageError, match="sees all wards"):
        register.officers.add("tinh2", "Trực ban", Role.OPERATOR, [WARD], password=PASSWORD)
    with pytest.raises(UsageError, match="at least one ward"):
        register.officers.add("lan", "Lan", Role.OFFICER, [], password=PASSWORD)
    with pytest.raises(UsageError, match="access code"):
        register.officers.add("dan", "Dân", Role.CITIZEN, [WARD], password=PASSWORD)


@pytest.mark.usefixtures("lan")
def test_a_refused_account_leaves_nothing(register: Register) -> None:
    with pytest.raises(Exists):
        register.officers.add("lan", "Lan", Role.OFFICER, [WARD], password=PASSWORD)
    with pytest.raises(Absent):
        register.officers.add("hoa", "Hoa", Role.OFFICER, [WardCode("w-none")], password=PASSWORD)
    with pytest.raises(UsageError, match="12 to 200"):
        register.officers.add("hoa", "Hoa", Role.OFFICER, [WARD], password="short")
    assert [officer.login for officer in register.officers.all()] == ["lan"]


def test_an_access_code_opens_one_persons_page_until_it_ends(register: Register, clock: FakeClock) -> None:
    person = register.orders.add_person(PERSON)
    code = register.officers.add_access_code(person, days=20)
    assert register.officers.person_of_code(f" {code.upper().replace('-', ' ')} ") == person
    clock.advance(days=20)
    with pytest.raises(LoginRefused):
        register.officers.person_of_code(code)


def test_a_new_access_code_ends_the_old_one(register: Register) -> None:
    person = register.orders.add_person(PERSON)
    old, new = register.officers.add_access_code(person), register.officers.add_access_code(person)
    assert register.officers.person_of_code(new) == person
    with pytest.raises(LoginRefused):
        register.officers.person_of_code(old)
    with pytest.raises(LoginRefused):
        register.officers.person_of_code("")
    with pytest.raises(Absent):
        register.officers.add_access_code("p-none")


@pytest.mark.usefixtures("lan")
def test_neither_password_nor_access_code_is_stored_readably(register: Register) -> None:
    code = register.officers.add_access_code(register.orders.add_person(PERSON))
    dump = "\n".join(register.connection.iterdump())
    assert PASSWORD not in dump
    assert code not in dump
    assert code.replace("-", "") not in dump


def test_a_hash_of_older_parameters_is_renewed_at_the_next_login(register: Register, lan: str) -> None:
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    register.connection.execute("UPDATE officers SET password_hash = ? WHERE id = ?", (weak, lan))
    register.officers.log_in("lan", PASSWORD)
    (stored,) = register.connection.execute("SELECT password_hash FROM officers").fetchone()
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    register.officers.log_in("lan", PASSWORD)


def test_a_damaged_hash_lets_nobody_in() -> None:
    assert not Passwords().matches(PASSWORD, "not a hash")


def test_more_logins_at_once_than_slots_are_sent_away() -> None:
    passwords = Passwords(at_once=1, patience_s=0.02)
    passwords._slots.acquire()
    with pytest.raises(LoginRefused) as refused:
        passwords.hash(PASSWORD)
    assert refused.value.reason == "busy"
    passwords._slots.release()
    assert passwords.matches(PASSWORD, passwords.hash(PASSWORD))


def test_hashing_is_safe_from_many_threads() -> None:
    passwords = Passwords()
    stored = passwords.hash(PASSWORD)
    answers: list[bool] = []
    threads = [threading.Thread(target=lambda: answers.append(passwords.matches(PASSWORD, stored))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 4


def test_generated_passwords_are_long_and_differ() -> None:
    made = {make_password() for _ in range(50)}
    assert len(made) == 50
    assert all(len(each) == 19 for each in made)

"""Accounts over the real register: sessions, idleness, disabling, codes, and what is on the disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ancu.models.ids import WardCode
from ancu.server.adapters.sqlite import connect
from ancu.server.people.orders import NewPerson
from ancu.server.people.register import DATABASE_FILE, Register
from ancu.server.people.vault import MASTER_KEY_FILE, Vault
from ancu.server.ports import Role
from ancu.server.web.accounts import LockedOut, SignInRefused
from ancu.server.web.accounts_sqlite import SqliteAccounts
from ancu.server.web.settings import WebSettings

PASSWORD = "k3v9-7hqm-x2tb"
NOW = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)


@pytest.fixture
def clock(fakes: ModuleType) -> Any:
    return fakes.FakeClock(NOW)


@pytest.fixture
def register(tmp_path: Path, clock: Any) -> Register:
    Vault.create(tmp_path / MASTER_KEY_FILE)
    register = Register.open(tmp_path, actor="test", clock=clock)
    register.wards.put("ben-nghe", "Phường Bến Nghé", "TP. Hồ Chí Minh")
    register.officers.add("lan", "Lê Thị Lan", Role.OFFICER, [WardCode("ben-nghe")], password=PASSWORD)
    register.orders.add_person(NewPerson(WardCode("ben-nghe"), "Nguyễn Văn An"), "p-an")
    return register


@pytest.fixture
async def accounts(register: Register, tmp_path: Path, clock: Any) -> AsyncIterator[SqliteAccounts]:
    accounts = SqliteAccounts(tmp_path, WebSettings(), clock)
    yield accounts
    await accounts.close()


async def test_an_officer_signs_in_and_is_known_by_the_token_alone(accounts: SqliteAccounts):
    signed_in = await accounts.sign_in("lan", PASSWORD, "127.0.0.1", at=NOW)
    session = await accounts.session(signed_in.token, at=NOW, touch=True)
    assert session == signed_in.session
    assert session.viewer.wards == frozenset({"ben-nghe"})
    assert session.name == "Lê Thị Lan"
    assert await accounts.session(signed_in.token + "x", at=NOW, touch=True) is None
    await accounts.sign_out(signed_in.token)
    assert await accounts.session(signed_in.token, at=NOW, touch=True) is None


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob(DATABASE_FILE + "*"))


async def test_no_secret_is_on_the_disk(accounts: SqliteAccounts, register: Register, tmp_path: Path):
    signed_in = await accounts.sign_in("lan", PASSWORD, "127.0.0.1", at=NOW)
    token = await accounts.issue_token(signed_in.session.viewer.id, "script", at=NOW)
    code = await accounts.issue_code("p-an", by="u-x")
    written = on_disk(tmp_path)
    for secret in (signed_in.token, signed_in.session.csrf, token, code, code.replace("-", ""), PASSWORD):
        assert secret.encode() not in written


async def test_a_session_ends_after_a_quarter_of_an_hour_without_a_touch(accounts: SqliteAccounts):
    token = (await accounts.sign_in("lan", PASSWORD, "127.0.0.1", at=NOW)).token
    at = NOW
    for _ in range(4):
        at += timedelta(minutes=10)
        assert await accounts.session(token, at=at, touch=True) is not None
    for minutes in (5, 10, 15):
        assert await accounts.session(token, at=at + timedelta(minutes=minutes), touch=False) is not None
    assert await accounts.session(token, at=at + timedelta(minutes=15, seconds=1), touch=True) is None


async def test_a_session_ends_after_a_shift_however_busy(accounts: SqliteAccounts):
    token = (await accounts.sign_in("lan", PASSWORD, "127.0.0.1", at=NOW)).token
    for minutes in range(0, 12 * 60, 10):
        assert await accounts.session(token, at=NOW + timedelta(minutes=minutes), touch=True) is not None
    assert await accounts.session(token, at=NOW + timedelta(hours=12), touch=True) is None


async def test_a_disabled_officer_is_out_at_once(accounts: SqliteAccounts, register: Register):
    signed_in = await accounts.sign_in("lan", PASSWORD, "127.0.0.1", at=NOW)
    token = await accounts.issue_token(signed_in.session.viewer.id, "script", at=NOW)
    assert await accounts.bearer(token, at=NOW) is not None
    register.officers.disable("lan")
    assert await accounts.session(signed_in.token, at=NOW, touch=True) is None
    assert await accounts.bearer(token, at=NOW) is None
    with pytest.raises(SignInRefused):
        await accounts.sign_in("lan", PASSWORD, "127.0.0.1", at=NOW)


async def test_too_many_failures_lock_the_door_for_a_while(accounts: SqliteAccounts, clock: Any):
    for _ in range(5):
        with pytest.raises(SignInRefused):
            await accounts.sign_in("lan", "wrong", "127.0.0.1", at=clock.now())
    with pytest.raises(LockedOut) as refused:
        await accounts.sign_in("lan", PASSWORD, "127.0.0.1", at=clock.now())
    assert 0 < refused.value.retry_after_s <= 1800
    clock.advance(minutes=31)
    await accounts.sign_in("lan", PASSWORD, "127.0.0.1", at=clock.now())


async def test_a_bearer_token_ends_on_its_day(accounts: SqliteAccounts):
    signed_in = await accounts.sign_in("lan", PASSWORD, "127.0.0.1", at=NOW)
    token = await accounts.issue_token(signed_in.session.viewer.id, "script", at=NOW, days=1)
    found = await accounts.bearer(token, at=NOW)
    assert found is not None
    assert found.csrf == ""
    assert await accounts.bearer(token, at=NOW + timedelta(days=1)) is None


async def test_a_person_enters_with_the_cards_code_until_a_new_one_is_issued(accounts: SqliteAccounts):
    code = await accounts.issue_code("p-an", by="u-x")
    signed_in = await accounts.enter(code.upper().replace("-", " "), "127.0.0.1", at=NOW)
    assert signed_in.session.viewer.person == "p-an"
    assert signed_in.session.viewer.role is Role.CITIZEN
    assert await accounts.session(signed_in.token, at=NOW + timedelta(days=3), touch=True) is not None
    await accounts.issue_code("p-an", by="u-x")
    assert await accounts.session(signed_in.token, at=NOW, touch=True) is None
    with pytest.raises(SignInRefused):
        await accounts.enter(code, "127.0.0.1", at=NOW)


async def test_guessing_codes_from_one_address_is_shut_and_another_address_is_not(accounts: SqliteAccounts):
    code = await accounts.issue_code("p-an", by="u-x")
    for _ in range(5):
        with pytest.raises(SignInRefused):
            await accounts.enter("guess", "203.0.113.7", at=NOW)
    with pytest.raises(LockedOut):
        await accounts.enter(code, "203.0.113.7", at=NOW)
    await accounts.enter(code, "203.0.113.8", at=NOW)
    await accounts.enter(code, "203.0.113.7", at=NOW + timedelta(minutes=31))


async def test_addresses_are_not_written_down(accounts: SqliteAccounts, tmp_path: Path):
    with pytest.raises(SignInRefused):
        await accounts.enter("guess", "203.0.113.7", at=NOW)
    rows = connect(tmp_path / DATABASE_FILE).execute("SELECT * FROM web_attempts").fetchall()
    assert len(rows) == 1
    assert b"203.0.113.7" not in bytes(rows[0]["source"])


async def test_officers_are_named_by_id(accounts: SqliteAccounts):
    signed_in = await accounts.sign_in("lan", PASSWORD, "127.0.0.1", at=NOW)
    id_ = signed_in.session.viewer.id
    assert await accounts.names({id_, "u-nobody"}) == {id_: "Lê Thị Lan"}

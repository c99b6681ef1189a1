"""Accounts over the register's SQLite file: each connection has a thread of its own, for a password takes 80 ms."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import hashlib
import hmac
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TypeVar

from ancu.models.clock import Clock, from_ms, to_ms
from ancu.server.people.entry import Pass
from ancu.server.people.errors import Absent, LoginRefused
from ancu.server.people.officers import Officers
from ancu.server.people.register import Register
from ancu.server.ports import NotFound, Role, Viewer
from ancu.server.web.accounts import CodeNeeded, LockedOut, Session, SignedIn, SignInRefused
from ancu.server.web.settings import WebSettings

__all__ = ["SqliteAccounts"]

T = TypeVar("T")
_TOUCH_MS = 60_000  # a write for each click would cost more than a minute of idleness is worth
_WINDOW_MS = 30 * 60_000
_TRIES = 5  # of access codes from one address within the window
_WAITING = 8  # sign-ins in the queue: ten times 80 ms is what a person will wait
_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE_BYTES = 1024 * 1024  # larger blocks are mappings of their own, and go back when freed
_SEES_ALL = frozenset({Role.PROVINCE, Role.OPERATOR})


class SqliteAccounts:
    """Implements `Accounts`. The register's file must exist; its schema is brought up to date."""

    def __init__(self, data: Path, settings: WebSettings, clock: Clock) -> None:
        _hand_back_large_blocks()
        self._settings = settings
        self._store = _Worker(data, clock)
        self._door = _Worker(data, clock)
        self._waiting = 0

    async def sign_in(
        self, login: str, password: str, address: str, *, at: datetime, device: str | None = None
    ) -> SignedIn:
        source = _network(address)
        officer = await self._at_the_door(
            lambda register: register.officers.log_in(login, password, source=source, device=device)
        )
        await self._store.ask(lambda register: _want_code(register, officer.id))
        return await self.open_officer(officer.id, at=at, device=device)

    async def give_code(
        self, step: str, code: str, address: str, *, at: datetime, device: str | None = None
    ) -> SignedIn:
        def taking(register: Register) -> str:
            begun = register.officers.factors.finish("code", step)
            if begun is None or begun[0] is None:
                raise LoginRefused("wrong")
            try:
                return register.officers.take_code(begun[0], code, source=_network(address), device=device).id
            except LoginRefused as refused:
                if refused.reason == "wrong":
                    _want_code(register, begun[0])
                raise

        officer = await self._at_the_door(taking)
        return await self.open_officer(officer, at=at, device=device)

    async def ask(self, question: Callable[[Officers], T], *, by: str) -> T:
        """Something of the accounts themselves, on their own thread; what it changes is logged as `by`'s doing."""

        def asking(register: Register) -> T:
            register.ledger.actor = by
            try:
                return question(register.officers)
            except LoginRefused as refused:
                raise LockedOut(refused.retry_after_s) from None
            except Absent:
                raise NotFound("absent") from None

        return await self._store.ask(asking)

    async def open_officer(self, officer: str, *, at: datetime, device: str | None = None) -> SignedIn:
        """A session of somebody who has proved who he is; raises SignInRefused for an account that is shut."""
        ends = at + timedelta(seconds=self._settings.session_s)

        def opening(register: Register) -> SignedIn:
            with contextlib.suppress(Absent):
                register.officers.get(officer)
                return opened(register)
            raise SignInRefused

        def opened(register: Register) -> SignedIn:
            signed_in = _open(register, at, ends, officer=officer)
            factors = register.officers.factors
            if device is not None and factors.knows_device(officer, device):
                return signed_in
            return replace(signed_in, device=factors.remember_device(officer))

        return await self._store.ask(opening)

    async def open_person(self, person: str, *, at: datetime, ends: datetime) -> SignedIn:
        """A session of a person under order."""
        return await self._store.ask(lambda register: _open(register, at, ends, person=person))

    async def enter(self, code: str, address: str, *, at: datetime) -> SignedIn:
        ends = at + timedelta(seconds=self._settings.citizen_session_s)

        def entering(register: Register) -> SignedIn:
            with _counted(register, address, at):
                person = register.officers.person_of_code(code)
            return _open(register, at, ends, person=person)

        return await self._store.ask(entering)

    async def session(self, token: str, *, at: datetime, touch: bool) -> Session | None:
        return await self._store.ask(lambda register: self._find(register, token, at, touch=touch))

    async def bearer(self, token: str, *, at: datetime) -> Session | None:
        def finding(register: Register) -> Session | None:
            row = register.connection.execute(
                "SELECT officer, expires_ms FROM web_tokens"
                " WHERE token_hash = ? AND expires_ms > ? AND revoked_ms IS NULL",
                (_hash(token), to_ms(at)),
            ).fetchone()
            if row is None:
                return self._find(register, token, at, touch=True)
            return _of_officer(register, row["officer"], "", from_ms(row["expires_ms"]))

        return await self._store.ask(finding)

    async def sign_out(self, token: str) -> None:
        await self._store.ask(
            lambda register: register.connection.execute(
                "DELETE FROM web_sessions WHERE token_hash = ?", (_hash(token),)
            )
        )

    async def names(self, ids: Collection[str]) -> Mapping[str, str]:
        def reading(register: Register) -> dict[str, str]:
            found = {}
            for id_ in ids:
                with contextlib.suppress(Absent):
                    found[id_] = register.officers.get(id_).name
            return found

        return await self._store.ask(reading) if ids else {}

    async def issue_code(self, person: str, *, by: str) -> str:
        def issuing(register: Register) -> str:
            register.ledger.actor = by
            code = register.officers.add_access_code(person)
            register.connection.execute("DELETE FROM web_sessions WHERE person = ?", (person,))
            return code

        return await self._store.ask(issuing)

    async def enter_by_kit(self, kit: str, code: str, address: str, *, at: datetime) -> SignedIn:
        ends = at + timedelta(seconds=self._settings.citizen_session_s)

        def entering(register: Register) -> SignedIn:
            with _counted(register, address, at):
                person = register.entry.person_of(kit, code)
            return _open(register, at, ends, person=person)

        return await self._store.ask(entering)

    async def issue_passes(self, persons: Sequence[str], *, by: str) -> Sequence[Pass]:
        def issuing(register: Register) -> list[Pass]:
            register.ledger.actor = by
            with register.ledger.together():
                return [register.entry.issue(person) for person in persons]

        return await self._store.ask(issuing)

    async def issue_entry_code(self, person: str, *, by: str) -> str:
        def issuing(register: Register) -> str:
            register.ledger.actor = by
            return register.entry.issue_code(person)

        return await self._store.ask(issuing)

    async def issue_token(self, officer: str, label: str, *, at: datetime, days: int = 90) -> str:
        """A bearer token for an officer's script, shown once."""
        token = secrets.token_urlsafe(32)
        values = (_hash(token), officer, label, to_ms(at), to_ms(at + timedelta(days=days)))
        await self._store.ask(
            lambda register: register.connection.execute(
                "INSERT INTO web_tokens (token_hash, officer, label, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?)",
                values,
            )
        )
        return token

    async def close(self) -> None:
        await asyncio.gather(self._store.close(), self._door.close())

    async def _at_the_door(self, question: Callable[[Register], T]) -> T:
        """What takes a password's 80 ms, a few at a time."""
        if self._waiting >= _WAITING:
            raise LockedOut(5)
        self._waiting += 1
        try:
            return await self._door.ask(question)
        except LoginRefused as refused:
            if refused.reason in ("too_many", "busy"):
                raise LockedOut(refused.retry_after_s) from None
            raise SignInRefused from None
        finally:
            self._waiting -= 1

    def _find(self, register: Register, token: str, at: datetime, *, touch: bool) -> Session | None:
        now = to_ms(at)
        row = register.connection.execute(
            "SELECT * FROM web_sessions WHERE token_hash = ? AND expires_ms > ?", (_hash(token), now)
        ).fetchone()
        if row is None:
            return None
        if row["officer"] and now - row["touched_ms"] > self._settings.idle_s * 1000:
            return None
        if touch and now - row["touched_ms"] > _TOUCH_MS:
            register.connection.execute(
                "UPDATE web_sessions SET touched_ms = ? WHERE token_hash = ?", (now, row["token_hash"])
            )
        ends = from_ms(row["expires_ms"])
        if row["officer"]:
            return _of_officer(register, row["officer"], _csrf(token), ends, from_ms(row["created_ms"]))
        return _of_person(register, row["person"], _csrf(token), ends)


class _Worker:
    """A register on a connection that only one thread ever uses, opened by its first question."""

    def __init__(self, data: Path, clock: Clock) -> None:
        self._data, self._clock = data, clock
        self._thread = ThreadPoolExecutor(1, "accounts")
        self._register: Register | None = None
        self._closed = False

    async def ask(self, question: Callable[[Register], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, question)

    async def close(self) -> None:
        """Once is enough; again does nothing."""
        if self._closed:
            return
        self._closed = True

        def closing() -> None:
            if self._register is not None:
                self._register.connection.close()
                self._register = None

        await asyncio.get_running_loop().run_in_executor(self._thread, closing)
        self._thread.shutdown(wait=False)

    def _answer(self, question: Callable[[Register], T]) -> T:
        if self._register is None:
            self._register = Register.open(self._data, actor="pages", clock=self._clock)
            self._register.connection.execute("PRAGMA cache_size=-512")  # KiB: it reads a few rows
        return question(self._register)


def _hand_back_large_blocks() -> None:
    """Keep glibc from raising its mmap threshold: it would hold argon2's 19 MiB in the thread's heap for good.

    Measured: 92 MiB after the first sign-in without this, 73 MiB with it. Elsewhere than on glibc it does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def _open(
    register: Register, at: datetime, ends: datetime, *, officer: str | None = None, person: str | None = None
) -> SignedIn:
    token = secrets.token_urlsafe(32)
    now = to_ms(at)
    register.connection.execute("DELETE FROM web_sessions WHERE expires_ms <= ?", (now,))
    register.connection.execute(
        "INSERT INTO web_sessions VALUES (?, ?, ?, ?, ?, ?)",
        (_hash(token), officer, person, now, now, to_ms(ends)),
    )
    session = (
        _of_officer(register, officer, _csrf(token), ends, at)
        if officer
        else _of_person(register, person or "", _csrf(token), ends)
    )
    if session is None:
        raise SignInRefused
    return SignedIn(token, session)


def _of_officer(
    register: Register, id_: str, csrf: str, ends: datetime, opened: datetime | None = None
) -> Session | None:
    """Read anew each time, so that a disabled account or a changed ward counts at once."""
    try:
        officer = register.officers.get(id_)
    except Absent:
        return None
    if officer.disabled_at is not None:
        return None
    own, glass = frozenset(map(str, officer.wards)), register.officers.glass
    broken, entered = glass.of(id_), glass.into(own)
    wards = None if officer.role in _SEES_ALL else own | {opening.ward for opening in broken}
    viewer = Viewer(officer.id, officer.role, wards)
    return Session(viewer, officer.name, csrf, ends, opened, broken, [one for one in entered if one.officer != id_])


def _of_person(register: Register, person: str, csrf: str, ends: datetime) -> Session | None:
    row = register.connection.execute("SELECT ward FROM persons WHERE id = ?", (person,)).fetchone()
    if row is None:
        return None
    return Session(Viewer(person, Role.CITIZEN, frozenset({row["ward"]}), person), "", csrf, ends)


class _counted(contextlib.AbstractContextManager[None]):  # noqa: N801 - reads as a word at its one use
    """Count refused codes from an address, and shut the door after too many. 78 bits need it little; logs do."""

    def __init__(self, register: Register, address: str, at: datetime) -> None:
        self._rows, self._now = register.connection, to_ms(at)
        self._source = hashlib.sha256(address.encode()).digest()[:16]

    def __enter__(self) -> None:
        since = self._now - _WINDOW_MS
        self._rows.execute("DELETE FROM web_attempts WHERE at_ms < ?", (since,))
        query = "SELECT count(*) AS n, min(at_ms) AS oldest FROM web_attempts WHERE source = ?"
        row = self._rows.execute(query, (self._source,)).fetchone()
        if row["n"] >= _TRIES:
            raise LockedOut(max(1, (row["oldest"] + _WINDOW_MS - self._now) // 1000))

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, LoginRefused):
            self._rows.execute("INSERT INTO web_attempts VALUES (?, ?)", (self._source, self._now))
            raise SignInRefused from None


def _want_code(register: Register, officer: str) -> None:
    """Raises CodeNeeded where the account has a second factor."""
    factors = register.officers.factors
    if factors.has_code(officer):
        raise CodeNeeded(factors.begin("code", officer=officer))


def _network(address: str) -> bytes:
    """What failed logins are counted by: a household or an office, not one machine in it; never the address itself."""
    try:
        prefix = 24 if ip_address(address).version == 4 else 64
        network = str(ip_network(f"{address}/{prefix}", strict=False))
    except ValueError:  # a socket without an address
        network = address
    return hashlib.sha256(network.encode()).digest()[:16]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _csrf(token: str) -> str:
    return hmac.new(token.encode(), b"ancu/form", hashlib.sha256).hexdigest()

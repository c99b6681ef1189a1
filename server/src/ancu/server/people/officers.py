"""Officers: accounts with a role and wards, and the logins of officers and citizens."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from typing import Final

from ancu.models.errors import UsageError
from ancu.models.ids import WardCode, check_id
from ancu.server.optional import moment
from ancu.server.people.attempts import ATTEMPTS, WINDOW_S, Attempts
from ancu.server.people.errors import Absent, Exists, LoginRefused
from ancu.server.people.factors import Factors
from ancu.server.people.glass import Glass
from ancu.server.people.ledger import Ledger
from ancu.server.people.orders import new_id
from ancu.server.people.passwords import Passwords
from ancu.server.people.records import OfficerRecord
from ancu.server.people.vault import Vault
from ancu.server.ports import Role

__all__ = ["ATTEMPTS", "WINDOW_S", "Officers"]

_CODE_ALPHABET: Final = "23456789abcdefghjkmnpqrstvwxyz"
_CODE_CHARS: Final = 16  # 78 bits
_LOGIN_CHARS: Final = 40  # of the longest login; bounds what a stranger can make us store
_DAY_MS: Final = 86_400_000
_EVERYWHERE: Final = frozenset({Role.PROVINCE, Role.OPERATOR})  # roles that see all wards


class Officers:
    """Adds and disables accounts, and answers who logs in."""

    def __init__(self, ledger: Ledger, vault: Vault, passwords: Passwords | None = None) -> None:
        self._ledger, self._vault = ledger, vault
        self._connection = ledger.connection
        self._passwords = passwords or Passwords()
        self._attempts = Attempts(ledger.connection)
        self.factors = Factors(ledger, vault)
        self.glass = Glass(ledger)

    def add(
        self, login: str, name: str, role: Role, wards: list[WardCode], *, password: str, phone: str | None = None
    ) -> str:
        """Add an account and return its id; raises Absent, Exists, UsageError."""
        check_id("login", login)
        if role is Role.CITIZEN:
            raise UsageError("a citizen logs in by an access code and has no account")
        if bool(wards) == (role in _EVERYWHERE):
            raise UsageError(f"role {role}: " + ("sees all wards, so give none" if wards else "give at least one ward"))
        id_, stored = new_id("u"), self._passwords.hash(password)
        with self._ledger.change("add_officer", id_, role=role.value, wards=[*wards]) as connection:
            try:
                connection.execute(
                    "INSERT INTO officers (id, login, name, role, phone, password_hash, created_ms)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (id_, login, name, role.value, phone, stored, self._ledger.now_ms()),
                )
            except sqlite3.IntegrityError:
                raise Exists("login", login) from None
            for ward in dict.fromkeys(wards):
                try:
                    connection.execute("INSERT INTO officer_wards (officer, ward) VALUES (?, ?)", (id_, ward))
                except sqlite3.IntegrityError:
                    raise Absent("ward", ward) from None
        return id_

    def disable(self, login: str) -> None:
        """Shut an account; raises Absent."""
        row = self._row(login)
        if row is None:
            raise Absent("login", login)
        with self._ledger.change("disable_officer", row["id"]) as connection:
            connection.execute(
                "UPDATE officers SET disabled_ms = ? WHERE id = ? AND disabled_ms IS NULL",
                (self._ledger.now_ms(), row["id"]),
            )

    def reset_factors(self, login: str) -> None:
        """Leave an account its password alone, because its telephone is lost; whoever holds that is signed out.

        Raises Absent.
        """
        row = self._row(login.strip().lower())
        if row is None:
            raise Absent("officer", login)
        with self._ledger.together() as connection:
            self.factors.reset(row["id"])
            connection.execute("DELETE FROM web_sessions WHERE officer = ?", (row["id"],))

    def all(self) -> list[OfficerRecord]:
        return [self._record(r) for r in self._connection.execute("SELECT * FROM officers ORDER BY login")]

    def get(self, id_: str) -> OfficerRecord:
        """An account by id, disabled or not; raises Absent."""
        row = self._connection.execute("SELECT * FROM officers WHERE id = ?", (id_,)).fetchone()
        if row is None:
            raise Absent("officer", id_)
        return self._record(row)

    def log_in(self, login: str, password: str, *, source: bytes = b"", device: str | None = None) -> OfficerRecord:
        """Who this is. Takes about 80 ms: call it in a thread. Raises LoginRefused.

        `source` stands for the network that asks, `device` is what a device that he used before shows: see
        `attempts.py`. A login that succeeds by password alone may still want a second factor.
        """
        login = login.strip().lower()[:_LOGIN_CHARS]
        row = self._row(login)
        source = self._admit(login, None if row is None else row["id"], source, device)
        if not self._passwords.matches(password, row["password_hash"] if row else None) or row is None:
            raise LoginRefused("wrong")
        if row["disabled_ms"] is not None:
            raise LoginRefused("disabled")
        if not self.factors.has_code(row["id"]):  # else the code's failures go on counting
            self._attempts.forgive(login, source)
        fresh = self._passwords.refreshed(password, row["password_hash"])
        if fresh is not None:
            self._connection.execute("UPDATE officers SET password_hash = ? WHERE id = ?", (fresh, row["id"]))
        return self._record(row)

    def take_code(self, officer: str, code: str, *, source: bytes = b"", device: str | None = None) -> OfficerRecord:
        """The second half of a login by password; raises LoginRefused, and counts as a login does."""
        found = self.get(officer)
        source = self._admit(found.login, officer, source, device)
        if found.disabled_at is not None or not self.factors.check_code(officer, code):
            raise LoginRefused("wrong")
        self._attempts.forgive(found.login, source)
        return found

    def add_access_code(self, person: str, days: int = 60) -> str:
        """A new access code of a citizen, shown once; earlier ones end. Raises Absent."""
        text = "".join(secrets.choice(_CODE_ALPHABET) for _ in range(_CODE_CHARS))
        now = self._ledger.now_ms()
        with self._ledger.change("add_access_code", person) as connection:
            if connection.execute("SELECT 1 FROM persons WHERE id = ?", (person,)).fetchone() is None:
                raise Absent("person", person)
            connection.execute(
                "UPDATE access_codes SET revoked_ms = ? WHERE person = ? AND revoked_ms IS NULL", (now, person)
            )
            connection.execute(
                "INSERT INTO access_codes (code_hash, person, created_ms, expires_ms) VALUES (?, ?, ?, ?)",
                (self._vault.hash(text), person, now, now + days * _DAY_MS),
            )
        return "-".join(text[i : i + 4] for i in range(0, _CODE_CHARS, 4))

    def person_of_code(self, code: str) -> str:
        """The person whose access code this is; raises LoginRefused. 78 bits need no lock-out, a caller may add one."""
        text = "".join(c for c in code.lower() if c.isalnum())
        row = self._connection.execute(
            "SELECT person FROM access_codes WHERE code_hash = ? AND revoked_ms IS NULL AND expires_ms > ?",
            (self._vault.hash(text), self._ledger.now_ms()),
        ).fetchone()
        if row is None:
            raise LoginRefused("wrong")
        return str(row["person"])

    def _admit(self, login: str, officer: str | None, source: bytes, device: str | None) -> bytes:
        """Count a try and return what it is counted by; raises LoginRefused where there were too many."""
        known = officer is not None and device is not None and self.factors.knows_device(officer, device)
        if known and device is not None:
            source = hashlib.sha256(b"device:" + device.encode()).digest()[:16]
        now = self._ledger.now_ms()
        self._attempts.refuse_if_too_many(login, source, now, known=known)
        self._attempts.count(login, source, now)
        return source

    def _row(self, login: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._connection.execute(
            "SELECT * FROM officers WHERE login = ?", (login,)
        ).fetchone()
        return row

    def _record(self, row: sqlite3.Row) -> OfficerRecord:
        wards = self._connection.execute("SELECT ward FROM officer_wards WHERE officer = ?", (row["id"],))
        return OfficerRecord(
            id=row["id"],
            login=row["login"],
            name=row["name"],
            role=Role(row["role"]),
            wards=frozenset(WardCode(r["ward"]) for r in wards),
            phone=row["phone"],
            disabled_at=moment(row["disabled_ms"]),
        )

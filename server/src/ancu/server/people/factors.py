"""Factors beside a password: one-time codes, passkeys, identities at a provider, devices used before."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from ancu.models.clock import from_ms
from ancu.models.errors import UsageError
from ancu.server.optional import moment
from ancu.server.people.errors import LoginRefused
from ancu.server.people.ledger import Ledger
from ancu.server.people.vault import Vault

__all__ = ["Factors", "PasskeyRecord"]

_STEP_S: Final = 30  # RFC 6238's default; what every authenticator app does
_DIGITS: Final = 6
_SECRET_BYTES: Final = 20  # RFC 4226, 4: 160 bits
_SLACK: Final = 1  # steps that a telephone's clock may be off
_PASSKEYS: Final = 10  # of one officer
_DEVICES: Final = 20  # of one officer; the one unused for longest goes first
_STEPS: Final = 2_000  # begun and not finished, by whoever: bounds what strangers can make us store
_STEP_MS: Final = 5 * 60_000  # from the first half of a sign-in to its second


@dataclass(frozen=True, slots=True)
class PasskeyRecord:
    """A public key that an officer's authenticator made for this server."""

    id: bytes
    officer: str
    public_key: bytes
    uses: int
    label: str
    created_at: datetime
    used_at: datetime | None


class Factors:
    """Over the register's connection. Secrets are sealed or hashed."""

    def __init__(self, ledger: Ledger, vault: Vault) -> None:
        self._ledger, self._vault = ledger, vault
        self._connection = ledger.connection

    # --- one-time codes ----------------------------------------------------------------------------------------------

    def begin_code(self, officer: str) -> bytes:
        """A new secret for an officer's telephone; counts only once confirmed. Raises UsageError where one does."""
        if self.has_code(officer):
            raise UsageError("one-time codes are in use already: take them off first")
        secret = secrets.token_bytes(_SECRET_BYTES)
        self._connection.execute(
            "INSERT OR REPLACE INTO login_codes (officer, sealed) VALUES (?, ?)",
            (officer, self._vault.seal(f"code:{officer}", secret)),
        )
        return secret

    def confirm_code(self, officer: str, code: str) -> bool:
        """The telephone shows the right code: from now on it is asked for."""
        row = self._code_row(officer)
        if row is None or not self._take(row, code):
            return False
        with self._ledger.change("add_code", officer) as connection:
            connection.execute(
                "UPDATE login_codes SET confirmed_ms = ? WHERE officer = ?", (self._ledger.now_ms(), officer)
            )
        return True

    def check_code(self, officer: str, code: str) -> bool:
        """Whether this is the code of now; each is taken once."""
        row = self._code_row(officer)
        return row is not None and row["confirmed_ms"] is not None and self._take(row, code)

    def has_code(self, officer: str) -> bool:
        row = self._code_row(officer)
        return row is not None and row["confirmed_ms"] is not None

    def remove_code(self, officer: str) -> None:
        with self._ledger.change("remove_code", officer) as connection:
            connection.execute("DELETE FROM login_codes WHERE officer = ?", (officer,))

    # --- passkeys ----------------------------------------------------------------------------------------------------

    def add_passkey(self, officer: str, id_: bytes, public_key: bytes, uses: int, label: str) -> None:
        """Raises UsageError where he has too many."""
        if len(self.passkeys(officer)) >= _PASSKEYS:
            raise UsageError(f"an officer has at most {_PASSKEYS} passkeys")
        with self._ledger.change("add_passkey", officer, label=label) as connection:
            connection.execute(
                "INSERT INTO login_passkeys (id, officer, public_key, uses, label, created_ms)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (id_, officer, public_key, uses, label, self._ledger.now_ms()),
            )

    def passkeys(self, officer: str) -> list[PasskeyRecord]:
        rows = self._connection.execute(
            "SELECT * FROM login_passkeys WHERE officer = ? ORDER BY created_ms", (officer,)
        )
        return [_passkey(row) for row in rows]

    def passkey(self, id_: bytes) -> PasskeyRecord | None:
        row = self._connection.execute("SELECT * FROM login_passkeys WHERE id = ?", (id_,)).fetchone()
        return None if row is None else _passkey(row)

    def passkey_used(self, id_: bytes, uses: int) -> None:
        self._connection.execute(
            "UPDATE login_passkeys SET uses = ?, used_ms = ? WHERE id = ?", (uses, self._ledger.now_ms(), id_)
        )

    def remove_passkey(self, officer: str, id_: bytes) -> None:
        """One of his; nothing where it is not."""
        with self._ledger.change("remove_passkey", officer) as connection:
            connection.execute("DELETE FROM login_passkeys WHERE id = ? AND officer = ?", (id_, officer))

    # --- the province's identity provider ----------------------------------------------------------------------------

    def officer_at(self, issuer: str, subject: str, login: str) -> str | None:
        """Whose account this is: the one bound to the subject, else the one with this login, which is bound now."""
        row = self._connection.execute(
            "SELECT officer FROM login_identities WHERE issuer = ? AND subject = ?", (issuer, subject)
        ).fetchone()
        if row is not None:
            return str(row["officer"])
        row = self._connection.execute(
            "SELECT id FROM officers o WHERE login = ? AND NOT EXISTS"
            " (SELECT 1 FROM login_identities i WHERE i.officer = o.id AND i.issuer = ?)",
            (login.strip().lower(), issuer),
        ).fetchone()
        if row is None:
            return None
        with self._ledger.change("bind_identity", row["id"], issuer=issuer) as connection:
            connection.execute(
                "INSERT INTO login_identities VALUES (?, ?, ?, ?)", (issuer, subject, row["id"], self._ledger.now_ms())
            )
        return str(row["id"])

    # --- devices -----------------------------------------------------------------------------------------------------

    def remember_device(self, officer: str) -> str:
        """A token for a device that he just signed in with."""
        token = secrets.token_urlsafe(32)
        self._connection.execute(
            "INSERT INTO login_devices VALUES (?, ?, ?)", (_hash(token), officer, self._ledger.now_ms())
        )
        self._connection.execute(
            "DELETE FROM login_devices WHERE officer = ? AND token_hash NOT IN"
            " (SELECT token_hash FROM login_devices WHERE officer = ? ORDER BY seen_ms DESC LIMIT ?)",
            (officer, officer, _DEVICES),
        )
        return token

    def knows_device(self, officer: str, token: str) -> bool:
        found = self._connection.execute(
            "UPDATE login_devices SET seen_ms = ? WHERE token_hash = ? AND officer = ?",
            (self._ledger.now_ms(), _hash(token), officer),
        )
        return found.rowcount == 1

    # --- sign-ins in two halves --------------------------------------------------------------------------------------

    def begin(self, purpose: str, value: bytes = b"", officer: str | None = None) -> str:
        """Keep what the second half will need; its token opens it once, within five minutes.

        Raises LoginRefused('busy') where strangers have begun too many.
        """
        token, now = secrets.token_urlsafe(32), self._ledger.now_ms()
        self._connection.execute("DELETE FROM login_steps WHERE expires_ms <= ?", (now,))
        begun = self._connection.execute("SELECT count(*) FROM login_steps WHERE officer IS NULL").fetchone()[0]
        if officer is None and begun >= _STEPS:
            raise LoginRefused("busy", retry_after_s=60)
        self._connection.execute(
            "INSERT INTO login_steps VALUES (?, ?, ?, ?, ?)", (_hash(token), purpose, officer, value, now + _STEP_MS)
        )
        return token

    def keep(self, token: str, value: bytes) -> None:
        """What was not yet known when it began."""
        self._connection.execute("UPDATE login_steps SET value = ? WHERE token_hash = ?", (value, _hash(token)))

    def finish(self, purpose: str, token: str) -> tuple[str | None, bytes] | None:
        """The officer and value of a first half; None: there is none, or no more."""
        row = self._connection.execute(
            "DELETE FROM login_steps WHERE token_hash = ? AND purpose = ? AND expires_ms > ? RETURNING officer, value",
            (_hash(token), purpose, self._ledger.now_ms()),
        ).fetchone()
        return None if row is None else (row["officer"], row["value"])

    def reset(self, officer: str) -> None:
        """Take every factor but the password off an account: its telephone is lost."""
        with self._ledger.change("reset_factors", officer) as connection:
            for table in ("login_codes", "login_passkeys", "login_devices", "login_identities"):
                connection.execute(f"DELETE FROM {table} WHERE officer = ?", (officer,))  # noqa: S608 - our own words

    # --- inside ------------------------------------------------------------------------------------------------------

    def _code_row(self, officer: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._connection.execute(
            "SELECT * FROM login_codes WHERE officer = ?", (officer,)
        ).fetchone()
        return row

    def _take(self, row: sqlite3.Row, code: str) -> bool:
        officer, digits = row["officer"], "".join(code.split())
        if len(digits) != _DIGITS or not (digits.isascii() and digits.isdigit()):
            return False
        made = TOTP(self._vault.open_sealed(f"code:{officer}", row["sealed"]), _DIGITS, SHA1(), _STEP_S)  # noqa: S303 - RFC 6238
        step = self._ledger.now_ms() // 1000 // _STEP_S
        for near in range(step - _SLACK, step + _SLACK + 1):
            try:
                made.verify(digits.encode(), near * _STEP_S)
            except InvalidToken:
                continue
            taken = self._connection.execute(
                "UPDATE login_codes SET last_step = ? WHERE officer = ? AND last_step < ?", (near, officer, near)
            )
            return taken.rowcount == 1
        return False


def _passkey(row: sqlite3.Row) -> PasskeyRecord:
    return PasskeyRecord(
        id=row["id"],
        officer=row["officer"],
        public_key=row["public_key"],
        uses=row["uses"],
        label=row["label"],
        created_at=from_ms(row["created_ms"]),
        used_at=moment(row["used_ms"]),
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

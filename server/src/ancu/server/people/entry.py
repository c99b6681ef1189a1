"""Entry to a person's own page: the QR code on the kit, which is read by a camera, and a code that opens once.

Neither half opens anything alone: whoever photographs a kit lacks the code, whoever overhears the code lacks the kit.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from ancu.server.people.errors import Absent, LoginRefused
from ancu.server.people.ledger import Ledger
from ancu.server.people.vault import Vault

__all__ = ["Entry", "Pass"]

_KIT_BYTES: Final = 16
_CODE_DIGITS: Final = 8
_TRIES: Final = 5  # wrong codes of one kit, then the ward issues a new one: a guess hits with 5 in 10^8
_KIT_DAYS: Final = 60
_CODE_DAYS: Final = 7
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Pass:
    """Both halves, shown once."""

    kit: str
    code: str


class Entry:
    def __init__(self, ledger: Ledger, vault: Vault) -> None:
        self._ledger, self._vault = ledger, vault
        self._connection = ledger.connection

    def issue(self, person: str) -> Pass:
        """A new kit code and a new entry code; the earlier ones end. Raises Absent."""
        kit = secrets.token_urlsafe(_KIT_BYTES)
        now = self._ledger.now_ms()
        with self._ledger.change("issue_kit", person) as connection:
            self._known(person)
            connection.execute("UPDATE kits SET revoked_ms = ? WHERE person = ? AND revoked_ms IS NULL", (now, person))
            connection.execute(
                "INSERT INTO kits (kit_hash, person, created_ms, expires_ms) VALUES (?, ?, ?, ?)",
                (self._vault.hash(f"kit:{kit}"), person, now, now + _KIT_DAYS * _DAY_MS),
            )
            return Pass(kit, self._new_code(person))

    def issue_code(self, person: str) -> str:
        """A new entry code for the kit that the person has. Raises Absent."""
        with self._ledger.change("issue_entry_code", person):
            self._known(person)
            return self._new_code(person)

    def person_of(self, kit: str, code: str) -> str:
        """Whose page it is; the code is used up. Raises LoginRefused, alike for each reason."""
        now = self._ledger.now_ms()
        with self._ledger.together() as connection:
            row = connection.execute(
                "SELECT k.person, c.code_hash FROM kits k JOIN entry_codes c ON c.person = k.person"
                " WHERE k.kit_hash = ? AND k.revoked_ms IS NULL AND k.expires_ms > ?"
                " AND c.used_ms IS NULL AND c.expires_ms > ? AND c.tries < ?",
                (self._vault.hash(f"kit:{kit}"), now, now, _TRIES),
            ).fetchone()
            person = "" if row is None else str(row["person"])
            right = row is not None and secrets.compare_digest(row["code_hash"], self._hash(person, code))
            change = "used_ms = ?" if right else "tries = tries + min(1, ?)"
            connection.execute(f"UPDATE entry_codes SET {change} WHERE person = ?", (now, person))  # noqa: S608 - our own words
        if not right:
            raise LoginRefused("wrong")
        return person

    def _new_code(self, person: str) -> str:
        code = "".join(secrets.choice("0123456789") for _ in range(_CODE_DIGITS))
        self._connection.execute(
            "INSERT OR REPLACE INTO entry_codes (person, code_hash, expires_ms) VALUES (?, ?, ?)",
            (person, self._hash(person, code), self._ledger.now_ms() + _CODE_DAYS * _DAY_MS),
        )
        return f"{code[:4]} {code[4:]}"

    def _hash(self, person: str, code: str) -> str:
        return self._vault.hash(f"entry:{person}:{''.join(c for c in code if c.isdigit())}")

    def _known(self, person: str) -> None:
        if self._connection.execute("SELECT 1 FROM persons WHERE id = ?", (person,)).fetchone() is None:
            raise Absent("person", person)

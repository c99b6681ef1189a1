"""Passwords: argon2id, a cap on how many are hashed at once, new parameters taken up at the next login."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ancu.models.errors import UsageError
from ancu.server.people.errors import LoginRefused

__all__ = ["LEAST_CHARS", "MOST_CHARS", "Passwords", "make_password"]

LEAST_CHARS: Final = 12  # ASVS 5.0 asks for 8 and recommends 15; these are people on shifts who type it on a phone
MOST_CHARS: Final = 200  # bounds the work that one request can ask for
_MEMORY_KIB: Final = 19 * 1024  # OWASP's argon2id profile: 19 MiB, two passes, about 80 ms
_PASSES: Final = 2
_AT_ONCE: Final = 2  # bounds memory and cores that a flood of logins can take
_PATIENCE_S: Final = 5.0
_ALPHABET: Final = "23456789abcdefghjkmnpqrstvwxyz"


class Passwords:
    """Hashes and checks; safe to call from many threads."""

    def __init__(self, *, at_once: int = _AT_ONCE, patience_s: float = _PATIENCE_S) -> None:
        self._hasher = PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=1)
        self._slots = threading.BoundedSemaphore(at_once)
        self._patience_s = patience_s
        self._nobody: str | None = None

    def hash(self, password: str) -> str:
        """Hash a new password; raises UsageError if it is too short or too long, LoginRefused('busy')."""
        if not LEAST_CHARS <= len(password) <= MOST_CHARS:
            raise UsageError(f"a password has {LEAST_CHARS} to {MOST_CHARS} characters")
        with self._slot():
            return self._hasher.hash(password)

    def matches(self, password: str, stored: str | None) -> bool:
        """Check a password; `stored` None (no such login) takes as long. Raises LoginRefused('busy')."""
        if len(password) > MOST_CHARS:
            return False
        with self._slot():
            if stored is None:
                if self._nobody is None:
                    self._nobody = self._hasher.hash(secrets.token_urlsafe(16))
                stored, known = self._nobody, False
            else:
                known = True
            try:
                return self._hasher.verify(stored, password) and known
            except (VerificationError, InvalidHashError):
                return False

    def refreshed(self, password: str, stored: str) -> str | None:
        """A new hash of a password that just matched, if `stored` was made with other parameters than today's."""
        if not self._hasher.check_needs_rehash(stored):
            return None
        with self._slot():
            return self._hasher.hash(password)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=self._patience_s):
            raise LoginRefused("busy", retry_after_s=5)
        try:
            yield
        finally:
            self._slots.release()


def make_password() -> str:
    """A password of 78 bits that can be read out: 'k3v9-7hqm-x2tb-9wzd'."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))

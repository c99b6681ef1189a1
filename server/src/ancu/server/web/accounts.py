"""Accounts: who signs in, and what a session remembers. `accounts_sqlite.py` implements it over the register."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ancu.models.errors import AncuError
from ancu.server.people.entry import Pass
from ancu.server.people.glass import Opening
from ancu.server.ports import Viewer

__all__ = ["Accounts", "CodeNeeded", "LockedOut", "Session", "SignInRefused", "SignedIn"]


class SignInRefused(AncuError):
    """Wrong login, wrong password, disabled or expired: the answer is the same."""

    code = "sign_in_refused"

    def __init__(self) -> None:
        super().__init__("sign-in refused")


class CodeNeeded(AncuError):
    """The password is right, and the account wants a one-time code too; `step` opens the second half once."""

    code = "code_needed"

    def __init__(self, step: str) -> None:
        super().__init__("a one-time code is needed")
        self.step = step


class LockedOut(AncuError):
    """Too many failures, or too many sign-ins at this moment."""

    code = "locked_out"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too many sign-ins")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in."""

    viewer: Viewer
    name: str  # of an officer, for the page's header; empty for a person under order
    csrf: str  # what a form of this session must carry; empty for a bearer token, which no browser sends by itself
    expires_at: datetime  # at the latest, however busy the person is
    opened_at: datetime | None = None  # when he proved who he is; None for a bearer token
    broken: Sequence[Opening] = ()  # wards that he opened for himself in an emergency, and that are open now
    entered: Sequence[Opening] = ()  # his own wards, opened by others in the last day


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session and the secret that opens it; the secret is kept nowhere else."""

    token: str
    session: Session
    device: str | None = None  # what a device shows next time, to be known again


class Accounts(Protocol):
    """Sessions, bearer tokens and access codes. Secrets are stored only as hashes."""

    async def sign_in(
        self, login: str, password: str, address: str, *, at: datetime, device: str | None = None
    ) -> SignedIn:
        """Open an officer's session; raises SignInRefused, LockedOut, CodeNeeded. `device`: a token it was given."""
        ...

    async def give_code(
        self, step: str, code: str, address: str, *, at: datetime, device: str | None = None
    ) -> SignedIn:
        """The second half of a sign-in; raises SignInRefused, LockedOut, and CodeNeeded after a wrong code."""
        ...

    async def enter(self, code: str, address: str, *, at: datetime) -> SignedIn:
        """Open a person's session with the code of his kit's card; raises SignInRefused, LockedOut."""

    async def session(self, token: str, *, at: datetime, touch: bool) -> Session | None:
        """Who holds this cookie's token; `touch` when a person, not a timer, asked."""

    async def bearer(self, token: str, *, at: datetime) -> Session | None:
        """Who holds this token of a script; a session's token serves too, and counts as touched."""

    async def sign_out(self, token: str) -> None: ...

    async def names(self, ids: Collection[str]) -> Mapping[str, str]:
        """What colleagues call the officers with these ids; an unknown id is left out."""

    async def issue_code(self, person: str, *, by: str) -> str:
        """A new access code for a person's page, shown once; ends the earlier one and what it opened."""

    async def enter_by_kit(self, kit: str, code: str, address: str, *, at: datetime) -> SignedIn:
        """Open a session with the kit's QR code and a code that opens once; raises SignInRefused, LockedOut."""
        ...

    async def issue_passes(self, persons: Sequence[str], *, by: str) -> Sequence[Pass]:
        """For each person a new kit code and a new entry code, shown once; the earlier ones end, sessions go on."""
        ...

    async def issue_entry_code(self, person: str, *, by: str) -> str:
        """A new code that opens once, for the kit that the person has; to be read out on the telephone."""
        ...

    async def close(self) -> None: ...

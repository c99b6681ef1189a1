"""Errors of the register: a person at a terminal or a page can mend what he asked for.

UsageError
├── Absent            no such id
├── Exists            the id is taken
├── Revoked           the device was revoked, for good
├── OrderRefused      the dates or the state of an order do not allow it
└── LoginRefused      wrong login or password, disabled, or too many attempts; says no more to the outside
"""

from __future__ import annotations

from typing import Literal

from ancu.models.errors import UsageError

__all__ = ["Absent", "Exists", "LoginRefused", "OrderRefused", "Revoked"]


class Absent(UsageError):
    code = "absent"

    def __init__(self, what: str, id_: str) -> None:
        super().__init__(f"no {what} {id_!r}")
        self.what, self.id = what, id_


class Exists(UsageError):
    code = "exists"

    def __init__(self, what: str, id_: str) -> None:
        super().__init__(f"{what} {id_!r} exists already")
        self.what, self.id = what, id_


class Revoked(UsageError):
    code = "revoked"

    def __init__(self, what: str, id_: str) -> None:
        super().__init__(f"{what} {id_!r} was revoked")
        self.what, self.id = what, id_


class OrderRefused(UsageError):
    code = "order_refused"


class LoginRefused(UsageError):
    """`reason` is for counters and the log; the page says the same for each but `too_many` and `busy`."""

    code = "login_refused"

    def __init__(self, reason: Literal["wrong", "disabled", "too_many", "busy"], retry_after_s: int = 0) -> None:
        super().__init__("login refused")
        self.reason, self.retry_after_s = reason, retry_after_s

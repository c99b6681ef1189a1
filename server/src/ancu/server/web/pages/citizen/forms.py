"""What forms of these pages share."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from ancu.server.web.auth import text

__all__ = ["key_of"]


def key_of(form: FormData) -> str:
    """The idempotency key that was drawn with the form: a second tap does nothing more."""
    key = text(form, "key", 64)
    if not key:
        raise HTTPException(400, "the form's key is missing")
    return key

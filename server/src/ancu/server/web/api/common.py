"""What the API's routes share."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import AwareDatetime, BeforeValidator, Field

from ancu.server.ports import Viewer
from ancu.server.web.problems import Problem

__all__ = ["KEYED", "NUMBER", "PROBLEMS", "Cursor", "Moment", "Share", "scoped"]


def _written(value: Any) -> Any:
    """A number is no time: which of them would be meant, seconds or milliseconds?"""
    if isinstance(value, str) and "T" not in value.upper():
        raise ValueError("write a time as 2026-03-02T12:00:00+07:00")
    if isinstance(value, int | float):
        raise ValueError("write a time as text, like 2026-03-02T12:00:00+07:00")  # noqa: TRY004 - pydantic tells of it
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("write a number")  # noqa: TRY004 - pydantic tells of it
    return value


NUMBER = BeforeValidator(_number)  # of a body, after its bounds: neither true nor "1" is a number
Share = Annotated[float, Field(ge=0, le=1), NUMBER]  # of a picture's side
Moment = Annotated[AwareDatetime, BeforeValidator(_written)]  # of a body

Cursor = Annotated[
    str | None,
    Query(max_length=100, pattern=r"^\d{1,15}-[A-Za-z0-9-]{1,80}$", description="`next_cursor` of the last page"),
]  # of a list in the order of time

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "A problem, RFC 9457",
        "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
    },
}

KEYED: dict[str, Any] = {  # what every POST's description says of its key
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": "Chosen by the asker: the same key again answers alike and does nothing more.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
        }
    ]
}


def scoped(viewer: Viewer, key: str) -> str:
    """A key is its asker's own: another's equal key is another key."""
    return f"{viewer.id}:{key}"

"""The routes of an application, flat: what describes them or tests them needs no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi.routing import APIRoute

__all__ = ["routes_of"]


def routes_of(routes: Iterable[Any]) -> Iterator[APIRoute]:
    """Every route, those of included routers too; FastAPI keeps those behind an object of its own."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes_of(inner.routes)
        elif isinstance(route, APIRoute):
            yield route

"""Help texts with examples. Light, so that a process which runs for long does not carry what it does not use."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["example"]

F = TypeVar("F", bound=Callable[..., Any])


def example(*lines: str) -> Callable[[F], F]:
    """Add example lines to a verb's help, as they are; goes directly above the function."""

    def add(function: F) -> F:
        shown = "".join(f"  {line}\n" for line in lines)
        function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\n\b\nExample:\n{shown}"
        return function

    return add

"""The hand that plays the virtual air: commands for the running simulation over its control port."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from ancu.models.config import read_secret
from ancu.models.errors import UsageError

__all__ = ["Air"]

_ANSWER_S = 5.0


class Air:
    """Commands by the control file that the simulation writes when it listens."""

    def __init__(self, control_file: Path) -> None:
        self._file = control_file

    async def do(self, action: str, band: int, **more: object) -> int:
        """Let something happen to a band; returns its true moment, unix milliseconds. Raises UsageError."""
        answer = await self._ask({"do": action, "band": band, **more})
        return int(answer["at_ms"])

    async def status(self) -> dict[str, Any]:
        return await self._ask({"do": "status"})

    async def _ask(self, request: dict[str, object]) -> dict[str, Any]:
        if not self._file.exists():
            raise UsageError("the simulation does not listen yet")
        door = json.loads(read_secret(self._file))
        reader, writer = await asyncio.open_connection("127.0.0.1", door["port"])
        try:
            writer.write(json.dumps({"token": door["token"], **request}).encode() + b"\n")
            line = await asyncio.wait_for(reader.readline(), _ANSWER_S)
        finally:
            writer.close()
        answer: dict[str, Any] = json.loads(line)
        if not answer.get("ok"):
            raise UsageError(f"the simulation refused {request['do']}: {answer.get('error')}")
        return answer

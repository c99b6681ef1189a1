"""The control port: JSON lines on loopback, by which a test or the demo commands a running simulation.

A request is one line: `{"token": "...", "do": "cut_strap", "band": 2}`, with any action of `ancu.firmware_sim.actions`,
`{"do": "status"}`, or `{"do": "demo", "start_s": 0, "away_s": 40}`. The reply is one line: `{"ok": true, ...}` or
`{"ok": false, "error": "..."}`. Port and token are in the control file (0600), there as soon as the port listens.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from pathlib import Path

import msgspec

from ancu.firmware_sim.actions import Action
from ancu.firmware_sim.scenarios import demo
from ancu.firmware_sim.world import World
from ancu.models.config import write_secret
from ancu.models.errors import AncuError, UsageError

__all__ = ["ControlServer"]

_LINE_BYTES = 64 * 1024


class _Status(msgspec.Struct, frozen=True, tag_field="do", tag="status", forbid_unknown_fields=True):
    pass


class _Demo(msgspec.Struct, frozen=True, tag_field="do", tag="demo", forbid_unknown_fields=True):
    start_s: float = 0.0
    away_s: float = 40.0


class ControlServer:
    """Listens until stopped; a wrong token or request is answered, never fatal."""

    def __init__(self, world: World, file: Path) -> None:
        self._world, self._file = world, file
        self._token = secrets.token_hex(16)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=_LINE_BYTES)
        write_secret(self._file, json.dumps({"port": self.port, "token": self._token}).encode())

    @property
    def port(self) -> int:
        assert self._server is not None  # noqa: S101 - only asked of a started server
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._writers):
                writer.close()
            await self._server.wait_closed()
            self._file.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):  # gone, or a line without end
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, line: bytes) -> dict[str, object]:
        try:
            request = msgspec.json.decode(line, type=dict[str, object])
            token = request.pop("token", "")
            if not isinstance(token, str) or not hmac.compare_digest(token.encode(), self._token.encode()):
                raise UsageError("wrong token")
            return {"ok": True, **self._carry_out(request)}
        except (msgspec.DecodeError, AncuError) as error:
            return {"ok": False, "error": str(error)}

    def _carry_out(self, request: dict[str, object]) -> dict[str, object]:
        wish = msgspec.convert(request, Action | _Status | _Demo)
        match wish:
            case _Status():
                return self._world.status()
            case _Demo(start_s=start_s, away_s=away_s):
                self._world.run(demo(self._world.first_bands, start_s=start_s, away_s=away_s))
                return {}
            case _:
                return {"at_ms": self._world.do(wish)}

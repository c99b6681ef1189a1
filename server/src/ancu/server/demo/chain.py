"""A chain: every process of an installation on this machine, from the air to the pages."""

from __future__ import annotations

import asyncio
import http.client
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from ancu.models.errors import UsageError
from ancu.server.demo.air import Air
from ancu.server.demo.children import Children
from ancu.server.demo.officer import Officer
from ancu.server.people.setup import Installation
from ancu.server.ports import Role

__all__ = ["Chain"]

_POLL_S = 0.1
_READY_S = 60.0  # a slow machine needs half of it


class Chain:
    """Starts an installation's processes, waits until readings arrive, ends them.

    Their names: broker, server, gateway, air, and each edge by its id.
    """

    def __init__(self, made: Installation) -> None:
        self.made = made
        self.air = Air(made.control_file)
        self.children = Children(made.root)
        self.host = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.made.ports.server}"

    async def __aenter__(self) -> Self:
        """Start, and wait until the server is ready; raises UsageError."""
        try:
            await self.start()
            await self.ready(_READY_S)
        except BaseException:
            await self.end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()

    async def start(self) -> None:
        """Start everything but the camera's edge, which has its own scene."""
        self.children.start("broker", "broker", "run", "--config", str(self.made.broker_toml))
        self.children.start("server", "server", "run", "--config", str(self.made.server_toml))
        self.children.start("gateway", "gateway", "run", "--config", str(self.made.gateway_toml))
        self.children.start("air", "sim", "bands", "--config", str(self.made.sim_toml))
        for edge in self.made.homes:
            self._start_edge(edge)

    def start_camera(self) -> None:
        if self.made.camera is not None:
            self._start_edge(self.made.camera)

    async def ready(self, within_s: float) -> None:
        """Wait until the server answers; raises UsageError with the reason and the log to read."""
        await self._until(self._is_ready, within_s, "the server did not become ready")

    async def province(self) -> Officer:
        """The province desk, signed in: it sees every ward."""
        login = next(login for login in self.made.logins if login.role is Role.PROVINCE)
        officer = Officer(self.host, self.made.ports.server)
        await officer.sign_in(login.login, login.password)
        return officer

    async def first_readings(self, officer: Officer, within_s: float) -> None:
        """Wait until every band has been read once; raises UsageError."""

        async def all_read() -> bool:
            bands = (await officer.get("/api/v1/devices?kind=band&limit=200"))["items"]
            return sum(band["last_seen_at"] is not None for band in bands) >= min(200, len(self.made.citizens))

        await self._until(all_read, within_s, "not every band was heard")

    async def end(self) -> None:
        """End every process, each before the one that it talks to: nobody has to complain of a peer that left."""
        middle = {"gateway", "server", "air"}
        await self.children.end(self.children.all.keys() - middle - {"broker"})
        await self.children.end(middle)
        await self.children.end()

    def home_of(self, alert: Mapping[str, Any]) -> int | None:
        """The number of the home, from 1, that an alert is about; None for the camera's site."""
        for number, citizen in enumerate(self.made.citizens, 1):
            if alert.get("person") == citizen.person or alert.get("subject") == citizen.home:
                return number
        return None

    def _start_edge(self, edge: str) -> None:
        self.children.start(edge, "edge", "run", "--config", str(self.made.edge_toml(edge)))

    async def _is_ready(self) -> bool:
        return await asyncio.to_thread(_status, self.host, self.made.ports.server, "/readyz") == http.client.OK

    async def _until(self, true: Callable[[], Any], within_s: float, otherwise: str) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + within_s
        while loop.time() < end:
            with suppress(OSError, http.client.HTTPException, UsageError):
                if await true():
                    return
            await asyncio.sleep(_POLL_S)
        raise UsageError(f"{otherwise} within {within_s:.0f} s; {self._last_words()}")

    def _last_words(self) -> str:
        died = [child for child in self.children.all.values() if child.restarts > 0]
        logs: Sequence[Path] = [child.log for child in died or self.children.all.values()]
        return "see " + ", ".join(os.path.relpath(log) for log in logs)


def _status(host: str, port: int, path: str) -> int:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()

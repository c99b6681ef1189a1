"""What the desks of the fleet and of sites stand on: reads beside the core, changes through it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from ancu.models.clock import Clock
from ancu.server.adapters.sqlite import connect
from ancu.server.answers import once
from ancu.server.core import Core, CoreStopped, Transaction
from ancu.server.desk.people import Directory
from ancu.server.memory import Memory
from ancu.server.people.ledger import Ledger
from ancu.server.people.vault import MASTER_KEY_FILE, Vault
from ancu.server.ports import NotFound, Role, Viewer

__all__ = ["Grounds", "may_change"]

T = TypeVar("T")
_CHANGES = frozenset({Role.OFFICER, Role.SITE, Role.PROVINCE, Role.OPERATOR})


class Grounds:
    """One thread and one read-only connection; belongs to one event loop."""

    def __init__(self, database: Path, core: Core, memory: Memory, clock: Clock) -> None:
        self.memory, self.clock = memory, clock
        self.data = database.parent
        self._database, self._core = database, core
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="sites")
        self._local = threading.local()
        self._cached: Directory | None = None

    def close(self) -> None:
        """End reading."""
        self._reader.shutdown(wait=False, cancel_futures=True)

    def directory(self) -> Directory:
        register = self.memory.roster
        if register is None:
            raise CoreStopped("the server is starting")
        if self._cached is None or self._cached.register is not register:
            self._cached = Directory(register)
        return self._cached

    async def read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._on_reader, read)

    async def run(self, run: Callable[[Transaction], T]) -> T:
        """Run inside a transaction of the core; answered after its commit."""
        return await asyncio.wrap_future(self._core.command(run))

    async def once(self, viewer: Viewer, key: str, asked: str, run: Callable[[Transaction], str]) -> str:
        """Carry something out once for a key; the same key has the same answer. Raises KeyReused."""
        return await self.run(lambda tx: once(tx, viewer.id, key, asked, run))

    def ledger(self, tx: Transaction, viewer: Viewer) -> Ledger:
        return self.ledger_of(tx.store.connection, viewer)

    def ledger_of(self, connection: sqlite3.Connection, viewer: Viewer) -> Ledger:
        return Ledger(connection, viewer.id, self.clock)

    def vault(self) -> Vault:
        return Vault.open(self.data / MASTER_KEY_FILE)

    def _on_reader(self, read: Callable[[sqlite3.Connection], T]) -> T:
        connection: Any = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._database, read_only=True)
        return read(connection)


def may_change(viewer: Viewer, *roles: Role) -> None:
    """Raise NotFound for a role that may not: what it may not do is not there for it."""
    if viewer.role not in (roles or _CHANGES):
        raise NotFound("not for this role")

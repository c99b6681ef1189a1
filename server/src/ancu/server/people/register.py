"""The register: wards, officers, persons, orders and devices, in the server's own file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ancu.models.clock import Clock
from ancu.server.adapters.sqlite import connect, migrate
from ancu.server.people.devices import Devices
from ancu.server.people.entry import Entry
from ancu.server.people.ledger import Ledger
from ancu.server.people.officers import Officers
from ancu.server.people.orders import Orders
from ancu.server.people.passwords import Passwords
from ancu.server.people.private import Private
from ancu.server.people.records import Snapshot
from ancu.server.people.snapshot import read_snapshot, read_version
from ancu.server.people.vault import MASTER_KEY_FILE, Vault
from ancu.server.people.wards import Wards
from ancu.server.scope import EVERYTHING

__all__ = ["DATABASE_FILE", "Register"]

DATABASE_FILE = "ancu.db"  # in the server's data folder


class Register:
    """Reads and changes the register over one connection, which belongs to one thread at a time.

    `actor` is written beside every change: an officer's id, or 'cli:<user>'. Changes are transactions of their own, or
    part of the one that the caller holds open.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        vault: Vault,
        *,
        actor: str = "system",
        clock: Clock | None = None,
        passwords: Passwords | None = None,
    ) -> None:
        self.connection = connection
        self.ledger = Ledger(connection, actor, clock)
        self.wards = Wards(self.ledger)
        self.officers = Officers(self.ledger, vault, passwords)
        self.orders = Orders(self.ledger)
        self.entry = Entry(self.ledger, vault)
        self.devices = Devices(self.ledger, vault)
        self.private = Private(connection, EVERYTHING)
        self._vault = vault

    @classmethod
    def open(cls, data: Path, *, actor: str, clock: Clock | None = None) -> Register:
        """Open the register of a data folder, bringing its schema up to date. Raises ConfigError."""
        vault = Vault.open(data / MASTER_KEY_FILE)
        connection = connect(data / DATABASE_FILE)
        migrate(connection)
        return cls(connection, vault, actor=actor, clock=clock)

    def version(self) -> int:
        """Grows with every change that `snapshot` would show: ask it often, read the snapshot when it grew."""
        return read_version(self.connection)

    def snapshot(self) -> Snapshot:
        """Everything that a running process keeps in memory, keys opened."""
        return read_snapshot(self.connection, self._vault)

"""`ancu erase`: a person's data, for good."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import click

from ancu.models.clock import from_ms
from ancu.models.errors import UsageError
from ancu.server.cli.common import common, emit, open_register
from ancu.server.cli.help import example

__all__ = ["erase"]


@click.command()
@click.argument("person")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
@example("ancu erase p-7h3kq9x2mb --yes --config server.toml")
def erase(person: str, yes: bool, config: Path, as_json: bool) -> None:
    """Erase what names a person and all that he told; answers a receipt. Refused while an order of his is in force.

    Deleted bytes are overwritten, in the database and in its log. What stays are orders and alerts by a random id, and
    backups that were made before: erase again after restoring one.
    """
    from ancu.server.people.erasure import erase as run  # noqa: PLC0415 - `--help` needs none of it
    from ancu.server.people.erasure import receipt_of  # noqa: PLC0415

    with open_register(config) as register:
        snapshot = register.snapshot()
        if person not in snapshot.persons:
            raise UsageError(f"no person {person!r}")
        now = from_ms(register.ledger.now_ms())
        running = [
            o.id for o in snapshot.orders.values() if o.person == person and now < min(o.until, o.ended_at or o.until)
        ]
        if running:
            raise UsageError(f"order {running[0]} is in force: its data is needed until it ends")
        if not yes and not click.confirm(f"Erase all that names {person}? This cannot be undone", err=True):
            raise UsageError("nothing was erased")
        receipt = receipt_of(register.connection, run(register.ledger, person, asker="operator"))
        is_flushed = _flush(register.connection)
    counts = {table: count for table, count in receipt.counts.items() if count}
    lines = [f"receipt {receipt.id} of {receipt.at:%Y-%m-%d %H:%M} UTC", *(f"{t}: {n} rows" for t, n in counts.items())]
    if not is_flushed:
        lines.append("a server is reading: the bytes leave the database's log with its next checkpoint")
    emit(as_json, {"receipt": receipt.id, "at": receipt.at, "counts": counts, "flushed": is_flushed}, lines)


def _flush(connection: sqlite3.Connection) -> bool:
    """Take the old pages out of SQLite's log as well."""
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy

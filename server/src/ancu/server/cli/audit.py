"""`ancu audit`: whether the log is what was written."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import click

from ancu.models.config import load
from ancu.models.errors import ConfigError
from ancu.server.cli.help import example
from ancu.server.config import ServerSettings

__all__ = ["audit"]


@click.group()
@example("ancu audit verify --config server.toml")
def audit() -> None:
    """The audit log: every decision and every act, chained by hash."""


@audit.command()
@click.option(
    "--config", "path", type=click.Path(path_type=Path, dir_okay=False), default=Path("server.toml"), show_default=True,
    help="The server's configuration file.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def verify(path: Path, as_json: bool) -> None:
    """Find every change that someone made to the log; a server may run beside it."""
    found = _verify(load(path, ServerSettings))
    whole = all(part["broken_at"] is None for part in found.values())
    if as_json:
        click.echo(json.dumps({"ok": whole, **found}))
    else:
        for name, part in found.items():
            broken = part["broken_at"]
            says = "whole" if broken is None else f"BROKEN at {broken} ({part['reason']})"
            click.echo(f"{name}: {part['records']} records, {says}")
    if not whole:
        raise click.exceptions.Exit(1)


def _verify(settings: ServerSettings) -> dict[str, dict[str, object]]:
    from ancu.server.adapters.sqlite import connect  # noqa: PLC0415 - `--help` needs none of it
    from ancu.server.adapters.store_journal import audit_key, verify_chain  # noqa: PLC0415
    from ancu.server.people.ledger import Ledger  # noqa: PLC0415
    from ancu.server.people.vault import MASTER_KEY_FILE, Vault  # noqa: PLC0415

    key = audit_key(Vault.open(settings.data / MASTER_KEY_FILE))
    try:
        connection = connect(settings.database, read_only=True)
        connection.execute("BEGIN")  # one moment, while a server goes on writing
        chain = verify_chain(connection, key)
        broken = Ledger(connection, "audit").verify()
        lines = connection.execute("SELECT count(*) FROM admin_log").fetchone()[0]
        connection.close()
    except sqlite3.Error as error:
        raise ConfigError(f"{settings.database}: cannot be read ({error})") from None
    return {
        "journal": {"records": chain.records, "broken_at": chain.broken_at, "reason": chain.reason},
        "admin": {"records": lines, "broken_at": broken, "reason": None if broken is None else "changed"},
    }

"""`ancu ward`: wards and communes."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ancu.models.errors import UsageError
from ancu.server.cli.common import as_table, common, emit, open_provisioner, open_register
from ancu.server.cli.help import example

__all__ = ["ward"]


@click.group()
@example("ancu ward import wards.csv --config server.toml")
def ward() -> None:
    """Wards and communes."""


@ward.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@common
def import_(file: Path, config: Path, as_json: bool) -> None:
    """Import a CSV file with the columns code, name, province, UTF-8.

    A row that cannot be used is named on stderr, and makes the exit code 1; the good rows are kept. Importing a file
    again changes nothing.
    """
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: not UTF-8; save it as 'CSV UTF-8'") from None
    with open_provisioner(config) as (register, provisioner):
        done = register.wards.read_csv(lines)
        provisioner.publish()
    data = {
        "added": done.added,
        "changed": done.changed,
        "unchanged": done.unchanged,
        "errors": [{"line": error.line, "problem": error.problem} for error in done.errors],
    }
    emit(as_json, data, f"{done.added} added, {done.changed} changed, {done.unchanged} as before")
    for bad in done.errors:
        print(f"ancu: {file}: line {bad.line}: {bad.problem}", file=sys.stderr)
    if done.errors:
        raise click.exceptions.Exit(1)


@ward.command("list")
@common
def list_(config: Path, as_json: bool) -> None:
    """List wards."""
    with open_register(config) as register:
        rows = [{"code": each.code, "name": each.name, "province": each.province} for each in register.wards.all()]
    emit(as_json, rows, as_table(rows, "no wards"))

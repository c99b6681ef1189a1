"""`ancu ward`: wards and communes."""

from __future__ import annotations

from pathlib import Path

import click

from ancu.server.cli.common import as_table, common, emit, open_provisioner, open_register, read_csv, tell_bad_lines
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
    lines = read_csv(file)
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
    tell_bad_lines(file, done.errors)


@ward.command("list")
@common
def list_(config: Path, as_json: bool) -> None:
    """List wards."""
    with open_register(config) as register:
        rows = [{"code": each.code, "name": each.name, "province": each.province} for each in register.wards.all()]
    emit(as_json, rows, as_table(rows, "no wards"))

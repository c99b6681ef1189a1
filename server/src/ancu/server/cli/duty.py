"""`ancu duty`: who watches when, who is away, and the handover between two shifts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from ancu.models.clock import SystemClock, to_ms
from ancu.models.config import read_secret
from ancu.models.errors import UsageError
from ancu.server.cli.common import (
    as_table,
    common,
    emit,
    open_register,
    parse_time,
    read_csv,
    read_settings,
    tell_bad_lines,
)
from ancu.server.cli.help import example
from ancu.server.notify.duty import Watch
from ancu.server.notify.rota import Rota
from ancu.server.people.register import Register

__all__ = ["duty"]

_FROM = click.option("--from", "start", required=True, help="Like 2026-08-01T08:00+07:00.")
_UNTIL = click.option("--until", "end", required=True, help="Like 2026-08-01T16:00+07:00.")


@click.group()
@example(
    "ancu duty set lan --from 2026-08-01T06:00+07:00 --until 2026-08-01T14:00+07:00 --weeks 4 --config server.toml",
    "ancu duty import rota.csv --config server.toml",
    "ancu duty absent lan --from 2026-08-03T00:00+07:00 --until 2026-08-06T00:00+07:00 --config server.toml",
)
def duty() -> None:
    """Shifts, on-call watches, absences and handovers. Alerts go to whoever is on duty."""


@duty.command("set")
@click.argument("login")
@_FROM
@_UNTIL
@click.option("--on-call", is_flag=True, help="At home, to be called when nobody is on shift.")
@click.option("--weeks", type=click.IntRange(1, 53), default=1, show_default=True, help="The same for so many weeks.")
@common
def set_(login: str, *, start: str, end: str, on_call: bool, weeks: int, config: Path, as_json: bool) -> None:
    """Add a watch. One that is there already stays as it is."""
    watch = Watch.ON_CALL if on_call else Watch.SHIFT
    first, last = parse_time(start), parse_time(end)
    with open_register(config) as register, register.ledger.together():
        rota = Rota(register.ledger)
        steps = [timedelta(weeks=week) for week in range(weeks)]
        added = sum(rota.set_watch(login, watch, first + step, last + step) for step in steps)
    emit(as_json, {"login": login, "watch": watch, "added": added}, f"{added} added for {login}")


@duty.command()
@click.argument("login")
@_FROM
@_UNTIL
@common
def clear(login: str, *, start: str, end: str, config: Path, as_json: bool) -> None:
    """Take the watches off the calendar that begin within a time."""
    with open_register(config) as register:
        count = Rota(register.ledger).clear_watches(login, parse_time(start), parse_time(end))
    emit(as_json, {"login": login, "cleared": count}, f"{count} cleared for {login}")


@duty.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@common
def import_(file: Path, config: Path, as_json: bool) -> None:
    """Import a CSV file with the columns login, watch (shift or on_call), from, until, UTF-8.

    A row that cannot be used is named on stderr, and makes the exit code 1; the good rows are kept. Importing a file
    again changes nothing.
    """
    lines = read_csv(file)
    with open_register(config) as register:
        done = Rota(register.ledger).read_csv(lines)
    errors = [{"line": error.line, "problem": error.problem} for error in done.errors]
    data = {"added": done.added, "unchanged": done.unchanged, "errors": errors}
    emit(as_json, data, f"{done.added} added, {done.unchanged} as before")
    tell_bad_lines(file, done.errors)


@duty.command()
@click.argument("login")
@click.option("--from", "start", help="Like 2026-08-01T08:00+07:00; now if not given.")
@click.option("--until", "end", help="Like 2026-08-04T08:00+07:00.")
@click.option("--reason", default="", help="For the calendar; no illness.")
@click.option("--back", is_flag=True, help="He is back: end the absence.")
@common
def absent(
    login: str, *, start: str | None, end: str | None, reason: str, back: bool, config: Path, as_json: bool
) -> None:
    """Say that an officer is away: nobody pages him then."""
    if back == (end is not None):
        raise UsageError("give --until, or --back")
    now = SystemClock().now()
    with open_register(config) as register:
        rota = Rota(register.ledger)
        if end is None:
            rota.end_absence(login, now)
        else:
            rota.set_absent(login, parse_time(start) if start else now, parse_time(end), reason)
    state = "back" if back else "absent"
    emit(as_json, {"login": login, "state": state}, f"{login} is {state}")


@duty.command("list")
@click.option("--from", "start", help="Like 2026-08-01T08:00+07:00; now if not given.")
@click.option("--until", "end", help="A week later if not given.")
@click.option("--ward", help="Of this ward only.")
@common
def list_(*, start: str | None, end: str | None, ward: str | None, config: Path, as_json: bool) -> None:
    """List watches and absences."""
    begin = parse_time(start) if start else SystemClock().now()
    until = parse_time(end) if end else begin + timedelta(days=7)
    with open_register(config) as register:
        rows = [
            {"login": each.login, "what": each.what, "from": _shown(each.start), "until": _shown(each.end)}
            for each in Rota(register.ledger).entries(begin, until, ward=ward)
        ]
    emit(as_json, rows, as_table(rows, "nothing in the calendar: every officer of a ward counts as on shift"))


@duty.group()
@example(
    "ancu duty handover draw --ward w-hoa-sen --giver lan --taker minh --config server.toml",
    "ancu duty handover sign h-0123456789abcdef lan --password-file lan.txt --config server.toml",
)
def handover() -> None:
    """A ward's open items as a list that both officers sign; then what the one owned is the other's."""


@handover.command()
@click.option("--ward", required=True)
@click.option("--giver", required=True, help="Login of who goes.")
@click.option("--taker", required=True, help="Login of who comes.")
@common
def draw(*, ward: str, giver: str, taker: str, config: Path, as_json: bool) -> None:
    """Freeze the list of open items."""
    from ancu.server.notify import handover as lists  # noqa: PLC0415 - `--help` needs none of it

    with _journal(config) as (register, store):
        rota = Rota(register.ledger)
        record = lists.draw(
            store.connection, ward, rota.officer_of(giver), rota.officer_of(taker), to_ms(SystemClock().now())
        )
        lists.project(store.connection, [record])
        store.append([record])
        data = _data(lists.handover_of(store.connection, record.subject))
    emit(as_json, data, _lines(data))


@handover.command()
@click.argument("id", type=str)
@click.argument("login")
@click.option("--password-file", type=click.Path(path_type=Path), required=True, help="His own, mode 0600.")
@common
def sign(id: str, login: str, *, password_file: Path, config: Path, as_json: bool) -> None:  # noqa: A002 - click's name
    """Sign the list as it was drawn, with the officer's own password."""
    from ancu.server.notify import handover as lists  # noqa: PLC0415

    password = read_secret(password_file).decode("utf-8", "replace").rstrip("\r\n")
    with open_register(config) as register:
        officer = register.officers.log_in(login, password)
    with _journal(config) as (_, store):
        held = lists.handover_of(store.connection, id)
        record = lists.sign(store.connection, id, officer.id, held.hash, to_ms(SystemClock().now()))
        lists.project(store.connection, [record])
        store.append([record])
        data = _data(lists.handover_of(store.connection, id))
    emit(as_json, data, _lines(data))


@handover.command("list")
@common
def list_handovers(config: Path, as_json: bool) -> None:
    """List handovers, the newest first."""
    from ancu.server.notify import handover as lists  # noqa: PLC0415

    with open_register(config) as register:
        found = [_data(each) for each in lists.handovers(register.connection)]
    rows = [{name: value for name, value in each.items() if name != "items"} for each in found]
    emit(as_json, found, as_table(rows, "no handovers"))


@contextmanager
def _journal(config: Path) -> Iterator[tuple[Register, Any]]:
    """The register and the journal, in one transaction; a server may run beside it."""
    from ancu.server.adapters.store import Store  # noqa: PLC0415
    from ancu.server.adapters.store_journal import audit_key  # noqa: PLC0415
    from ancu.server.people.vault import MASTER_KEY_FILE, Vault  # noqa: PLC0415

    data = read_settings(config).data
    with open_register(config) as register:
        try:
            store = Store(register.connection, audit_key(Vault.open(data / MASTER_KEY_FILE)))
            with store.transaction():
                yield register, store
        except sqlite3.Error as error:
            raise UsageError(f"the journal cannot be written ({error})") from None


def _data(held: Any) -> dict[str, Any]:
    return {
        "id": held.id,
        "ward": held.ward,
        "giver": held.giver,
        "taker": held.taker,
        "drawn_at": _shown(held.drawn_at),
        "open": len(held.items),
        "giver_signed": held.giver_signed_at is not None,
        "taker_signed": held.taker_signed_at is not None,
        "hash": held.hash,
        "items": [
            {"alert": i.alert, "kind": i.kind, "severity": i.severity, "state": i.state, "owner": i.owner}
            for i in held.items
        ],
    }


def _lines(data: dict[str, Any]) -> list[str]:
    signed = [name for name in ("giver", "taker") if data[f"{name}_signed"]]
    head = f"handover {data['id']}: {data['open']} open, signed by {' and '.join(signed) or 'nobody yet'}"
    return [head, *as_table(data["items"], "nothing is open")]


def _shown(at: datetime) -> str:
    return at.astimezone().isoformat(timespec="minutes")

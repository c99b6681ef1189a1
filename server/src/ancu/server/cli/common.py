"""What the verbs of people and devices share: --config, --json, and the register that the configuration names."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from ancu.models.config import load
from ancu.models.errors import ConfigError, UsageError
from ancu.server.config import ServerSettings
from ancu.server.people.provision import Link, Provisioner
from ancu.server.people.register import Register
from ancu.server.people.wards import RowError

__all__ = [
    "as_table",
    "common",
    "emit",
    "open_provisioner",
    "open_register",
    "parse_time",
    "read_csv",
    "read_settings",
    "tell_bad_lines",
]

F = TypeVar("F", bound=Callable[..., Any])


def common(function: F) -> F:
    """Give a verb `--config` and `--json` (parameters `config` and `as_json`)."""
    config = click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        default=Path("server.toml"),
        show_default=True,
        help="The server's configuration file.",
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
    return config(as_json(function))


@contextmanager
def open_register(config: Path) -> Iterator[Register]:
    """The register of the server that `config` describes, with the person at the terminal as the actor."""
    register = Register.open(read_settings(config).data, actor=f"cli:{_user()}")
    try:
        yield register
    finally:
        register.connection.close()


@contextmanager
def open_provisioner(
    config: Path, *, host: str | None = None, port: int | None = None
) -> Iterator[tuple[Register, Provisioner]]:
    """The same with the authority; devices will look for the broker at `host` and `port` (default: the server's)."""
    server = read_settings(config)
    with open_register(config) as register:
        link = Link(host or server.broker.host, port or server.broker.port)
        yield register, Provisioner(register, server.data, link)


def read_csv(file: Path) -> list[str]:
    """The lines of a CSV file as spreadsheets save it; raises UsageError."""
    try:
        return file.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: not UTF-8; save it as 'CSV UTF-8'") from None


def tell_bad_lines(file: Path, errors: Sequence[RowError]) -> None:
    """Name each line that could not be used on stderr, and end with 1 if there was one."""
    for bad in errors:
        click.echo(f"ancu: {file}: line {bad.line}: {bad.problem}", err=True)
    if errors:
        raise click.exceptions.Exit(1)


def emit(as_json: bool, data: object, lines: str | Sequence[str]) -> None:
    """Print the answer: `data` as JSON, or `lines` for a person."""
    if as_json:
        print(json.dumps(data, ensure_ascii=False, default=str))
    else:
        print(lines if isinstance(lines, str) else "\n".join(lines))


def as_table(rows: Sequence[Mapping[str, Any]], empty: str) -> list[str]:
    """Rows of equal keys as aligned columns; `empty` says that there are none."""
    if not rows:
        return [empty]
    cells = [list(rows[0]), *(["-" if value is None else str(value) for value in row.values()] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def parse_time(text: str) -> datetime:
    """'2026-08-01T08:00+07:00' as an aware time; raises UsageError, also for a time without a zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"time {text!r}: write it like 2026-08-01T08:00+07:00") from None
    if at.tzinfo is None:
        raise UsageError(f"time {text!r}: give its zone, like {text}+07:00")
    return at.astimezone(UTC)


def read_settings(config: Path) -> ServerSettings:
    """server.toml, with a data folder that exists; raises ConfigError."""
    settings = load(config, ServerSettings)
    if not settings.data.is_dir():
        raise ConfigError(f"{config}: its data folder {settings.data} does not exist")
    return settings


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"

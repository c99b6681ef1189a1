"""`ancu officer`: accounts of those who watch."""

from __future__ import annotations

from pathlib import Path

import click

from ancu.models.config import read_secret, write_secret
from ancu.models.errors import UsageError
from ancu.models.ids import WardCode
from ancu.server.cli.common import as_table, common, emit, open_register
from ancu.server.cli.help import example
from ancu.server.people.passwords import make_password
from ancu.server.ports import Role

__all__ = ["officer"]


@click.group()
@example(
    "ancu officer add lan --name 'Cán bộ Lan' --ward w-hoa-sen --password-out lan.txt --config server.toml",
    "ancu officer disable lan --config server.toml",
    "ancu officer reset-factors lan --config server.toml",
)
def officer() -> None:
    """Accounts of officers, site staff, health workers, province desks and operators."""


@officer.command()
@click.argument("login")
@click.option("--name", required=True, help="What others read, like 'Cán bộ Lan'.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role if role is not Role.CITIZEN]),
    default=Role.OFFICER.value,
    show_default=True,
)
@click.option("--ward", "wards", multiple=True, help="A ward of theirs; may be repeated. Province, operator: none.")
@click.option("--phone")
@click.option("--password-file", type=click.Path(path_type=Path), help="File of mode 0600 that holds the password.")
@click.option("--password-out", type=click.Path(path_type=Path), help="File for a generated password, mode 0600.")
@common
def add(
    login: str, *, name: str, role: str, wards: tuple[str, ...], phone: str | None, password_file: Path | None,
    password_out: Path | None, config: Path, as_json: bool,
) -> None:  # fmt: skip
    """Add an account. Without a password file a password is generated, and printed once unless a file takes it."""
    if password_file and password_out:
        raise UsageError("give --password-file or --password-out, not both")
    if password_file:
        password = read_secret(password_file).decode("utf-8", "replace").rstrip("\r\n")
    else:
        password = make_password()
    if password_out:  # before the account: a password that nobody can read would shut its owner out
        write_secret(password_out, password.encode() + b"\n")
    with open_register(config) as register:
        id_ = register.officers.add(
            login, name, Role(role), [WardCode(ward) for ward in wards], password=password, phone=phone
        )
    data = {"id": id_, "login": login, "role": role, "wards": wards}
    lines = f"officer {login} added"
    if not password_file and not password_out:
        data["password"] = password
        lines += f"; password, shown this once: {password}"
    emit(as_json, data, lines)


@officer.command()
@click.argument("login")
@common
def disable(login: str, config: Path, as_json: bool) -> None:
    """Shut an account. Its sessions end at their next request."""
    with open_register(config) as register:
        register.officers.disable(login)
    emit(as_json, {"login": login, "state": "disabled"}, f"officer {login} disabled")


@officer.command("reset-factors")
@click.argument("login")
@common
def reset_factors(login: str, config: Path, as_json: bool) -> None:
    """Take every factor but the password off an account, because its telephone is lost. Its sessions end."""
    with open_register(config) as register:
        register.officers.reset_factors(login)
    emit(as_json, {"login": login, "factors": "password"}, f"officer {login} signs in with the password alone")


@officer.command("list")
@common
def list_(config: Path, as_json: bool) -> None:
    """List accounts."""
    with open_register(config) as register:
        rows = [
            {
                "login": each.login,
                "role": each.role.value,
                "wards": ",".join(sorted(each.wards)) or "all",
                "name": each.name,
                "state": "disabled" if each.disabled_at else "in use",
            }
            for each in register.officers.all()
        ]
    emit(as_json, rows, as_table(rows, "no officers"))

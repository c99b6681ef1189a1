"""`ancu backup`, `ancu restore`, `ancu migrate`: a server's data taken away, put back, and brought up to date."""

from __future__ import annotations

from pathlib import Path

import click

from ancu.server.cli.help import example

__all__ = ["backup", "migrate", "restore"]

_config = click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), default=Path("server.toml"), show_default=True,
    help="The server's configuration file.",
)  # fmt: skip
_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
_folder = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--out", type=_folder, required=True, help="The folder to write; it must not exist yet.")
@_config
@_json
@example("ancu backup --config server.toml --out /srv/backups/2026-08-01")
def backup(out: Path, config: Path, as_json: bool) -> None:
    """Copy database, keys and certificates as of one moment; a server may run beside it.

    The folder is as secret as the server: it holds the master key. Every file's hash is in its manifest.
    """
    from dataclasses import asdict  # noqa: PLC0415 - `--help` needs none of it

    from ancu.models.clock import SystemClock  # noqa: PLC0415
    from ancu.server.adapters.backup import back_up  # noqa: PLC0415
    from ancu.server.cli.common import emit, read_settings  # noqa: PLC0415

    settings = read_settings(config)
    made = back_up(settings.data, settings.database, settings.series, out, SystemClock().now())
    text = f"{out}: {made.files} files, {made.bytes} bytes, journal whole with {made.records} records"
    emit(as_json, {"backup": str(out), **asdict(made)}, text)


@click.command()
@click.argument("folder", metavar="BACKUP", type=_folder)
@click.option("--check", is_flag=True, help="Only check every byte of the backup; touch nothing.")
@_config
@_json
@example("ancu restore /srv/backups/2026-08-01 --config server.toml")
def restore(folder: Path, check: bool, config: Path, as_json: bool) -> None:
    """Put a backup into the data folder that the configuration names, which must be absent or empty.

    Stop the server first. What edges sent after the backup was confirmed to them and is not in it: it is gone.
    """
    from dataclasses import asdict  # noqa: PLC0415 - `--help` needs none of it

    from ancu.models.config import load  # noqa: PLC0415
    from ancu.server.adapters.backup import restore as put_back  # noqa: PLC0415
    from ancu.server.adapters.backup import verify  # noqa: PLC0415
    from ancu.server.cli.common import emit  # noqa: PLC0415
    from ancu.server.config import ServerSettings  # noqa: PLC0415

    if check:
        made, says = verify(folder), f"{folder}: whole"
    else:
        data = load(config, ServerSettings).data
        made, says = put_back(folder, data), f"{data}: restored from {folder}"
    text = f"{says}; of {made.made_at}, {made.files} files, {made.records} records of the journal"
    emit(as_json, {"backup": str(folder), "restored": not check, **asdict(made)}, text)


@click.command()
@click.option("--check", is_flag=True, help="Only say what is to be done; exit 1 if there is something.")
@_config
@_json
@example("ancu migrate --config server.toml")
def migrate(check: bool, config: Path, as_json: bool) -> None:
    """Bring the database to this version's schema, each step whole or not at all; a server does so when it starts."""
    import sqlite3  # noqa: PLC0415 - `--help` needs none of it

    from ancu.models.errors import ConfigError  # noqa: PLC0415
    from ancu.server.adapters.sqlite import connect, pending  # noqa: PLC0415
    from ancu.server.adapters.sqlite import migrate as bring_up  # noqa: PLC0415
    from ancu.server.cli.common import emit, read_settings  # noqa: PLC0415

    settings = read_settings(config)
    connection = connect(settings.database)
    try:
        steps = pending(connection) if check else bring_up(connection)
    except sqlite3.Error as error:
        raise ConfigError(f"{settings.database}: {error}; what was done is whole, the rest was not begun") from None
    finally:
        connection.close()
    named = ", ".join(steps) or "none"
    emit(as_json, {"pending" if check else "taken": steps}, f"steps {'to take' if check else 'taken'}: {named}")
    if check and steps:
        raise click.exceptions.Exit(1)

"""`ancu export`: evidence that proves itself, and its check, which needs nothing but the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ancu.models.errors import UsageError
from ancu.server.cli.help import example

if TYPE_CHECKING:
    from ancu.server.config import ServerSettings

__all__ = ["export"]

_config = click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), default=Path("server.toml"), show_default=True,
    help="The server's configuration file.",
)  # fmt: skip
_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@click.group()
@example("ancu export alert 7h3kq9x2mbaa55aa --out alert.zip", "ancu export verify alert.zip")
def export() -> None:
    """Take evidence out of the server, for whoever has to judge it elsewhere."""


@export.command("alert")
@click.argument("alert")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The ZIP file to write.")
@_config
@_json
def alert_(alert: str, out: Path, config: Path, as_json: bool) -> None:
    """Write one alert with its events, proofs, policy and readings; a server may run beside it.

    The file holds personal data by ids: hand it to those who may have it, and to nobody else.
    """
    from ancu.models.clock import SystemClock  # noqa: PLC0415 - `--help` needs none of it
    from ancu.server.cli.common import emit, read_settings  # noqa: PLC0415
    from ancu.server.review.bundle import public_key  # noqa: PLC0415
    from ancu.server.review.evidence import export as bundle_of  # noqa: PLC0415
    from ancu.server.review.stored import at_one_moment  # noqa: PLC0415

    settings = read_settings(config)
    seed = _seed(settings)
    with at_one_moment(settings.database) as connection:
        raw = bundle_of(connection, alert, seed=seed, now=SystemClock().now())
    _write(out, raw)
    key = public_key(seed)
    data = {"alert": alert, "file": str(out), "bytes": len(raw), "key": key}
    emit(as_json, data, f"{out}: {len(raw)} bytes; check with: ancu export verify {out} --key {key}")


@export.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--key", default=None, help="The installation's public key, got another way than with the file.")
@_json
def verify(file: Path, key: str | None, as_json: bool) -> None:
    """Check every byte of a bundle; needs no server and no configuration."""
    from dataclasses import asdict  # noqa: PLC0415

    from ancu.server.cli.common import emit  # noqa: PLC0415
    from ancu.server.review.bundle import BundleRefused, verify_bundle  # noqa: PLC0415

    try:
        raw = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from None
    try:
        found = verify_bundle(raw, key)
    except BundleRefused as error:
        if as_json:
            emit(as_json, {"ok": False, "file": str(file), "problem": str(error)}, "")
        raise BundleRefused(f"{file}: {error}") from None
    whose = "the key that you gave" if key else f"the key {found.key}: compare it with the installation's"
    policy = "with the policy in force" if found.has_policy else "without the policy's record, thresholds only"
    emit(
        as_json,
        {"ok": True, "file": str(file), **asdict(found)},
        [
            f"{file}: whole; alert {found.alert} ({found.kind}, {found.policy}), {found.events} events, {policy}",
            f"of a journal of {found.journal} records, exported {found.made_at}, signed with {whose}",
        ],
    )


@export.command()
@_config
@_json
def key(config: Path, as_json: bool) -> None:
    """Print the public key that this installation's bundles are signed with: publish it."""
    from ancu.server.cli.common import emit, read_settings  # noqa: PLC0415
    from ancu.server.review.bundle import public_key  # noqa: PLC0415

    shown = public_key(_seed(read_settings(config)))
    emit(as_json, {"key": shown}, shown)


def _seed(settings: ServerSettings) -> bytes:
    """The export key's secret half; follows from the installation's master key."""
    from ancu.server.people.vault import MASTER_KEY_FILE, Vault  # noqa: PLC0415

    return bytes.fromhex(Vault.open(settings.data / MASTER_KEY_FILE).hash("ancu/v1/export"))


def _write(out: Path, raw: bytes) -> None:
    """Only its owner may read it."""
    from ancu.models.config import write_secret  # noqa: PLC0415

    try:
        write_secret(out, raw)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error.strerror})") from None

"""`ancu notify`: channels that carry alerts, tried and looked at."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Any

import click

from ancu.models.clock import SystemClock, from_ms
from ancu.models.config import write_secret
from ancu.models.errors import ConfigError, UsageError
from ancu.server.cli.common import as_table, common, emit, open_register, read_settings
from ancu.server.cli.help import example
from ancu.server.notify.rota import Rota

__all__ = ["notify"]


@click.group()
@example(
    "ancu notify key --out data/vapid.pem",
    "ancu notify contact lan --channel email --address lan@example.vn --config server.toml",
    "ancu notify test --channel email --to lan@example.vn --config server.toml",
)
def notify() -> None:
    """Web push, e-mail, SMS, voice, Zalo and webhooks."""


@notify.command()
@click.option("--channel", required=True, help="push, zalo, sms, voice, email or webhook.")
@click.option("--to", "address", help="An address of that channel; for a webhook its name.")
@click.option("--officer", "login", help="The addresses of this officer instead.")
@common
def test(*, channel: str, address: str | None, login: str | None, config: Path, as_json: bool) -> None:
    """Send a test message and say what came of it. Nothing of it is kept."""
    from ancu.server.adapters.notify_channels import build_notifiers  # noqa: PLC0415 - `--help` needs none of it
    from ancu.server.adapters.notify_store import addresses  # noqa: PLC0415
    from ancu.server.notify.words import Writer  # noqa: PLC0415

    if (address is None) == (login is None):
        raise UsageError("give --to or --officer")
    settings = read_settings(config).notify
    clock = SystemClock()
    notifier = build_notifiers(settings, clock).get(channel)
    if notifier is None:
        raise ConfigError(f"{config}: no [notify.{channel}] in it")
    to = [address] if address is not None else []
    if login is not None:
        with open_register(config) as register:
            officer = Rota(register.ledger).officer_of(login)
            to = [where for way, where in addresses(register.connection, officer) if way == channel]
        if not to:
            raise UsageError(f"{login} has no address for {channel}")
    message = Writer(settings.language, settings.link).test(f"test-{secrets.token_hex(8)}", clock.now())
    results = asyncio.run(_send(notifier, message, to))
    lines = [f"{channel} {index}: {each['state']}" + (f" ({each['why']})" if each["why"] else "")
             for index, each in enumerate(results, 1)]  # fmt: skip
    emit(as_json, {"channel": channel, "results": results}, lines)
    if any(each["state"] not in ("sent", "delivered") for each in results):
        raise click.exceptions.Exit(1)


@notify.command()
@click.argument("login")
@click.option("--channel", required=True, help="zalo, sms, voice, email; push comes from the officer's browser.")
@click.option("--address", help="Added to those that are there.")
@click.option("--clear", is_flag=True, help="Forget all of that channel.")
@common
def contact(login: str, *, channel: str, address: str | None, clear: bool, config: Path, as_json: bool) -> None:
    """Where an officer is reached. Without one, SMS and voice use the account's phone."""
    if clear == (address is not None):
        raise UsageError("give --address or --clear")
    with open_register(config) as register:
        rota = Rota(register.ledger)
        if address is None:
            rota.clear_contacts(login, channel)
        else:
            rota.set_contact(login, channel, address)
    done = "cleared" if clear else "set"
    emit(as_json, {"login": login, "channel": channel, "state": done}, f"{channel} of {login} {done}")


@notify.command("list")
@click.option("--state", help="queued, failed, sent, delivered, dead or withdrawn.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@common
def list_(*, state: str | None, limit: int, config: Path, as_json: bool) -> None:
    """List deliveries, the newest first: to whom, over what, and what became of each."""
    query = (
        "SELECT d.id, d.channel, d.state, d.tries, p.made_ms, coalesce(o.login, p.officer) AS login,"
        " (SELECT why FROM notify_history h WHERE h.delivery = d.id ORDER BY h.position DESC LIMIT 1) AS why,"
        " (SELECT group_concat(DISTINCT alert) FROM notify_notes n WHERE n.page = p.id) AS alerts"
        " FROM notify_deliveries d JOIN notify_pages p ON p.id = d.page LEFT JOIN officers o ON o.id = p.officer"
        " WHERE ?1 IS NULL OR d.state = ?1 ORDER BY p.made_ms DESC, d.id LIMIT ?2"
    )
    with open_register(config) as register:
        rows: list[dict[str, Any]] = [
            {
                "at": from_ms(row["made_ms"]).astimezone().isoformat(timespec="seconds"),
                "to": row["login"],
                "channel": row["channel"],
                "state": row["state"],
                "tries": row["tries"],
                "why": row["why"],
                "alerts": row["alerts"],
                "id": row["id"],
            }
            for row in register.connection.execute(query, (state, limit))
        ]
    emit(as_json, rows, as_table(rows, "no deliveries"))


@notify.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File for the key.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def key(out: Path, as_json: bool) -> None:
    """Make a VAPID key for web push, mode 0600, and say its public half."""
    from ancu.server.adapters.notify_webpush import load_key, make_key, public_text  # noqa: PLC0415

    if out.exists():
        raise UsageError(f"{out} exists: every browser would have to subscribe again")
    write_secret(out, make_key())
    public = public_text(load_key(out))
    emit(as_json, {"file": str(out), "public": public}, f"public key: {public}")


async def _send(notifier: Any, message: Any, to: list[str]) -> list[dict[str, str]]:
    from ancu.server.notify.port import Refused, Unreachable  # noqa: PLC0415

    results = []
    try:
        for address in to:
            try:
                receipt = await notifier.send(message, address)
            except (Refused, Unreachable) as trouble:
                results.append({"state": trouble.code, "why": trouble.why})
            else:
                results.append({"state": str(receipt.state), "why": ""})
    finally:
        await notifier.close()
    return results

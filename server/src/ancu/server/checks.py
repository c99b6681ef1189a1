"""`ancu server check`: whether the server could run with this configuration, and what is wrong if not."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiomqtt

from ancu.models.clock import SystemClock
from ancu.models.config import load
from ancu.models.errors import AncuError
from ancu.models.findings import Finding
from ancu.models.mqtt import client_id, tls_context
from ancu.server.adapters.notify_channels import build_notifiers
from ancu.server.adapters.sqlite import connect
from ancu.server.config import ServerSettings
from ancu.server.people.snapshot import read_snapshot
from ancu.server.people.vault import MASTER_KEY_FILE, Vault
from ancu.server.review.book import load_book
from ancu.server.web.tiles import inspect

__all__ = ["check_server"]

_ANSWER_S = 5.0


async def check_server(path: Path, change: Callable[[ServerSettings], ServerSettings]) -> AsyncIterator[Finding]:
    """Try everything that `run` needs; changes nothing. `change` is what the command line says beside the file."""
    settings = change(load(path, ServerSettings))
    yield Finding("configuration", ok=True, says=str(path))
    for what, look in (
        ("data", _data),
        ("register", _register),
        ("policy", _policy),
        ("certificates", _certificates),
        ("broker", _broker),
        ("port", _port),
        ("notify", _notify),
        ("map", _map),
    ):
        try:
            yield Finding(what, ok=True, says=await look(settings))
        except (AncuError, OSError, sqlite3.Error, aiomqtt.MqttError) as error:
            yield Finding(what, ok=False, says=" ".join(str(error).split()) or error.__class__.__name__)


async def _data(settings: ServerSettings) -> str:
    if not settings.data.is_dir():
        raise AncuError(f"{settings.data}: no such folder")
    if not os.access(settings.data, os.W_OK):
        raise AncuError(f"{settings.data}: cannot be written")
    free = os.statvfs(settings.data)
    return f"{settings.data}, {free.f_bavail * free.f_frsize // 2**20} MiB free"


async def _register(settings: ServerSettings) -> str:
    vault = Vault.open(settings.data / MASTER_KEY_FILE)
    connection = connect(settings.database, read_only=True)
    try:
        register = read_snapshot(connection, vault)
    finally:
        connection.close()
    return f"{len(register.edges)} edges, {len(register.bands)} bands, {len(register.orders)} orders"


async def _policy(settings: ServerSettings) -> str:
    return ", ".join(policy.label for policy in load_book(settings.policy, settings.policy_overrides).policies)


async def _notify(settings: ServerSettings) -> str:
    """Settings and secrets; `ancu notify test` tries the channels themselves."""
    channels = sorted(build_notifiers(settings.notify, SystemClock()))
    return ", ".join(channels) or "no channels: alerts are on the console only"


async def _map(settings: ServerSettings) -> str:
    if settings.web.map is None:
        return "none: a ward is shown as a list"
    found = inspect(settings.web.map)
    west, south, east, north = found.bounds
    return (
        f"{settings.web.map}: {found.kind}, {found.mib} MiB, zoom {found.zooms[0]} to {found.zooms[1]},"
        f" {south:.2f} to {north:.2f} N, {west:.2f} to {east:.2f} E"
    )


async def _certificates(settings: ServerSettings) -> str:
    tls_context(settings.broker)
    return str(settings.broker.cert_file)


async def _broker(settings: ServerSettings) -> str:
    broker = settings.broker
    client = aiomqtt.Client(
        broker.host,
        broker.port,
        identifier=f"{client_id('server', settings.data)}-check",
        timeout=_ANSWER_S,
        tls_context=tls_context(broker),
    )
    async with client:
        return f"{broker.host}:{broker.port} answers"


async def _port(settings: ServerSettings) -> str:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((settings.host, settings.port))
    return f"{settings.host}:{settings.port} is free"

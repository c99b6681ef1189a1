"""What a person should know before the broker runs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from ancu.models.config import load, write_secret
from ancu.models.findings import Finding
from ancu.server.adapters.broker import find_nats
from ancu.server.adapters.nats_config import Devices, NatsSettings, render
from ancu.server.adapters.pki import check_certificate

__all__ = ["check_broker"]


async def check_broker(config: Path) -> AsyncIterator[Finding]:
    """Look at configuration, binary, certificates, devices file and address; start nothing. May raise ConfigError."""
    settings = load(config, NatsSettings)
    binary = find_nats(settings.binary)
    yield Finding("binary", ok=True, says=str(binary))
    until = check_certificate(settings.cert_file, settings.key_file, settings.ca_file)
    yield Finding("certificate", ok=True, says=f"the listener's, good until {until:%Y-%m-%d}")
    devices = load(settings.devices_file, Devices).devices
    yield Finding("devices", ok=True, says=f"{len(devices)} are let in")
    problem = await _refusal(binary, settings, render(settings, devices))
    yield Finding("configuration", ok=not problem, says=problem or "nats-server takes it")
    state = "in use (running already?)" if _in_use(settings) else "free"
    yield Finding("address", ok=True, says=f"{settings.host}:{settings.port} is {state}")


async def _refusal(binary: Path, settings: NatsSettings, text: str) -> str:
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    trial = settings.data / "nats.check.conf"
    write_secret(trial, text.encode())
    try:
        child = await asyncio.create_subprocess_exec(
            binary, "-t", "--config", trial, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await child.communicate()
    finally:
        trial.unlink()
    return said.decode("utf-8", "replace").strip()[:300] if child.returncode else ""


def _in_use(settings: NatsSettings) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            return True
        return False

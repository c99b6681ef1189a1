"""Children: the processes of a demo or a benchmark, restarted when they die, ended together."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

__all__ = ["Child", "Children"]

_RESTART_AFTER_S = 0.5  # long enough that a child with a wrong configuration does not burn the processor
_END_WITHIN_S = 5.0  # what every process promises after SIGTERM
_PR_SET_PDEATHSIG = 1


class Child:
    """One process: `python -m ancu.models.command ARGS`, its output in a file of its own."""

    def __init__(self, name: str, args: Sequence[str], folder: Path) -> None:
        self.name = name
        self.restarts = -1  # the first start counts up to none
        self.process: asyncio.subprocess.Process | None = None
        self._args = tuple(args)
        self._folder = folder
        self.log = folder / f"{name}.log"

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process and self.process.returncode is None else None

    async def run(self) -> None:
        """Start the process and start it again whenever it ends, until cancelled."""
        try:
            while True:
                self.restarts += 1
                with self.log.open("ab") as log:
                    self.process = await asyncio.create_subprocess_exec(
                        sys.executable,
                        "-m",
                        "ancu.models.command",
                        *self._args,
                        cwd=self._folder,
                        stdin=asyncio.subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,  # a terminal's Ctrl-C is ours to handle: children end in an order
                        preexec_fn=partial(_die_with_parent, os.getpid()),
                    )
                await self.process.wait()
                await asyncio.sleep(_RESTART_AFTER_S)
        finally:
            await self._end()

    async def _end(self) -> None:
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), _END_WITHIN_S)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


class Children:
    """A group of children that start in order and end in stages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.all: dict[str, Child] = {}

    def start(self, name: str, *args: str) -> Child:
        child = self.all[name] = Child(name, args, self._folder)
        self._tasks[name] = asyncio.create_task(child.run(), name=name)
        return child

    async def end(self, names: Collection[str] | None = None) -> None:
        """End these children together, or all that are left."""
        ending = [task for name, task in self._tasks.items() if names is None or name in names]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        self._tasks = {name: task for name, task in self._tasks.items() if task not in ending}

    def resident_kib(self) -> dict[str, int]:
        """Resident memory by child, its own children included."""
        return {name: sum(map(_rss_kib, _family(child.pid))) for name, child in self.all.items() if child.pid}

    def cpu_s(self) -> dict[str, float]:
        """Processor time by child since its start, seconds, its own children included."""
        return {name: sum(map(_cpu_s, _family(child.pid))) for name, child in self.all.items() if child.pid}

    def cpu_percent(self) -> dict[str, float]:
        """Processor time by child since its start, in percent of one core, its own children included."""
        return {
            name: round(100 * used_s / max(1.0, _age_s(self.all[name].pid or 0)), 1)
            for name, used_s in self.cpu_s().items()
        }


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += _family(int(child))
    return found


def _rss_kib(pid: int) -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    return 0


def _cpu_s(pid: int) -> float:
    with contextlib.suppress(OSError):
        user, system = _stat(pid)[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _age_s(pid: int) -> float:
    with contextlib.suppress(OSError):
        up_s = float(Path("/proc/uptime").read_text().split()[0])
        return up_s - int(_stat(pid)[19]) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on: what follows the command's closing bracket."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()


def _die_with_parent(parent: int) -> None:
    """In the child: ask the kernel for SIGKILL when the parent dies, so that a killed demo leaves nothing behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel was asked
        os._exit(1)

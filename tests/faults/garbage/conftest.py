"""The command line run in forked children: the same code and exit as a process, without a second of imports each."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from ancu.models.command import main
from ancu.server.people.setup import Installation, make_installation

LOADED_ONCE = ("ancu.edge.agent", "ancu.gateway.app", "ancu.server.app", "ancu.server.checks", "ancu.firmware_sim.app")
ANSWER_S = 10.0
UNEXPECTED = 70  # what the last wall answers for an error that nobody thought of


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int | None  # None: it had to be killed
    out: str
    err: str

    def faults(self) -> list[str]:
        """What a person should never see of a command that was given nonsense."""
        found = []
        if self.code is None:
            found.append(f"did not end within {ANSWER_S:.0f} s")
        if self.code == 0:
            found.append("answered success")
        if self.code == UNEXPECTED or "ancu: unexpected " in self.err:
            found.append(f"unexpected: {self.err}")
        if self.code is not None and (self.code < 0 or "Traceback" in self.out + self.err):
            found.append(f"crashed: {self.err}")
        if not (self.out + self.err).strip():
            found.append("said nothing")
        return found


Ancu = Callable[..., Said]


@pytest.fixture(scope="session")
def loaded() -> None:
    """What verbs import when they run, before the first fork."""
    for name in LOADED_ONCE:
        import_module(name)


@pytest.fixture
def ancu(loaded: None, tmp_path: Path) -> Ancu:
    """Run `ancu ARGS` in an own working directory."""

    def run(*args: str | Path, limit_s: float = ANSWER_S) -> Said:
        out, err = tmp_path / "stdout", tmp_path / "stderr"
        pid = os.fork()
        if pid == 0:
            _become(out, err, tmp_path, [str(arg) for arg in args])
        code = _wait(pid, limit_s)
        return Said(code, out.read_text("utf-8", "replace"), err.read_text("utf-8", "replace"))

    return run


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation that nothing runs in; tests work on copies."""
    root = tmp_path_factory.mktemp("pristine") / "chain"
    return make_installation(root, homes=1, camera={"id": "camera-1", "source": "nothing.mp4"})


def _become(out: Path, err: Path, folder: Path, args: list[str]) -> None:
    code = 99
    try:
        for path, number in ((out, 1), (err, 2)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115 - for as long as the child lives
        sys.stdout = open(1, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
        sys.stderr = open(2, "w", closefd=False, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
        os.chdir(folder)
        os.setsid()
        signal.set_wakeup_fd(-1)
        sys.argv = ["ancu", *args]
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - the parent reads it
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _wait(pid: int, limit_s: float) -> int | None:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None

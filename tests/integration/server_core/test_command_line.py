"""`ancu server` says what is wrong in one line."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from ancu.server.people.setup import make_installation


def ancu(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ancu.models.command", *args], capture_output=True, text=True, check=False, timeout=60
    )


def test_an_unknown_key_is_refused(tmp_path: Path):
    made = make_installation(tmp_path / "here", homes=1)
    made.server_toml.write_text("tpyo = 1\n" + made.server_toml.read_text())
    done = ancu("server", "run", "--config", str(made.server_toml))
    assert done.returncode == 1
    assert "tpyo" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_port_that_is_taken_is_named_and_the_process_ends(tmp_path: Path):
    made = make_installation(tmp_path / "here", homes=1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", made.ports.server))
        taken.listen()
        done = ancu("server", "run", "--config", str(made.server_toml))
        made.server_toml.write_text(made.server_toml.read_text() + '\n[web]\nmap = "lost.pmtiles"\n')
        checked = ancu("server", "check", "--config", str(made.server_toml), "--json")
    assert done.returncode == 1
    assert str(made.ports.server) in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert checked.returncode == 1
    assert '"what": "port", "ok": false' in checked.stdout
    assert '"what": "broker", "ok": false' in checked.stdout
    assert '"what": "register", "ok": true' in checked.stdout
    assert '"what": "map", "ok": false' in checked.stdout
    assert "lost.pmtiles: No such file" in checked.stdout

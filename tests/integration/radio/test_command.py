"""`ancu sim bands` from a terminal, without a configuration file."""

import asyncio
import json
import stat
import sys
import tomllib
from pathlib import Path

import pytest

ANCU = Path(sys.executable).with_name("ancu")


async def ancu(*arguments: str | Path) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        ANCU, "sim", "bands", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, error = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), error.decode()


async def test_throw_away_bands_write_their_keys_for_an_edge(tmp_path: Path):
    keys = tmp_path / "keys.toml"
    code, out, _ = await ancu("--bands", "2", "--for", "0.5", "--hci-port", "0", "--bands-out", keys, "--json")
    assert code == 0
    assert [band["number"] for band in json.loads(out)["bands"]] == [1, 2]
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert len(tomllib.loads(keys.read_text())["bands"]) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "give --config, or --bands-out"),
        (("--config", "/nowhere/sim.toml"), "no such file"),
        (("--keys", "x"), "--keys goes with --to"),
        (("--to", "mqtt://127.0.0.1:1"), "--to needs --keys"),
    ],
)
async def test_what_cannot_be_done_is_one_clear_line(arguments: tuple[str, ...], says: str):
    code, _, error = await ancu(*arguments)
    assert code == 1
    assert says in error
    assert len(error.splitlines()) == 1


async def test_a_port_in_use_is_one_clear_line(tmp_path: Path):
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    code, _, error = await ancu("--bands-out", tmp_path / "keys.toml", "--hci-port", str(port))
    server.close()
    assert code == 1
    assert "port" in error.splitlines()[-1]
    assert "Traceback" not in error

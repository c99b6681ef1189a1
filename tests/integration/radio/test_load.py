"""`ancu sim bands --to mqtt://...` against a real broker and a stand-in for the server that confirms what it opens."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from ancu.models import topics
from ancu.models.config import write_secret
from ancu.models.frame import frame_cipher, open_frame
from ancu.models.ids import EdgeId, OrderId, WardCode
from ancu.models.keys import derive_band_keys, derive_edge_keys
from ancu.models.wire import Confirmation, encode_confirm, open_batch

BIN = Path(sys.executable).parent
WARD, EDGES, BANDS = WardCode("w-01"), ("edge-1", "edge-2"), 6
CONFIG = (
    'server_name: "t"\nhost: "127.0.0.1"\nport: -1\njetstream {{ store_dir: "{store}" }}\nmqtt {{ port: {port} }}\n'
)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (tmp_path / "nats.conf").write_text(CONFIG.format(store=tmp_path / "js", port=port))
    process = await asyncio.create_subprocess_exec(
        BIN / "nats-server", "-c", tmp_path / "nats.conf", stderr=asyncio.subprocess.DEVNULL
    )
    for _ in range(250):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            break
    yield port
    process.kill()
    await process.wait()


def write_keys(folder: Path) -> Path:
    lines = [f'[[edges]]\nedge = "{edge}"\nward = "{WARD}"\nkey = "{_edge_key(edge).hex()}"\n' for edge in EDGES]
    lines += [
        f'[[bands]]\nnumber = {i}\nkey = "{i:032x}"\norder = "order-1"\nedge = "{EDGES[i % 2]}"\n'
        for i in range(1, BANDS + 1)
    ]
    write_secret(folder / "keys.toml", "\n".join(lines).encode())
    return folder / "keys.toml"


async def load(port: int, keys: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    process = await asyncio.create_subprocess_exec(
        *(BIN / "ancu", "sim", "bands", "--to", f"mqtt://127.0.0.1:{port}", "--keys", keys, "--json", *more),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await process.communicate()
    assert process.returncode is not None
    return process.returncode, json.loads(out) if out else {}, error.decode()


async def confirming(port: int, opened: list[int]) -> None:
    """A server: opens every batch and every frame in it, and confirms."""
    async with aiomqtt.Client("127.0.0.1", port, identifier="server-1") as client:
        await client.subscribe(topics.edges_of_ward(WARD, "facts/+"), qos=1)
        async for message in client.messages:
            match topics.parse(str(message.topic)):
                case topics.Facts(ward, edge, lane):
                    keys = derive_edge_keys(_edge_key(edge))
                    batch = open_batch(message.payload, keys.up)
                    for _, heard in batch.heard_records():
                        frame = derive_band_keys(heard.band.to_bytes(16, "big"), OrderId("order-1")).frame
                        opened.append(open_frame(heard.body, frame_cipher(frame), heard.address).counter)
                    upto = batch.header.first + batch.header.count - 1
                    body = encode_confirm(Confirmation(edge, lane, batch.header.epoch, upto), keys.down)
                    await client.publish(topics.confirm(ward, edge), body, qos=1)


async def test_every_reading_is_sent_sealed_and_counted_when_confirmed(broker: int, tmp_path: Path):
    opened: list[int] = []
    server = asyncio.create_task(confirming(broker, opened))
    await asyncio.sleep(0.3)
    code, summary, _ = await load(broker, write_keys(tmp_path), "--bands", "6", "--interval", "1", "--for", "3")
    server.cancel()
    await asyncio.gather(server, return_exceptions=True)
    assert code == 0
    assert summary["bands"] == 6
    assert summary["edges"] == 2
    assert 12 <= summary["sent"] == summary["confirmed"] == len(opened) <= 24
    assert 0 <= summary["p50_confirm_ms"] <= summary["p99_confirm_ms"] < 2000


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--bands", "7"), "holds 6"),
        (("--interval", "0.5"), "one reading a second"),
        (("--to", "http://x"), "expected mqtt://"),
    ],
)
async def test_what_cannot_be_done_is_one_clear_line(tmp_path: Path, more: tuple[str, ...], says: str):
    code, _, error = await load(1, write_keys(tmp_path), *more)
    assert code == 1
    assert says in error
    assert len(error.splitlines()) == 1


def _edge_key(edge: str) -> bytes:
    return EdgeId(edge).encode().ljust(32, b"-")

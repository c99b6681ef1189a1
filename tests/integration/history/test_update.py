"""New firmware over the air: MCUboot images by SMP over the bonded link."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from bleak import BleakClient
from bleak.exc import BleakGATTProtocolError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ancu.edge.updating import Updates, read_firmware
from ancu.firmware_sim.mcuboot import Version, make_image
from ancu.models.band_facts import BandUpdated
from ancu.models.clock import SystemClock
from ancu.models.errors import ConfigError
from ancu.models.link import ACCESS, access_proof, link_keys
from ancu.models.smp import SMP_CHARACTERISTIC, Group, pack, unpack
from ancu.server.ingest.rows import Row, facts_of

from .conftest import Place, connect, until

pytestmark = pytest.mark.timeout(120)


class Manager:
    """The least that speaks SMP over a connection."""

    def __init__(self, client: BleakClient) -> None:
        self._client = client
        self._held = b""
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def enter(self, place: Place) -> None:
        await self._client.pair()
        access = link_keys(place.band.keys.identity).access
        proof = access_proof(access, bytes(await self._client.read_gatt_char(ACCESS)))
        await self._client.write_gatt_char(ACCESS, proof, response=True)
        await self._client.start_notify(SMP_CHARACTERISTIC, lambda _, value: self._told(bytes(value)))

    async def ask(self, op: int, group: int, command: int, body: dict[str, Any]) -> dict[str, Any]:
        request = pack(op, group, command, 1, body)
        for at in range(0, len(request), 240):
            await self._client.write_gatt_char(SMP_CHARACTERISTIC, request[at : at + 240], response=False)
        async with asyncio.timeout(20):
            return await self._answers.get()

    async def upload(self, raw: bytes) -> dict[str, Any]:
        offset, answer = 0, {}
        while offset < len(raw):
            body = {"off": offset, "data": raw[offset : offset + 400]} | ({"len": len(raw)} if offset == 0 else {})
            answer = await self.ask(2, Group.IMAGE, Group.UPLOAD, body)
            if answer["rc"]:
                break
            offset = answer["off"]
        return answer

    def _told(self, packet: bytes) -> None:
        self._held += packet
        try:
            answer = unpack(self._held)[4]
        except ValueError:
            return
        self._held = b""
        self._answers.put_nowait(answer)


async def test_a_band_takes_what_is_signed_refuses_a_downgrade_and_puts_back_what_nobody_confirmed(place: Any):
    await place.put_band()
    boot = place.unit.bootloader
    client = await connect(place)
    manager = Manager(client)
    with pytest.raises(BleakGATTProtocolError):
        await client.write_gatt_char(SMP_CHARACTERISTIC, b"", response=True)  # nobody, before he showed the key
    await manager.enter(place)
    old = make_image(b"old" * 500, Version(0, 0, 9), 0, place.update_key)
    assert (await manager.upload(old))["rsn"] == "floor"
    new = make_image(b"new" * 500, Version(0, 2), 2, place.update_key)
    spoiled = new[:200] + bytes((new[200] ^ 1,)) + new[201:]
    assert (await manager.upload(spoiled))["rsn"] == "hash"
    assert (await manager.upload(new))["off"] == len(new)
    await manager.ask(2, Group.IMAGE, Group.STATE, {"hash": boot.second.hash})
    await manager.ask(2, Group.OS, Group.RESET, {})
    await until(lambda: boot.running.version == Version(0, 2))
    assert not boot.confirmed
    await until(lambda: place.unit.band is not None)
    place.unit.reset()  # it ran, and reached nobody
    assert boot.running.version == Version(0, 1)
    assert boot.reverts == 1


def told(place: Place) -> list[tuple[str, str]]:
    """What the server was told of updates, in order."""
    assert place.server is not None
    columns = ("received_ms", "ward", "edge", "gateway", "lane", "epoch", "first", "count", "readings", "facts")
    rows = [Row(*row) for row in place.server.rows(f"SELECT {', '.join(columns)} FROM inbox ORDER BY position")]  # noqa: S608
    facts = [fact for row in rows for _, fact in facts_of(row)[0] if isinstance(fact, BandUpdated)]
    return [(fact.outcome, fact.why) for fact in facts]


async def offer(place: Place, raw: bytes) -> None:
    """Let the home's edge have the file."""
    path = place.folder / "band.bin"
    path.write_bytes(raw)
    place.start_server()
    await place.start_edge(updates=Updates(read_firmware(path), SystemClock()))


async def test_an_edge_brings_its_bands_to_the_firmware_of_a_file_and_says_so(place: Any):
    await place.put_band()
    boot = place.unit.bootloader
    await offer(place, make_image(b"new" * 9000, Version(0, 2), 2, place.update_key))
    await until(lambda: told(place) == [("sent", ""), ("running", "")])
    assert (boot.running.version, boot.confirmed) == (Version(0, 2), True)
    place.unit.reset()
    assert boot.running.version == Version(0, 2)


@pytest.mark.parametrize("wrong", ["floor", "key", "hash"])
async def test_what_a_band_refuses_of_a_file_the_edge_tells_and_offers_no_more(place: Any, wrong: str):
    await place.put_band()
    key = Ed25519PrivateKey.generate() if wrong == "key" else place.update_key
    raw = bytearray(make_image(b"old" * 500, Version(0, 0, 9), 0 if wrong == "floor" else 2, key))
    if wrong == "hash":
        raw[200] ^= 1
    await offer(place, bytes(raw))
    await until(lambda: told(place))
    visits = place.agent._visitor.counts
    before = visits["well"]
    await until(lambda: visits["well"] >= before + 2)
    assert told(place) == [("refused", wrong)]
    assert place.unit.bootloader.running.version == Version(0, 1)


async def test_the_control_a_band_without_a_floor_takes_the_downgrade(place: Any):
    await place.put_band()
    boot = place.unit.bootloader
    boot.running, boot._floor = dataclasses.replace(boot.running, counter=0), 0
    await offer(place, make_image(b"old" * 500, Version(0, 0, 9), 0, place.update_key))
    await until(lambda: told(place) == [("sent", ""), ("running", "")])


async def test_a_band_that_put_the_new_firmware_back_is_told_of_and_left_alone(place: Any):
    await place.put_band()
    boot = place.unit.bootloader
    await offer(place, make_image(b"new" * 500, Version(0, 2), 2, place.update_key))
    await until(lambda: boot.running.version == Version(0, 2))
    place.unit.silent = True  # it reaches nobody
    assert not boot.confirmed
    await until(lambda: place.unit.band is not None)
    place.unit.reset()
    place.unit.silent = False
    await until(lambda: told(place) == [("sent", ""), ("reverted", "")])
    assert (boot.running.version, boot.reverts) == (Version(0, 1), 1)


def test_a_file_that_is_no_image_is_named(tmp_path: Path):
    (tmp_path / "band.bin").write_bytes(b"no image" * 10)
    with pytest.raises(ConfigError, match="not an MCUboot image"):
        read_firmware(tmp_path / "band.bin")
    with pytest.raises(ConfigError, match="No such file"):
        read_firmware(tmp_path / "none.bin")
